-------------------------- MODULE MCCellSharedCrash ---------------------------
(* Two proposers share only node 3, and it crashes between writing, flushing   *)
(* and sending, as the first proposer does: a vote that waits is lost, or it   *)
(* leaves before a higher promise.                                             *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachVoteWaits", ReachVoteWaits)
  /\ Reached(2, "ReachOldVoteWaits", ReachOldVoteWaits)
  /\ Reached(3, "ReachDecisionWaits", ReachDecisionWaits)
  /\ Reached(4, "ReachBallotWaits", ReachBallotWaits)
  /\ Reached(5, "ReachReproposal", ReachReproposal)
  /\ Reached(6, "ReachLostKnowledge", ReachLostKnowledge)
  /\ Reached(7, "ReachLastSlot", ReachLastSlot)
===============================================================================
