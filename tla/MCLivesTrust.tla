----------------------------- MODULE MCLivesTrust -----------------------------
(* The disk that two majorities share goes back in time, and its node goes   *)
(* on from it. Agreement falls, and TLC must say so.                         *)
EXTENDS Lives, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<2, 3>>
AudienceTable == <<{1, 2}, {1, 3}>>
HeirTable     == <<1, 2, 3>>
===============================================================================
