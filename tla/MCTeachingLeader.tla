-------------------------- MODULE MCTeachingLeader ----------------------------
(* A node that leads without knowing what was decided is taught, leads no    *)
(* more, and takes over again.                                               *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1, 2, 2>>
AudienceTable == <<{1, 3}, {2, 3}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachLeaderTaught", ReachLeaderTaught)
  /\ Reached(2, "ReachLeadsAgain", ReachLeadsAgain)
===============================================================================
