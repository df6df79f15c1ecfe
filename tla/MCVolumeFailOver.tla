--------------------------- MODULE MCVolumeFailOver ---------------------------
(* Primary and replica lose each other, and each may go on alone: two         *)
(* writes, of which the first may be held by one copy only when the record    *)
(* changes.                                                                   *)
EXTENDS VolumeWitnesses

WriterTable == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachReplicaAlone", ReachReplicaAlone)
  /\ Reached(2, "ReachPrimaryAlone", ReachPrimaryAlone)
  /\ Reached(3, "ReachStaleWrite", ReachStaleWrite)
  /\ Reached(4, "ReachReappeared", ReachReappeared)
===============================================================================
