---------------------------- MODULE MCVolumeAttach ----------------------------
(* The volume is attached to a second client while the first one still        *)
(* writes, and copies are lost before and after.                              *)
EXTENDS VolumeWitnesses

WriterTable == <<1, 2>>

Witnesses ==
  /\ Reached(1, "ReachOldAttachment", ReachOldAttachment)
  /\ Reached(2, "ReachBothWrote", ReachBothWrote)
  /\ Reached(3, "ReachForwarded", ReachForwarded)
===============================================================================
