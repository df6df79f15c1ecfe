--------------------------- MODULE MCTeachingJump -----------------------------
(* A node that heard of votes alone jumps over two slots at once, and its    *)
(* vote above the snapshot survives.                                         *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1>>
AudienceTable == <<{1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachJump", ReachJump)
  /\ Reached(2, "ReachVoteSurvives", ReachVoteSurvives)
  /\ Reached(3, "ReachLeadsAbove", ReachLeadsAbove)
===============================================================================
