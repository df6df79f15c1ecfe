-------------------------------- MODULE Losses --------------------------------
(* What a disk lacks that once knew more, and who can tell: a promise, a     *)
(* vote and the use of a ballot are durable before they are sent. Constants  *)
(* and variables are those of Cell, and what Lives adds.                     *)
(* Rule: R16. Leaves out: reports and refusals; they tell of the same acts.  *)
(* Mirrored by spec/lives.py; performed by physalia/cell/loss.py.            *)
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
===============================================================================
