-------------------------------- MODULE Reads ---------------------------------
(* Consistent reads without an entry in the log: the cell, and three steps     *)
(* more.  When a read arrives at the proposer of a ballot, it notes the        *)
(* highest slot that it knows to be decided, or has proposed in.  It asks the  *)
(* members of the *next* slot whether their promises still stand, and a        *)
(* majority of them must echo, and must have reported no vote there.  Then it  *)
(* answers from what it has applied, at the noted slot or later.  Several      *)
(* reads are one round.                                                        *)
(*                                                                             *)
(* Why: say that a slot above was decided before.  Then the next one was, and  *)
(* one of its voters is in that majority.  It voted under a lower ballot, and  *)
(* its promise reported it; or under a higher one, and its promise stands no   *)
(* more (R4); or under this one, and the proposer knew.                        *)
(*                                                                             *)
(* Rules: R7.  Takes the steps of Cell, and refines what Cell refines: a read  *)
(* changes nothing.  It takes effect in the past, when it arrived, so that it  *)
(* is an invariant, and no refinement, that says what reads see.               *)
(* What nodes say about reads does not wait in their queues: it depends on no  *)
(* record, so to everyone else a message that waits is a slow network.         *)
(* Leaves out: stale reads; which client's reads are in a round.               *)
(* Mirrored by spec/service/reads.py.                                          *)
EXTENDS Commands
CONSTANTS
  Nodes, MaxBallot, MaxSlot, Mortals, Early,
  Owner, Audience, Strays, Learners,         \* see Cell
  MaxReads    \* ballot -> rounds of reads that it may have: a bound

VARIABLES
  asked, told, prepares, promises, proposals, votes, decisions,
  promised, accepted, active, known, queue, disk, kept,   \* see Outbox
  rounds,     \* begun: under a ballot, for a slot, and to whom
  echoes,     \* a promise stands: said after a round with that nonce was heard
  answers     \* given, from the state after a slot

cell  == <<asked, told, prepares, promises, proposals, votes, decisions,
           promised, accepted, active, known, queue, disk, kept>>
reads == <<rounds, echoes, answers>>
vars  == <<cell, reads>>

C == INSTANCE CellProperties

Read == 1..C!Highest({MaxReads[b] : b \in C!Ballot})

Init == C!Init /\ rounds = {} /\ echoes = {} /\ answers = {}

-------------------------------------------------------------------------------
\* All that the owner of b knows of: decided, or proposed by it under b.
HighestSlot(b) ==
  C!Highest({Len(known[Owner[b]])} \cup
            {m.slot : m \in {p \in C!Proposals(Owner[b]) : p.ballot = b}})

\* Who would have to have voted for anything beyond slot i: members of the next.
MembersNext(b, i) == C!MembersOf(Owner[b], i + 1)

\* Who promised b, and reported no vote in slot i and a floor below it.
Vouching(b, i) ==
  {m.node : m \in {p \in promises : p.ballot = b /\ p.floor < i
                                    /\ \A r \in p.accepted : r.slot # i}}

Nonce(t)     == t     \* no two rounds of a ballot share it
Begun(b, t)  == \E m \in rounds : m.ballot = b /\ m.read = t
Echoed(b, t) ==
  {m.node : m \in {e \in echoes : e.ballot = b /\ e.nonce = Nonce(t)}}

\* Reads have arrived at the proposer of b, and a round of them begins, once it
\* knows whom to ask.  `seen` is what anybody had been told by then.
Consult(b, t) ==
  /\ active[Owner[b]] = b
  /\ t <= MaxReads[b] /\ ~ Begun(b, t)
  /\ \A u \in 1..(t - 1) : Begun(b, u)
  /\ HighestSlot(b) + 1 \in C!Window(Owner[b])
  /\ rounds' = rounds \cup
       {[ballot |-> b, read |-> t, slot |-> HighestSlot(b),
         to |-> MembersNext(b, HighestSlot(b)),
         seen |-> C!Highest({d.slot : d \in decisions})]}
  /\ UNCHANGED <<cell, echoes, answers>>

\* A node says that its promise still stands, after it heard of the round: as
\* often as it hears of it, since it remembers nothing of that.
Echo(n, b, t) ==
  /\ promised[n] = b                             \* a higher one is a refusal
  /\ \E m \in rounds : /\ m.ballot = b /\ m.read = t
                       /\ n \in Audience[b] /\ n \in m.to
  /\ echoes' = echoes \cup {[ballot |-> b, nonce |-> Nonce(t), node |-> n]}
  /\ UNCHANGED <<cell, rounds, answers>>

\* The proposer answers from what it has applied: all up to the round's slot, or
\* more.
Serve(b, t) ==
  /\ active[Owner[b]] = b
  /\ ~ \E a \in answers : a.ballot = b /\ a.read = t
  /\ \E m \in rounds :
       /\ m.ballot = b /\ m.read = t
       /\ m.slot <= Len(known[Owner[b]])
       /\ IsMajority(Echoed(b, t) \cap Vouching(b, m.slot + 1),
                     MembersNext(b, m.slot))
  /\ answers' = answers \cup
       {[ballot |-> b, read |-> t, slot |-> Len(known[Owner[b]])]}
  /\ UNCHANGED <<cell, rounds, echoes>>

Issue(c)         == C!Issue(c) /\ UNCHANGED reads
Prepare(b)       == C!Prepare(b) /\ UNCHANGED reads
Promise(n, b)    == C!Promise(n, b) /\ UNCHANGED reads
Propose(b, i, v) == C!Propose(b, i, v) /\ UNCHANGED reads
Vote(n, b, i)    == C!Vote(n, b, i) /\ UNCHANGED reads
Decide(b, i)     == C!Decide(b, i) /\ UNCHANGED reads
Learn(n, i)      == C!Learn(n, i) /\ UNCHANGED reads
Flush(n)         == C!Flush(n) /\ UNCHANGED reads
Crash(n, k)      == C!Crash(n, k) /\ UNCHANGED reads

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E b \in C!Ballot : Prepare(b)
  \/ \E n \in Nodes, b \in C!Ballot : Promise(n, b)
  \/ \E b \in C!Ballot, i \in C!Slot, v \in Value : Propose(b, i, v)
  \/ \E n \in Nodes, b \in C!Ballot, i \in C!Slot : Vote(n, b, i)
  \/ \E b \in C!Ballot, i \in C!Slot : Decide(b, i)
  \/ \E n \in Nodes, i \in C!Slot : Learn(n, i)
  \/ \E n \in Nodes : Flush(n)
  \/ \E n \in Nodes, k \in 0..MaxSlot : Crash(n, k)
  \/ \E b \in C!Ballot, t \in Read : Consult(b, t)
  \/ \E n \in Nodes, b \in C!Ballot, t \in Read : Echo(n, b, t)
  \/ \E b \in C!Ballot, t \in Read : Serve(b, t)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ C!TypeOK
  /\ rounds \subseteq [ballot : C!Ballot, read : Read, slot : 0..MaxSlot,
                       to : SUBSET Nodes, seen : 0..MaxSlot]
  /\ echoes \subseteq [ballot : C!Ballot, nonce : Read, node : Nodes]
  /\ answers \subseteq [ballot : C!Ballot, read : Read, slot : 0..MaxSlot]

Agreement == C!Agreement

\* What anybody had been told before a read arrived is in the state that it is
\* answered from.
ReadsSeeAcknowledged ==
  \A a \in answers, m \in rounds :
    m.ballot = a.ballot /\ m.read = a.read => m.seen <= a.slot

RefinesBallots == C!RefinesBallots

-------------------------------------------------------------------------------
\* An answer from beyond the slot that was noted.
ReachServedLater ==
  \E a \in answers, m \in rounds :
    m.ballot = a.ballot /\ m.read = a.read /\ m.slot < a.slot

\* A read that saw what another proposer had decided.
ReachSawOthers ==
  \E a \in answers, d \in decisions : d.slot = a.slot /\ d.by # Owner[a.ballot]

\* Its majority is one of members that a change brought in.
ReachServedAfterChange ==
  \E a \in answers : a.slot > 0 /\ MembersNext(a.ballot, a.slot) # First

\* A round of a proposer that does not know what somebody was told, and somebody
\* echoes it: the majority alone keeps it from a stale answer.
ReachStale ==
  \E m \in rounds : m.slot < m.seen /\ active[Owner[m.ballot]] = m.ballot
                    /\ Echoed(m.ballot, m.read) # {}

ReachSecondRound == \E a \in answers : a.read = 2

\* What was read is forgotten by who told it: a crash.
ReachForgotten == \E a \in answers : Len(known[Owner[a.ballot]]) < a.slot
===============================================================================
