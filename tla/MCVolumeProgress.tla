--------------------------- MODULE MCVolumeProgress ---------------------------
(* Under fairness a volume works again: the primary is gone, and the replica  *)
(* goes on alone and tells the client of a write.                             *)
EXTENDS VolumeWitnesses

WriterTable == <<1>>

ProgressSpec ==
  /\ Spec
  /\ WF_vars(Shrink(2))
  /\ WF_vars(Install(2, 2))
  /\ WF_vars(Take(2, 1, 1))
  /\ WF_vars(Tell(2, 1))

WriteTold == (1 \in asked) ~> (1 \in told)

Witnesses ==
  /\ Reached(1, "ReachReplicaAlone", ReachReplicaAlone)
===============================================================================
