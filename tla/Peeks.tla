-------------------------------- MODULE Peeks ---------------------------------
(* Reads that may be stale: the cell, and two steps more.  A client remembers  *)
(* the highest slot of which it was told or shown anything: its token.  Any    *)
(* node shows it what it knows, at once and without a message, if that is no   *)
(* less than the token.  So what is shown is some prefix of the log, and for   *)
(* one client never a shorter one than before.                                 *)
(*                                                                             *)
(* Why: nodes learn at their own pace, and who crashes may know less than it   *)
(* has shown.  Nobody but the client knows what it saw, so the client says it. *)
(*                                                                             *)
(* Rules: R7.  Takes the steps of Cell, and refines what Cell refines: a peek  *)
(* changes nothing.                                                            *)
(* Leaves out: that a client who was told of a slot asked for what is there.   *)
(* Mirrored by spec/service/peeks.py.                                          *)
EXTENDS Commands
CONSTANTS
  Nodes, MaxBallot, MaxSlot, Mortals, Early,
  Owner, Audience, Strays, Learners,         \* see Cell
  MaxLooks    \* client -> how often it hears anything: a bound

VARIABLES
  asked, told, prepares, promises, proposals, votes, decisions,
  promised, accepted, active, known, queue, disk, kept,   \* see Outbox
  token,      \* client -> the highest slot of which it heard anything
  saw         \* client -> what it heard, in order: a note of the specification's

cell  == <<asked, told, prepares, promises, proposals, votes, decisions,
           promised, accepted, active, known, queue, disk, kept>>
peeks == <<token, saw>>
vars  == <<cell, peeks>>

C == INSTANCE CellProperties

Client == DOMAIN MaxLooks
Answer == 0                        \* no node: an answer to a client's command

Init == C!Init /\ token = [c \in Client |-> 0] /\ saw = [c \in Client |-> << >>]

-------------------------------------------------------------------------------
\* A client hears of the state after a log.
Hears(c, n, log) ==
  /\ Len(saw[c]) < MaxLooks[c]
  /\ saw' = [saw EXCEPT ![c] = Append(@, [node |-> n, log |-> log])]
  /\ UNCHANGED cell

\* A client is told what came of its command in slot i: at any time, or again.
Hear(c, i) ==
  /\ i <= Len(C!DecidedLog)
  /\ Hears(c, Answer, SubSeq(C!DecidedLog, 1, i))
  /\ token' = [token EXCEPT ![c] = C!Highest({@, i})]

\* A node shows a client what it knows, if the client saw no more before.
Shown(n) == known[n]
Peek(c, n) ==
  /\ Len(Shown(n)) >= token[c]
  /\ Hears(c, n, Shown(n))
  /\ token' = [token EXCEPT ![c] = Len(Shown(n))]

Issue(c)         == C!Issue(c) /\ UNCHANGED peeks
Prepare(b)       == C!Prepare(b) /\ UNCHANGED peeks
Promise(n, b)    == C!Promise(n, b) /\ UNCHANGED peeks
Propose(b, i, v) == C!Propose(b, i, v) /\ UNCHANGED peeks
Vote(n, b, i)    == C!Vote(n, b, i) /\ UNCHANGED peeks
Decide(b, i)     == C!Decide(b, i) /\ UNCHANGED peeks
Learn(n, i)      == C!Learn(n, i) /\ UNCHANGED peeks
Flush(n)         == C!Flush(n) /\ UNCHANGED peeks
Crash(n, k)      == C!Crash(n, k) /\ UNCHANGED peeks

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
  \/ \E c \in Client, i \in C!Slot : Hear(c, i)
  \/ \E c \in Client, n \in Nodes : Peek(c, n)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ C!TypeOK
  /\ token \in [Client -> 0..MaxSlot]
  /\ \A c \in Client : /\ Len(saw[c]) <= MaxLooks[c]
                       /\ \A j \in DOMAIN saw[c] : saw[c][j].log \in Seq(Value)

Agreement == C!Agreement

\* A majority voted for this value, of the configuration that this log gives.
Chosen(log, i) ==
  \E m \in {p \in proposals : p.slot = i /\ p.value = log[i]} :
    IsMajority(C!Voters(m.ballot, i), C!Members(log, i))

\* What a client hears is the state after some prefix of what was decided, said
\* already or not.
PrefixesOnly ==
  \A c \in Client : \A j \in DOMAIN saw[c] : \A i \in DOMAIN saw[c][j].log :
    Chosen(saw[c][j].log, i)

\* No node shows a client a shorter prefix than it heard of before.
NeverGoesBack ==
  \A c \in Client : \A j \in DOMAIN saw[c] :
    saw[c][j].node # Answer =>
      \A k \in 1..(j - 1) : Len(saw[c][k].log) <= Len(saw[c][j].log)

RefinesBallots == C!RefinesBallots

-------------------------------------------------------------------------------
Shows(c) == {j \in DOMAIN saw[c] : saw[c][j].node # Answer}

\* Something is missing that was decided before: these reads may be stale.
ReachStale ==
  \E c \in Client : \E j \in Shows(c) : Len(saw[c][j].log) < Len(C!DecidedLog)

\* A node that must not show a client anything.
ReachBehind ==
  \E c \in Client, n \in Nodes :
    Len(known[n]) < token[c] /\ Len(saw[c]) < MaxLooks[c]

\* What was shown is forgotten by who showed it: a crash.
ReachForgotten ==
  \E c \in Client : \E j \in Shows(c) :
    Len(known[saw[c][j].node]) < Len(saw[c][j].log)

\* A client was told what came of its command, and then shown just that.
ReachOwn ==
  \E c \in Client : \E j \in Shows(c) :
    /\ j > 1 /\ saw[c][j - 1].node = Answer
    /\ saw[c][j].log # << >> /\ saw[c][j].log = saw[c][j - 1].log
===============================================================================
