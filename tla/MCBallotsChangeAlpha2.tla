------------------------ MODULE MCBallotsChangeAlpha2 -------------------------
(* Alpha is 2: slots are chosen with a hole below them, and a change that      *)
(* replaces node 1 by node 4 in slot 1 counts for slot 3.                      *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot
ReachHole ==
  \E i \in Slot : i > Len(Prefix) + 1 /\ Chosen[i] # "none"

Witnesses ==
  /\ Reached(1, "ReachHole", ReachHole)
  /\ Reached(2, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
