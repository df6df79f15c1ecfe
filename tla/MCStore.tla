------------------------------- MODULE MCStore --------------------------------
(* A conditional write that may come too late, a read, and two changes of      *)
(* which one expects what the other leaves.                                    *)
EXTENDS Store, Witnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   move    |-> [kind |-> "write", expects |-> 0,
               primary |-> "c", replica |-> "a"],
   look    |-> [kind |-> "read"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}],
   again   |-> [kind |-> "change", expects |-> 1,
               members |-> {1, 3, 4}]]

ReachFailedWrite == \E t \in told : Content[t.command].kind = "write" /\ ~ t.verdict.done
ReachTwoChanges  == contents.jury.version = 2

Witnesses ==
  /\ Reached(1, "ReachFailedWrite", ReachFailedWrite)
  /\ Reached(2, "ReachTwoChanges", ReachTwoChanges)
===============================================================================
