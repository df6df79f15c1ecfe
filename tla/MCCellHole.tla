------------------------------ MODULE MCCellHole ------------------------------
(* Alpha is 2: a proposer is told of a vote in slot 2 and of none in slot 1,   *)
(* and fills the hole with a no-op.  The two proposers share only node 3.      *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachHoleFilled", ReachHoleFilled)
  /\ Reached(2, "ReachReproposal", ReachReproposal)
  /\ Reached(3, "ReachSecondPlace", ReachSecondPlace)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
