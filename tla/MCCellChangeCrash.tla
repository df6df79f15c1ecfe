-------------------------- MODULE MCCellChangeCrash ---------------------------
(* The proposer of a change crashes, may forget that the change was decided,   *)
(* and starts again under a second ballot of its own.                          *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 2>>
AudienceTable == <<{1, 2}, {1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(2, "ReachLostKnowledge", ReachLostKnowledge)
  /\ Reached(3, "ReachTakeover", ReachTakeover)
  /\ Reached(4, "ReachKept", ReachKept)
  /\ Reached(5, "ReachInvitation", ReachInvitation)
  /\ Reached(6, "ReachLastSlot", ReachLastSlot)
===============================================================================
