--------------------------- MODULE MCCellTwoChanges ---------------------------
(* Two changes pending in one window: each names the version that the other    *)
(* leaves, and they fold in order, each with its own majority.                 *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}],
   again   |-> [kind |-> "change", expects |-> 1,
               members |-> {1, 3, 4}]]

OwnerTable    == <<3>>
AudienceTable == <<{2, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoPending", ReachTwoPending)
  /\ Reached(2, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(3, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
