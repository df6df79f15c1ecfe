------------------------------ MODULE MCLeaving -------------------------------
(* Slot 1 replaces node 1 by node 4, which is made while the change waits. It *)
(* is taught what it was not there for; node 1 knows, and leaves.             *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachWaits", ReachWaits)
===============================================================================
