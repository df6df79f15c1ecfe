----------------------------- MODULE MCClients ------------------------------
(* Two clients, and a table with room for one session: whoever comes second  *)
(* makes the first one's session expire, while it still asks again.          *)
EXTENDS ClientsProperties, Witnesses

RequestsTable == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachTwice", ReachTwice)
  /\ Reached(2, "ReachForgotten", ReachForgotten)
  /\ Reached(3, "ReachDoneAndRefused", ReachDoneAndRefused)
  /\ Reached(4, "ReachDoneAndExpired", ReachDoneAndExpired)
  /\ Reached(5, "ReachNotDone", ReachNotDone)
  /\ Reached(6, "ReachUnknownDone", ReachUnknownDone)
=============================================================================
