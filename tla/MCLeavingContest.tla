--------------------------- MODULE MCLeavingContest ---------------------------
(* Two proposers: node 3 takes over, and may know nothing, while node 1       *)
(* leaves. Whoever voted for slot 1 and is here still tells it.               *)
EXTENDS LeavingWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2, 3>>
AudienceTable == <<{1, 2, 4}, {1, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachTrust", ReachTrust)
  /\ Reached(3, "ReachWaits", ReachWaits)
===============================================================================
