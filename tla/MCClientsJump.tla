--------------------------- MODULE MCClientsJump ----------------------------
(* What a node answered is lost in a snapshot: the client asks again, or     *)
(* does not know.                                                            *)
EXTENDS ClientsProperties, Witnesses

RequestsTable == <<1, 0>>

Witnesses ==
  /\ Reached(1, "ReachTwice", ReachTwice)
  /\ Reached(2, "ReachForgotten", ReachForgotten)
  /\ Reached(3, "ReachDoneAndExpired", ReachDoneAndExpired)
=============================================================================
