--------------------------- MODULE MCCellTwoBallots ---------------------------
(* Two proposers compete for one slot: each may adopt what the other got voted *)
(* for.  The smallest model that can break agreement.                          *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 2, 3}, {1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachReproposal", ReachReproposal)
  /\ Reached(2, "ReachVoteBeforePromise", ReachVoteBeforePromise)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
