--------------------------- MODULE MCReadsChange ----------------------------
(* Slot 1 replaces node 1, which leads and reads on. Nodes 3 and 4 decide    *)
(* slot 2 under another ballot, while node 2 still stands by the old one.    *)
EXTENDS Reads, Witnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<1, 3>>
AudienceTable == <<{1, 2, 4}, {3, 4}>>
ReadsTable    == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachServedAfterChange", ReachServedAfterChange)
  /\ Reached(2, "ReachSawOthers", ReachSawOthers)
  /\ Reached(3, "ReachStale", ReachStale)
=============================================================================
