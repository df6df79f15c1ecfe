------------------------------- MODULE MCWindow -------------------------------
(* Alpha is 2: slots are chosen with holes below them, and a change that is    *)
(* chosen in slot 1 counts for slot 3.                                         *)
EXTENDS Window, Witnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   move    |-> [kind |-> "write", expects |-> 0,
               primary |-> "c", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

ReachHole == \E i \in Slot : i > Len(Prefix) /\ chosen[i] # None
ReachNewConfiguration == \E i \in Slot : chosen[i] # None /\ Configuration(i) # First

Witnesses ==
  /\ Reached(1, "ReachHole", ReachHole)
  /\ Reached(2, "ReachNewConfiguration", ReachNewConfiguration)
===============================================================================
