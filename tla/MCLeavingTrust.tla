---------------------------- MODULE MCLeavingTrust ----------------------------
(* Two changes: node 4 holds slot 1 in trust for node 1, which left; it may   *)
(* not go before others have that slot.                                       *)
EXTENDS LeavingWitnesses

CommandTable ==
  [replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}],
   second |-> [kind |-> "change", expects |-> 1, members |-> {2, 3, 5}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachTrust", ReachTrust)
  /\ Reached(3, "ReachWaits", ReachWaits)
===============================================================================
