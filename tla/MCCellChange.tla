----------------------------- MODULE MCCellChange -----------------------------
(* A change replaces node 1 by node 4.  Alpha is 1, so slot 2 belongs to the   *)
(* new members; the proposer is node 2, which belongs to both.  Everyone gets   *)
(* every message, whomever it was for.                                         *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(2, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(3, "ReachLatePromise", ReachLatePromise)
  /\ Reached(4, "ReachVoteBeforePromise", ReachVoteBeforePromise)
  /\ Reached(5, "ReachStray", ReachStray)
  /\ Reached(6, "ReachInvitation", ReachInvitation)
  /\ Reached(7, "ReachLastSlot", ReachLastSlot)
===============================================================================
