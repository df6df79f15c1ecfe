-------------------------- MODULE MCCellCrashAlpha2 ---------------------------
(* A proposer knows that a change was decided, crashes, and starts again:      *)
(* alpha is 2, so slot 2 still belongs to the first members, though the newest *)
(* are others.                                                                 *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 2>>
AudienceTable == <<{1, 2}, {1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachTakeover", ReachTakeover)
  /\ Reached(2, "ReachLostKnowledge", ReachLostKnowledge)
  /\ Reached(3, "ReachProposalWaits", ReachProposalWaits)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
