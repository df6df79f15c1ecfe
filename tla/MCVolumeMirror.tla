---------------------------- MODULE MCVolumeMirror ----------------------------
(* The copy that is left alone makes a new one on the server that was cut     *)
(* off or on a third, while it writes on; the new copy joins, and may be      *)
(* left alone in its turn.                                                    *)
EXTENDS VolumeWitnesses

WriterTable == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachReplicaAlone", ReachReplicaAlone)
  /\ Reached(2, "ReachMirrored", ReachMirrored)
  /\ Reached(3, "ReachOverwritten", ReachOverwritten)
  /\ Reached(4, "ReachAloneAgain", ReachAloneAgain)
===============================================================================
