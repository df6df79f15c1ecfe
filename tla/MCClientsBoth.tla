---------------------------- MODULE MCClientsBoth ----------------------------
(* Two clients, and room for both: each gets the answer of its own first     *)
(* time, whatever the other did meanwhile.                                   *)
EXTENDS ClientsProperties, Witnesses

RequestsTable == <<1, 1>>

Witnesses ==
  /\ Reached(1, "ReachTwice", ReachTwice)
  /\ Reached(2, "ReachDoneAndRefused", ReachDoneAndRefused)
  /\ Reached(3, "ReachNotDone", ReachNotDone)
  /\ Reached(4, "ReachUnknownDone", ReachUnknownDone)
=============================================================================
