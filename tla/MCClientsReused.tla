--------------------------- MODULE MCClientsReused ---------------------------
(* A client asks again for something else under the number of its request:   *)
(* one of the two is done, and of the other it is told that it is none.      *)
EXTENDS ClientsProperties, Witnesses

RequestsTable == <<1, 0>>

Witnesses ==
  /\ Reached(1, "ReachReused", ReachReused)
  /\ Reached(2, "ReachForgotten", ReachForgotten)
  /\ Reached(3, "ReachDoneAndExpired", ReachDoneAndExpired)
=============================================================================
