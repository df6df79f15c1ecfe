-------------------------- MODULE MCCellChangeIssued --------------------------
(* The change of MCCellChange, when nothing has been asked in the beginning:   *)
(* commands come while the proposer works.                                     *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
