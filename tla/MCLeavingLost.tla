---------------------------- MODULE MCLeavingLost -----------------------------
(* Disks are lost, also that of a node that said how far it had learned.      *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachLateWord", ReachLateWord)
  /\ Reached(2, "ReachSettles", ReachSettles)
===============================================================================
