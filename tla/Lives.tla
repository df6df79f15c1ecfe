-------------------------------- MODULE Lives ---------------------------------
(* A disk goes back in time: after a restart it holds an older copy of       *)
(* itself, without a flaw, so that its node cannot tell. What then? `Law`    *)
(* says:                                                                     *)
(*   "trust"   The node goes on from what it finds.                          *)
(*   "stop"    It goes on, until it hears of a promise, a vote or a ballot   *)
(*             of its own that its disk lacks; then it stops for good.  That *)
(*             is all that a node can do by itself.                          *)
(*   "listen"  The same, and it does nothing as long as there is something   *)
(*             of that kind to be heard.  No network promises that.          *)
(*   "retire"  The disk counts as lost: the node does nothing any more, and  *)
(*             a new incarnation may begin, with a new name and a blank      *)
(*             disk.                                                         *)
(* Agreement falls under "trust", and under "stop" as well, since what was   *)
(* said may be heard too late. So the stop is a net, and no leave to start   *)
(* a node from an older copy.                                                *)
(*                                                                           *)
(* Rules: R15 (an incarnation is a name of its own), R16 (an older copy      *)
(* counts as lost; the stop is for good). The steps are those of Cell.       *)
(* Leaves out: the life of the cell, whose messages stay outside at the      *)
(* border of a node; and what Cell has models for: late questions, notices,  *)
(* queues.                                                                   *)
(* Mirrored by spec/lives.py.                                                *)
EXTENDS Commands
CONSTANTS
  Nodes, MaxBallot, MaxSlot, Mortals, Early,
  Owner, Audience, Strays, Learners,         \* see Cell
  Law,        \* see above
  Frail,      \* nodes whose disk may go back, once each: a bound
  Heir        \* node -> the incarnation that may follow it, or itself for none

VARIABLES
  asked, told, prepares, promises, proposals, votes, decisions,
  promised, accepted, active, known, queue, disk, kept,   \* see Outbox
  fate,       \* node -> "unborn", "well", "back" or "stopped"
  past        \* node -> the copies that its disk was, the oldest first

cell == <<asked, told, prepares, promises, proposals, votes, decisions,
          promised, accepted, active, known, queue, disk, kept>>
vars == <<cell, fate, past>>

C == INSTANCE CellProperties

Heirs == {Heir[n] : n \in Frail} \ Frail
Copy  == 1..(MaxBallot * (MaxSlot + 2))

ASSUME /\ Law \in {"trust", "stop", "listen", "retire"}
       /\ Frail \subseteq Nodes /\ Heir \in [Nodes -> Nodes]

Init ==
  /\ C!Init
  /\ fate = [n \in Nodes |-> IF n \in Heirs THEN "unborn" ELSE "well"]
  /\ past = [n \in Nodes |-> << >>]

-------------------------------------------------------------------------------
\* Something was sent that tells of an act of n, and its disk has none such.
\* A use below the promise was forgotten, because the promise forbids it.
LostUse(n, b) ==
  Owner[b] = n /\ b > disk[n].promised /\ b \notin disk[n].used
LostPromise(n, m) == m.node = n /\ m.ballot > disk[n].promised
LostVote(n, m)    == m.node = n /\ m.ballot > disk[n].accepted[m.slot].ballot

Tells(n) ==
  \/ \E m \in prepares : LostUse(n, m.ballot)
  \/ \E m \in promises : LostPromise(n, m)
  \/ \E m \in votes : LostVote(n, m)

