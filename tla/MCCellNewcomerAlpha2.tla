------------------------- MODULE MCCellNewcomerAlpha2 -------------------------
(* At alpha 2 a newcomer that knows of the change in slot 1 may not lead yet:  *)
(* its first unknown slot is slot 2, which is the old members'.                *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   heal    |-> [kind |-> "write", expects |-> 1,
               primary |-> "b", replica |-> "c"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 4>>
AudienceTable == <<{1, 2}, {2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(2, "ReachNewcomerLeads", ReachNewcomerLeads)
  /\ Reached(3, "ReachTakeover", ReachTakeover)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
