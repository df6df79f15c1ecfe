----------------------------- MODULE MCLeavingTwo -----------------------------
(* Two changes in one window of alpha 2 remove nodes 1 and 2; the second      *)
(* configuration may speak for node 1 as well as the first.                   *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}],
   further |-> [kind |-> "change", expects |-> 1, members |-> {3, 4, 5}]]

OwnerTable    == <<3>>
AudienceTable == <<{1, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachLaterWord", ReachLaterWord)
  /\ Reached(3, "ReachRemovedVotes", ReachRemovedVotes)
===============================================================================
