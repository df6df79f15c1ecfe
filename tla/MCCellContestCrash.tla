-------------------------- MODULE MCCellContestCrash --------------------------
(* Two proposers compete while a change takes effect, and the first crashes,   *)
(* wherever it is, and forgets as much as it likes.  They are cut off from     *)
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
  /\ Reached(3, "ReachLostKnowledge", ReachLostKnowledge)
  /\ Reached(4, "ReachReproposal", ReachReproposal)
  /\ Reached(5, "ReachTakeover", ReachTakeover)
  /\ Reached(6, "ReachInvitation", ReachInvitation)
  /\ Reached(7, "ReachKept", ReachKept)
  /\ Reached(8, "ReachLastSlot", ReachLastSlot)
===============================================================================
