-------------------------- MODULE MCTeachingRefines ---------------------------
(* The same in a smaller circle, held against Ballots.                       *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachFloorTold", ReachFloorTold)
  /\ Reached(2, "ReachReproposalBelow", ReachReproposalBelow)
===============================================================================
