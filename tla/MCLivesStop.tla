----------------------------- MODULE MCLivesStop ------------------------------
(* The same node stops as soon as it hears of what it lacks. It may hear too *)
(* late: agreement falls, and TLC must say so.                               *)
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
