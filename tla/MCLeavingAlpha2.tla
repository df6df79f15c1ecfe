--------------------------- MODULE MCLeavingAlpha2 ----------------------------
(* At alpha 2 node 1 is a member for one slot more after the change, votes    *)
(* there, and may go when that is learned too.                                *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachRemovedVotes", ReachRemovedVotes)
  /\ Reached(3, "ReachWaits", ReachWaits)
===============================================================================
