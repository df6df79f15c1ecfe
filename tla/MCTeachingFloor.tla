--------------------------- MODULE MCTeachingFloor ----------------------------
(* Node 1 decides and truncates; node 2 takes over, hears of the floor, and  *)
(* works below it with the one who reports, or is taught.                    *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachFloorTold", ReachFloorTold)
  /\ Reached(2, "ReachReproposalBelow", ReachReproposalBelow)
  /\ Reached(3, "ReachLastVote", ReachLastVote)
===============================================================================
