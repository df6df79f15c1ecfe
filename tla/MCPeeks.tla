------------------------------- MODULE MCPeeks --------------------------------
(* Two slots are decided, and two nodes learn of them at their own pace, while *)
(* a client looks at whichever it reaches, and is told of its own commands.    *)
EXTENDS Peeks, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1>>
AudienceTable == <<{1, 2}>>
LooksTable    == <<3>>

Witnesses ==
  /\ Reached(1, "ReachStale", ReachStale)
  /\ Reached(2, "ReachBehind", ReachBehind)
  /\ Reached(3, "ReachOwn", ReachOwn)
===============================================================================
