---------------------------- MODULE MCLeavingTwice ----------------------------
(* Node 1 leaves, and then node 4, which had replaced it: one pointer leads to*)
(* the other, and that one to node 5.                                         *)
EXTENDS LeavingWitnesses

CommandTable ==
  [replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}],
   second |-> [kind |-> "change", expects |-> 1, members |-> {2, 3, 5}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachPointerLeadsOn", ReachPointerLeadsOn)
  /\ Reached(2, "ReachWaits", ReachWaits)
===============================================================================
