--------------------------- MODULE MCCellLateAnswer ---------------------------
(* Node 1 crashes, and its disk is slow: the others are a majority without it, *)
(* so that it is asked to vote while its promise waits for the flush.          *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachAnswerWaits", ReachAnswerWaits)
  /\ Reached(2, "ReachVoteWaits", ReachVoteWaits)
  /\ Reached(3, "ReachVoteBeforePromise", ReachVoteBeforePromise)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
