-------------------------- MODULE MCWindowTwoChanges --------------------------
(* Two changes pending inside one window fold in order; each names the version *)
(* that the other leaves.                                                      *)
EXTENDS Window, Witnesses

CommandTable ==
  [replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}],
   again   |-> [kind |-> "change", expects |-> 1,
               members |-> {1, 3, 4}]]

ReachSecondChange == \E i \in Slot : chosen[i] # None /\ Configuration(i) = Content["again"].members

Witnesses ==
  /\ Reached(1, "ReachSecondChange", ReachSecondChange)
===============================================================================
