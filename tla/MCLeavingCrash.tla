---------------------------- MODULE MCLeavingCrash ----------------------------
(* What is known and was not flushed goes in a crash: so who is asked flushes *)
(* before it says how far it has learned.                                     *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachSettles", ReachSettles)
  /\ Reached(3, "ReachWaits", ReachWaits)
===============================================================================
