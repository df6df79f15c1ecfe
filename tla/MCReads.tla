------------------------------ MODULE MCReads -------------------------------
(* Two proposers read while they compete for one slot. They share only node  *)
(* 3, whose echo keeps the old one from a stale answer.                      *)
EXTENDS Reads, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>
ReadsTable    == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachServedLater", ReachServedLater)
  /\ Reached(2, "ReachSawOthers", ReachSawOthers)
  /\ Reached(3, "ReachStale", ReachStale)
=============================================================================
