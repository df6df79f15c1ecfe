------------------------------- MODULE Leaving --------------------------------
(* Coming and leaving: the cell, with what it forgets and teaches, and nodes   *)
(* that are made, erased, or lose their disks.  A node is an incarnation.      *)
(*                                                                             *)
(* Whom a change removed votes and teaches on, for the slots that it is a      *)
(* member for, and for those that it holds in trust for nodes erased before.   *)
(* Once a majority of a configuration that replaced it has durably learned     *)
(* *every* slot up to the last that it was a member for, it may be erased:     *)
(* all that stays of it is a pointer to that configuration, with its version.  *)
(*                                                                             *)
(* How far a node has learned durably it tells whoever asks, and asking is no  *)
(* step: what its disk has is what it may have said, for no disk forgets and   *)
(* goes on.  So a node that lost its disk since counts as well: it was late.   *)
(*                                                                             *)
(* Rules: R8 (an incarnation that was removed does not come back), R11         *)
(* (leaving), R15 (an order to make a node makes it once).                     *)
(* Takes the steps of Teaching.  Leaves out: who gives the orders, and when;   *)
(* the life of the cell; who follows pointers, which is in Discovery.          *)
(* Mirrored by spec/leaving.py; performed by physalia/cell.                    *)
EXTENDS Commands
CONSTANTS
  Nodes, MaxBallot, MaxSlot, Mortals, Early,
  Owner, Audience, Strays, Learners, Truncators, Students,   \* see Teaching
  Newcomers,  \* nodes that are yet to be made
  Leavers,    \* nodes that may be erased: a bound
  Frail       \* nodes whose disks may be lost: a bound

VARIABLES
  asked, told, prepares, promises, proposals, votes, decisions,
  promised, accepted, active, known, queue, disk, kept,   \* see Outbox
  place,      \* node -> "absent", "here" or "lost": what is where it should be
  pointer     \* node -> the jury record that is left of it, durably

cell   == <<asked, told, prepares, promises, proposals, votes, decisions,
            promised, accepted, active, known, queue, disk, kept>>
places == <<place, pointer>>
vars   == <<cell, places>>

T == INSTANCE Teaching

ASSUME /\ Newcomers \cup Leavers \cup Frail \subseteq Nodes
       /\ First \cap Newcomers = {}

Nowhere == [version |-> 0, members |-> {}]     \* no pointer

Init ==
  /\ T!Init
  /\ place = [n \in Nodes |-> IF n \in Newcomers THEN "absent" ELSE "here"]
  /\ pointer = [n \in Nodes |-> Nowhere]

-------------------------------------------------------------------------------
\* n takes a step of Teaching.
By(n) == place[n] = "here" /\ UNCHANGED places

Issue(c)         == T!Issue(c) /\ UNCHANGED places
Prepare(b)       == T!Prepare(b) /\ By(Owner[b])
Promise(n, b)    == T!Promise(n, b) /\ By(n)
Propose(b, i, v) == T!Propose(b, i, v) /\ By(Owner[b])
Vote(n, b, i)    == T!Vote(n, b, i) /\ By(n)
Decide(b, i)     == T!Decide(b, i) /\ By(Owner[b])
Learn(n, i)      == T!Learn(n, i) /\ By(n)
Flush(n)         == T!Flush(n) /\ By(n)
Crash(n, k)      == T!Crash(n, k) /\ By(n)
Truncate(n, i)   == T!Truncate(n, i) /\ By(n)
Install(n, i)    == T!Install(n, i) /\ By(n)

