---------------------------- MODULE MCVolumeReads -----------------------------
(* A read, and a primary that was cut off and holds what is old or what       *)
(* nobody else has.                                                           *)
EXTENDS VolumeWitnesses

WriterTable == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachOldPrimaryAsks", ReachOldPrimaryAsks)
  /\ Reached(2, "ReachReadBefore", ReachReadBefore)
===============================================================================
