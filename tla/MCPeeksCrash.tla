----------------------------- MODULE MCPeeksCrash -----------------------------
(* A node shows two clients what it knows, crashes, and knows less than it has *)
(* shown: to whom it must be silent is a matter of the client.                 *)
EXTENDS Peeks, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1>>
AudienceTable == <<{1, 2}>>
LooksTable    == <<2, 2>>

Witnesses ==
  /\ Reached(1, "ReachForgotten", ReachForgotten)
  /\ Reached(2, "ReachBehind", ReachBehind)
  /\ Reached(3, "ReachStale", ReachStale)
===============================================================================
