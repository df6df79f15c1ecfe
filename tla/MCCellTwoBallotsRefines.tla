----------------------- MODULE MCCellTwoBallotsRefines ------------------------
(* Two proposers compete for one slot, seen from Ballots.  They share only     *)
(* node 3.                                                                     *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachReproposal", ReachReproposal)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
