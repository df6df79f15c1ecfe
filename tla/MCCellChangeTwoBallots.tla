------------------------ MODULE MCCellChangeTwoBallots ------------------------
(* A change takes effect under two competing ballots, explored whole.  The     *)
(* second proposer reaches everyone, the first everyone but the second;        *)
(* notices of decision are lost, so each finds out by itself.                  *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 3>>
AudienceTable == <<{1, 2, 4}, {1, 2, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(2, "ReachContest", ReachContest)
  /\ Reached(3, "ReachReproposal", ReachReproposal)
  /\ Reached(4, "ReachLatePromise", ReachLatePromise)
  /\ Reached(5, "ReachLastSlot", ReachLastSlot)
===============================================================================
