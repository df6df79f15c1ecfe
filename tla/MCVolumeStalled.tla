--------------------------- MODULE MCVolumeStalled ----------------------------
(* A client tries again on a second connection, and goes on; what it sent     *)
(* on the first one arrives late.                                             *)
EXTENDS VolumeWitnesses

WriterTable == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachStalled", ReachStalled)
  /\ Reached(2, "ReachTwice", ReachTwice)
===============================================================================
