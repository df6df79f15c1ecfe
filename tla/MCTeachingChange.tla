-------------------------- MODULE MCTeachingChange ----------------------------
(* Slot 1 replaces node 1 by node 4, which is taught by a snapshot that      *)
(* holds the change, and takes over in the configuration that it was taught. *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2, 4>>
AudienceTable == <<{1, 2, 4}, {2, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachNewcomerLeads", ReachNewcomerLeads)
  /\ Reached(2, "ReachFloorTold", ReachFloorTold)
  /\ Reached(3, "ReachTwoConfigurations", ReachTwoConfigurations)
===============================================================================
