---------------------------- MODULE MCReadsCrash ----------------------------
(* A proposer that reads crashes, and forgets what it told.                  *)
EXTENDS Reads, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>
ReadsTable    == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachForgotten", ReachForgotten)
  /\ Reached(2, "ReachSawOthers", ReachSawOthers)
  /\ Reached(3, "ReachStale", ReachStale)
=============================================================================
