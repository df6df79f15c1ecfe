---------------------------- MODULE MCPeeksContest ----------------------------
(* Two proposers compete for one slot, and one of them crashes; what is shown  *)
(* was decided, whoever decided it, and was not only voted for.                *)
EXTENDS Peeks, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>
LooksTable    == <<2>>

Witnesses ==
  /\ Reached(1, "ReachForgotten", ReachForgotten)
  /\ Reached(2, "ReachBehind", ReachBehind)
===============================================================================
