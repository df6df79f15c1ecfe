--------------------------- MODULE MCTeachingCrash ----------------------------
(* A node crashes while its snapshot waits: what it dropped is there again,  *)
(* or is not and the snapshot is.                                            *)
EXTENDS Teaching

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {1, 2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachSnapshotWaits", ReachSnapshotWaits)
  /\ Reached(2, "ReachFloorTold", ReachFloorTold)
  /\ Reached(3, "ReachLastVote", ReachLastVote)
  /\ Reached(4, "ReachKept", ReachKept)
===============================================================================
