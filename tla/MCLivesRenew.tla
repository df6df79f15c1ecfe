----------------------------- MODULE MCLivesRenew -----------------------------
(* A change puts a new incarnation into the place of the node whose disk was *)
(* lost. Two ballots compete meanwhile.                                      *)
EXTENDS Lives, Witnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2, 3>>
AudienceTable == <<{1, 2, 4}, {1, 3, 4}>>
HeirTable     == <<4, 2, 3, 4>>

Witnesses ==
  /\ Reached(1, "ReachLostVote", ReachLostVote)
  /\ Reached(2, "ReachStopped", ReachStopped)
  /\ Reached(3, "ReachHeirVotes", ReachHeirVotes)
===============================================================================
