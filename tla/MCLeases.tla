------------------------------- MODULE MCLeases -------------------------------
(* A lease that is long by a slow clock, and a fast clock that waits for its *)
(* end: it waits as long as the record says, not as long as it would hold    *)
(* the lock itself.                                                          *)
EXTENDS Leases, Witnesses

LengthTable == <<4, 1>>
RateTable   == {1, 3}

Witnesses ==
  /\ Reached(1, "ReachTakeOver", ReachTakeOver)
  /\ Reached(2, "ReachTooLate", ReachTooLate)
  /\ Reached(3, "ReachRefused", ReachRefused)
  /\ Reached(4, "ReachOverdue", ReachOverdue)
===============================================================================
