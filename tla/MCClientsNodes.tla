--------------------------- MODULE MCClientsNodes ---------------------------
(* Two nodes apply the log, one of them perhaps from a snapshot, and forget  *)
(* the same session of three.                                                *)
EXTENDS ClientsProperties, Witnesses

RequestsTable == <<1, 0, 0>>

Witnesses ==
  /\ Reached(1, "ReachForgotten", ReachForgotten)
  /\ Reached(2, "ReachNotDone", ReachNotDone)
  /\ Reached(3, "ReachUnknownDone", ReachUnknownDone)
=============================================================================
