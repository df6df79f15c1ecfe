-------------------------- MODULE MCCellFailedChange --------------------------
(* A change that expects another version than there is: it is decided, it      *)
(* fails, and the members stay.  Only the majority of nodes 2 and 3 is at      *)
(* work, and node 4 votes unasked.                                             *)
EXTENDS CellWitnesses

CommandTable ==
  [swap  |-> [kind |-> "write", expects |-> 0,
             primary |-> "b", replica |-> "a"],
   stale |-> [kind |-> "change", expects |-> 1,
             members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{2, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachFailedChange", ReachFailedChange)
  /\ Reached(2, "ReachStray", ReachStray)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
