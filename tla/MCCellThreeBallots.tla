-------------------------- MODULE MCCellThreeBallots --------------------------
(* Three proposers, one slot: the third is told of two different votes and     *)
(* must take the higher one.  The first two are cut off from each other, so    *)
(* that both get a vote.                                                       *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2, 3>>
AudienceTable == <<{1, 3}, {2, 3}, {1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachReproposal", ReachReproposal)
  /\ Reached(2, "ReachChoice", ReachChoice)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
