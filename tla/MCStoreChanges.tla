---------------------------- MODULE MCStoreChanges ----------------------------
(* Three changes of the members: two expect the first version, so that one of  *)
(* them comes too late, and one expects what another leaves.                   *)
EXTENDS Store, Witnesses

CommandTable ==
  [replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}],
   late    |-> [kind |-> "change", expects |-> 0,
               members |-> {1, 2, 4}],
   again   |-> [kind |-> "change", expects |-> 1,
               members |-> {1, 3, 4}]]

ReachStaleChange ==
  \E t \in told : ~ t.verdict.done /\ Content[t.command].expects < t.verdict.saw.version
ReachTwoChanges == contents.jury.version = 2

Witnesses ==
  /\ Reached(1, "ReachStaleChange", ReachStaleChange)
  /\ Reached(2, "ReachTwoChanges", ReachTwoChanges)
===============================================================================
