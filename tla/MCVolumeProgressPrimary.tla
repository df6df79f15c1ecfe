------------------------ MODULE MCVolumeProgressPrimary -----------------------
(* Under fairness a volume works again: the replica is gone, and the primary  *)
(* goes on alone, and tells the client also of a write that it had taken when *)
(* both of them counted.                                                      *)
EXTENDS VolumeWitnesses

WriterTable == <<1>>

ProgressSpec ==
  /\ Spec
  /\ WF_vars(Shrink(1))
  /\ WF_vars(Install(1, 2))
  /\ WF_vars(Take(1, 1, 1))
  /\ WF_vars(Tell(1, 1))

WriteTold == (1 \in asked) ~> (1 \in told)

\* It was taken when the replica had to hold it too.
ReachTakenBefore ==
  1 \in told /\ \E k \in DOMAIN data[1] : data[1][k].epoch = 1 /\ epoch[1] = 2

Witnesses ==
  /\ Reached(1, "ReachPrimaryAlone", ReachPrimaryAlone)
  /\ Reached(2, "ReachTakenBefore", ReachTakenBefore)
===============================================================================
