---------------------------- MODULE MCReadsTwice ----------------------------
(* The same proposer reads twice: what was echoed before a read arrived      *)
(* says nothing for it.                                                      *)
EXTENDS Reads, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>
ReadsTable    == <<2, 0>>

Witnesses ==
  /\ Reached(1, "ReachSecondRound", ReachSecondRound)
  /\ Reached(2, "ReachStale", ReachStale)
=============================================================================
