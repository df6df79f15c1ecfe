---------------------------- MODULE MCCellNewcomer ----------------------------
(* A change brings node 4 in, which learns of it and takes over: before that,  *)
(* it may not.                                                                 *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 4>>
AudienceTable == <<{1, 2, 4}, {2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(2, "ReachNewcomerLeads", ReachNewcomerLeads)
  /\ Reached(3, "ReachTakeover", ReachTakeover)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
