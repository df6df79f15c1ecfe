--------------------------- MODULE MCClientsNext ----------------------------
(* A client goes on to its next request, and what it sent before arrives     *)
(* late.                                                                     *)
EXTENDS ClientsProperties, Witnesses

RequestsTable == <<2>>

Witnesses ==
  /\ Reached(1, "ReachTwice", ReachTwice)
  /\ Reached(2, "ReachOld", ReachOld)
  /\ Reached(3, "ReachDoneAndRefused", ReachDoneAndRefused)
  /\ Reached(4, "ReachUnknownDone", ReachUnknownDone)
=============================================================================
