-------------------------- MODULE MCTeachingStudent ---------------------------
(* Two proposers and two slots; whom they share is taught, and crashes.      *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   heal |-> [kind |-> "write", expects |-> 1,
            primary |-> "b", replica |-> "c"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachVoteSurvives", ReachVoteSurvives)
  /\ Reached(2, "ReachSnapshotWaits", ReachSnapshotWaits)
  /\ Reached(3, "ReachJump", ReachJump)
  /\ Reached(4, "ReachReproposal", ReachReproposal)
===============================================================================
