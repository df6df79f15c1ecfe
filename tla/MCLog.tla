-------------------------------- MODULE MCLog ---------------------------------
(* Two writes, of which one comes too late, and a change, in every order and   *)
(* with no-ops and second places between them.                                 *)
EXTENDS Log, Witnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   move    |-> [kind |-> "write", expects |-> 0,
               primary |-> "c", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

ReachSecondPlace == \E j, k \in DOMAIN log : j < k /\ log[j] = log[k] /\ log[j] # NoOp
ReachFailedWrite == \E t \in told : Content[t.command].kind = "write" /\ ~ t.verdict.done

Witnesses ==
  /\ Reached(1, "ReachSecondPlace", ReachSecondPlace)
  /\ Reached(2, "ReachFailedWrite", ReachFailedWrite)
===============================================================================
