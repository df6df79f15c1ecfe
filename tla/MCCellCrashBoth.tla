--------------------------- MODULE MCCellCrashBoth ----------------------------
(* Both proposers crash, wherever they are, with whatever waits in their       *)
(* queues. The first campaigns again with a ballot of its own that is higher.  *)
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
  /\ Reached(5, "ReachFound", ReachFound)
  /\ Reached(6, "ReachKept", ReachKept)
  /\ Reached(7, "ReachLastSlot", ReachLastSlot)
===============================================================================
