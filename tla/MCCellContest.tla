---------------------------- MODULE MCCellContest -----------------------------
(* Two proposers compete while a change takes effect.  They are cut off from   *)
(* each other and meet in node 1 before the change, in node 4 after it.        *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 3>>
AudienceTable == <<{1, 2, 4}, {1, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
  /\ Reached(2, "ReachContest", ReachContest)
  /\ Reached(3, "ReachReproposal", ReachReproposal)
  /\ Reached(4, "ReachInvitation", ReachInvitation)
  /\ Reached(5, "ReachTakeover", ReachTakeover)
  /\ Reached(6, "ReachLastSlot", ReachLastSlot)
===============================================================================
