---------------------------- MODULE MCLeavingFloor ----------------------------
(* Node 4 is taught by a snapshot of what others forgot, and speaks for all of*)
(* it; node 1 forgets as well.                                                *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachTaughtSpeaks", ReachTaughtSpeaks)
===============================================================================