Acts(n) ==
  \/ fate[n] = "well"
  \/ fate[n] = "back" /\ (Law # "listen" \/ ~ Tells(n))

\* n takes a step of Cell.  Of a disk that may go back, the copies are kept.
By(n) ==
  /\ Acts(n)
  /\ past' = IF disk'[n] = disk[n] \/ n \notin Frail \/ fate[n] # "well"
             THEN past
             ELSE [past EXCEPT ![n] =
                     Append(@, [disk |-> disk[n], known |-> known[n]])]
  /\ UNCHANGED fate

Prepare(b)       == C!Prepare(b) /\ By(Owner[b])
Promise(n, b)    == C!Promise(n, b) /\ By(n)
Propose(b, i, v) == C!Propose(b, i, v) /\ By(Owner[b])
Vote(n, b, i)    == C!Vote(n, b, i) /\ By(n)
Decide(b, i)     == C!Decide(b, i) /\ By(Owner[b])

\* A crash, and the restart from an older copy.
Regress(n, k) ==
  /\ fate[n] = "well"
  /\ k \in DOMAIN past[n]
  /\ disk' = [disk EXCEPT ![n] = past[n][k].disk]
  /\ promised' = [promised EXCEPT ![n] = past[n][k].disk.promised]
  /\ accepted' = [accepted EXCEPT ![n] = past[n][k].disk.accepted]
  /\ active' = [active EXCEPT ![n] = 0]
  /\ known' = [known EXCEPT ![n] = past[n][k].known]
  /\ past' = [past EXCEPT ![n] = << >>]
  /\ fate' = [fate EXCEPT ![n] = IF Law = "retire" THEN "stopped" ELSE "back"]
  /\ UNCHANGED <<asked, told, prepares, promises, proposals, votes, decisions,
                 queue, kept>>

\* The node is told of what it lacks.
Stop(n) ==
  /\ Law \in {"stop", "listen"}
  /\ fate[n] = "back"
  /\ Tells(n)
  /\ fate' = [fate EXCEPT ![n] = "stopped"]
  /\ active' = [active EXCEPT ![n] = 0]
  /\ UNCHANGED <<asked, told, prepares, promises, proposals, votes, decisions,
                 promised, accepted, known, queue, disk, kept, past>>

\* A new incarnation begins.  Whether it counts, the log decides: a change.
Renew(n) ==
  /\ Law = "retire"
  /\ fate[n] = "stopped"
  /\ fate[Heir[n]] = "unborn"
  /\ fate' = [fate EXCEPT ![Heir[n]] = "well"]
  /\ UNCHANGED <<cell, past>>

Next ==
  \/ \E b \in C!Ballot : Prepare(b)
  \/ \E n \in Nodes, b \in C!Ballot : Promise(n, b)
  \/ \E b \in C!Ballot, i \in C!Slot, v \in Value : Propose(b, i, v)
  \/ \E n \in Nodes, b \in C!Ballot, i \in C!Slot : Vote(n, b, i)
  \/ \E b \in C!Ballot, i \in C!Slot : Decide(b, i)
  \/ \E n \in Nodes, k \in Copy : Regress(n, k)
  \/ \E n \in Nodes : Stop(n)
  \/ \E n \in Nodes : Renew(n)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ C!TypeOK
  /\ fate \in [Nodes -> {"unborn", "well", "back", "stopped"}]
  /\ \A n \in Nodes : Len(past[n]) > 0 => n \in Frail /\ fate[n] = "well"
  /\ \A n \in Nodes : DOMAIN past[n] \subseteq Copy

Agreement         == C!Agreement
OneValuePerBallot == C!OneValuePerBallot
BallotsUsedOnce   == C!BallotsUsedOnce

\* Nobody whose disk is whole is ever told of what it lacks: the stop hits no
\* node by mistake.
NoFalseStop == \A n \in Nodes : fate[n] \in {"unborn", "well"} => ~ Tells(n)

\* Whatever an older copy lacks, somebody can tell.
LossIsTold == \A n \in Nodes : (Law = "listen" /\ fate[n] = "back") => Tells(n)

\* Who stopped leads nothing, and who is not born said nothing.
SilentLeadNothing ==
  \A n \in Nodes : fate[n] \in {"unborn", "stopped"} => active[n] = 0

\* A node that stopped stays so, with its disk as it is; no incarnation begins
\* twice.
StoppedForGood ==
  [][\A n \in Nodes :
       /\ fate[n] = "stopped" => fate'[n] = "stopped" /\ disk'[n] = disk[n]
       /\ fate'[n] = "well" => fate[n] \in {"unborn", "well"}]_vars

-------------------------------------------------------------------------------
\* A vote that made a decision is gone, and the decision stands.
ReachLostVote ==
  \E d \in decisions, w \in votes : w.slot = d.slot /\ LostVote(w.node, w)

ReachLostPromise == \E n \in Nodes : \E m \in promises : LostPromise(n, m)
ReachLostUse     == \E n \in Nodes : \E m \in prepares : LostUse(n, m.ballot)
ReachStopped     == \E n \in Nodes : fate[n] = "stopped"

\* A higher ballot decides after a disk was lost.
ReachOnWithout ==
  \E d, e \in decisions : d.slot = e.slot /\ d.by # e.by /\ ReachStopped

\* The new incarnation votes where its forerunner is no member any more.
ReachHeirVotes == \E w \in votes : w.node \in Heirs
===============================================================================
