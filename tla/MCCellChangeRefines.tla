------------------------- MODULE MCCellChangeRefines --------------------------
(* A change that takes effect, seen from Ballots; node 3 is cut off, so that   *)
(* every majority needs node 1 before the change and node 4 after it.          *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(2, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(3, "ReachLatePromise", ReachLatePromise)
===============================================================================
