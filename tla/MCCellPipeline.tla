---------------------------- MODULE MCCellPipeline ----------------------------
(* Alpha is 2, and the proposer works on while its own vote waits to be        *)
(* flushed: what it proposes and decides then waits behind it.                 *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1>>
AudienceTable == <<{1, 2}>>

Witnesses ==
  /\ Reached(1, "ReachVoteWaits", ReachVoteWaits)
  /\ Reached(2, "ReachProposalWaits", ReachProposalWaits)
  /\ Reached(3, "ReachFound", ReachFound)
  /\ Reached(4, "ReachKept", ReachKept)
  /\ Reached(5, "ReachLostKnowledge", ReachLostKnowledge)
  /\ Reached(6, "ReachLastSlot", ReachLastSlot)
===============================================================================
