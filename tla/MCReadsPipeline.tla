-------------------------- MODULE MCReadsPipeline ---------------------------
(* A new proposer reads while what it found voted for in two slots is not    *)
(* decided yet: it has to wait, and apply it first.                          *)
EXTENDS Reads, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>
ReadsTable    == <<0, 1>>

Witnesses ==
  /\ Reached(1, "ReachServedLater", ReachServedLater)
  /\ Reached(2, "ReachSawOthers", ReachSawOthers)
=============================================================================
