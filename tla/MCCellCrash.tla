----------------------------- MODULE MCCellCrash ------------------------------
(* The first proposer crashes, wherever it is, with whatever waits in its      *)
(* queue, and learns what it forgot or takes it up from votes. Everyone is in  *)
(* reach.                                                                      *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 2, 3}, {1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachLostKnowledge", ReachLostKnowledge)
  /\ Reached(2, "ReachReproposal", ReachReproposal)
  /\ Reached(3, "ReachOldVoteWaits", ReachOldVoteWaits)
  /\ Reached(4, "ReachDecisionWaits", ReachDecisionWaits)
  /\ Reached(5, "ReachBallotWaits", ReachBallotWaits)
  /\ Reached(6, "ReachFound", ReachFound)
  /\ Reached(7, "ReachKept", ReachKept)
  /\ Reached(8, "ReachLastSlot", ReachLastSlot)
===============================================================================