\* How many decisions the disk of n has when its whole queue is flushed.
Settled(n) ==
  T!Highest({kept[n]} \cup {T!KeptBy(queue[n][j]) :
    j \in {k \in DOMAIN queue[n] : queue[n][k].records # << >>}})

\* n flushes what it knows, for it was asked how far it has learned durably.
Settle(n) ==
  /\ n \in Mortals                               \* others keep what they know
  /\ Settled(n) < Len(known[n])
  /\ T!Store(n, [learned |-> Len(known[n])], T!Nothing)
  /\ UNCHANGED <<asked, promised, accepted, active, known>>
  /\ By(n)

\* The order to make n arrives, once more perhaps.
Create(n) ==
  /\ place[n] = "absent"
  /\ pointer[n] = Nowhere                        \* it was never here
  /\ place' = [place EXCEPT ![n] = "here"]
  /\ promised' = [promised EXCEPT ![n] = 0]
  /\ accepted' = [accepted EXCEPT ![n] = T!Blank.accepted]
  /\ active' = [active EXCEPT ![n] = 0] /\ known' = [known EXCEPT ![n] = << >>]
  /\ queue' = [queue EXCEPT ![n] = << >>]
  /\ disk' = [disk EXCEPT ![n] = T!Blank] /\ kept' = [kept EXCEPT ![n] = 0]
  /\ UNCHANGED <<asked, told, prepares, promises, proposals, votes, decisions,
                 pointer>>

\* The slots that n was or is a member for, as far as it knows.
Served(n) ==
  {i \in 1..(Len(known[n]) + Alpha) : n \in T!MembersOf(n, i)}

\* Who durably learned every slot up to i, and said so; each for itself alone.
Learned(i) == {m \in Nodes : i <= T!Durable(m)}

\* n is erased: it knows that the configuration of slot i + 1 replaced it, and
\* a majority there has learned what it may hold.  What it had is gone: from
\* here on nobody looks at it.
Erase(n, i) ==
  /\ n \in Leavers
  /\ place[n] = "here"
  /\ Served(n) # {}                              \* who is yet to come stays
  /\ T!Highest(Served(n)) <= i /\ i < Len(known[n]) + Alpha
  /\ IsMajority(Learned(i), T!MembersOf(n, i + 1))
  /\ place' = [place EXCEPT ![n] = "absent"]
  /\ pointer' = [pointer EXCEPT ![n] =
                   After(SubSeq(known[n], 1, i + 1 - Alpha)).jury]
  /\ UNCHANGED cell

\* The disk of n is lost, and n with it: it comes back as somebody else.
Lose(n) ==
  /\ n \in Frail
  /\ place[n] = "here"
  /\ place' = [place EXCEPT ![n] = "lost"]
  /\ UNCHANGED <<cell, pointer>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E b \in T!Ballot : Prepare(b)
  \/ \E n \in Nodes, b \in T!Ballot : Promise(n, b)
  \/ \E b \in T!Ballot, i \in T!Slot, v \in Value : Propose(b, i, v)
  \/ \E n \in Nodes, b \in T!Ballot, i \in T!Slot : Vote(n, b, i)
  \/ \E b \in T!Ballot, i \in T!Slot : Decide(b, i)
  \/ \E n \in Nodes, i \in T!Slot : Learn(n, i)
  \/ \E n \in Nodes : Flush(n)
  \/ \E n \in Nodes, k \in 0..MaxSlot : Crash(n, k)
  \/ \E n \in Nodes, i \in T!Slot : Truncate(n, i)
  \/ \E n \in Nodes, i \in T!Slot : Install(n, i)
  \/ \E n \in Nodes : Settle(n)
  \/ \E n \in Nodes : Create(n)
  \/ \E n \in Nodes, i \in T!Slot : Erase(n, i)
  \/ \E n \in Nodes : Lose(n)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
Erased(n)  == pointer[n] # Nowhere
Lost       == {n \in Nodes : place[n] = "lost"}
Present    == {n \in Nodes : place[n] = "here"}
JuryFor(i) == After(SubSeq(T!DecidedLog, 1, T!Highest({0, i - Alpha}))).jury

TypeOK ==
  /\ T!TypeOK
  /\ place \in [Nodes -> {"absent", "here", "lost"}]
  /\ \A n \in Nodes : /\ pointer[n].version \in Nat
                      /\ pointer[n].members \subseteq Nodes

Agreement         == T!Agreement
OneValuePerBallot == T!OneValuePerBallot
PromisesReport    == T!PromisesReport
VotesKept         == T!VotesKept
KnownDecided      == T!KnownDecided
FloorsKnown       == T!FloorsKnown
VerdictsTrue      == T!VerdictsTrue

\* Whatever disks are lost besides, as long as no configuration loses half of
\* its own, each chosen slot is held by a node that is here and has its disk.
Recoverable ==
  T!HeldInEach({Present \ lost : lost \in {l \in T!Losses : Lost \subseteq l}})

\* Nothing is open any more that an erased node is a member for.
ErasedDone ==
  \A n \in Nodes : Erased(n) =>
    \A i \in 1..Alpha : n \notin T!Configuration(Len(T!DecidedLog) + i)

\* A pointer is a jury record that the log led to, later than any of which its
\* node was a member.  So it leads on: to nodes that are here, or to pointers
\* with higher versions.
PointersTrue ==
  \A n \in Nodes : Erased(n) =>
    \E i \in 1..(Len(T!DecidedLog) + Alpha) : pointer[n] = JuryFor(i)

PointersLead ==
  \A n \in Nodes : Erased(n) =>
    /\ \A i \in 1..(Len(T!DecidedLog) + Alpha) :
         n \in JuryFor(i).members => JuryFor(i).version < pointer[n].version
    /\ \A m \in pointer[n].members :
         Erased(m) => pointer[n].version < pointer[m].version

\* Who is not made yet said nothing.
AbsentSilent ==
  \A n \in Nodes : (place[n] = "absent" /\ ~ Erased(n)) =>
    /\ disk[n] = T!Blank /\ known[n] = << >>
    /\ \A m \in promises \cup votes : m.node # n

\* Who is erased, or lost its disk, stays so.
GoneForGood ==
  [][\A n \in Nodes :
       /\ Erased(n) => pointer'[n] = pointer[n] /\ place'[n] = "absent"
       /\ place[n] = "lost" => place'[n] = "lost"]_vars
===============================================================================
