--------------------------- MODULE MCLeasesRestart ----------------------------
(* A process restarts and forgets.  What it asked for in its former life may *)
(* still be granted, and it does not take that for its own.                  *)
EXTENDS Leases, Witnesses

LengthTable == <<1, 1>>
RateTable   == {1, 3}

Witnesses ==
  /\ Reached(1, "ReachTakeOver", ReachTakeOver)
  /\ Reached(2, "ReachFormer", ReachFormer)
  /\ Reached(3, "ReachRefused", ReachRefused)
===============================================================================
