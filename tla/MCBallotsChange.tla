--------------------------- MODULE MCBallotsChange ----------------------------
(* A change replaces node 1 by node 4: alpha is 1, so slot 2 is chosen by the  *)
(* new members.                                                                *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot

Witnesses ==
  /\ Reached(1, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
