---------------------------- MODULE MCLeasesReturn ----------------------------
(* The holder gives the lock back, and another takes it over at once.  It    *)
(* does not wait; nor does the former holder believe that it still holds it. *)
EXTENDS Leases, Witnesses

LengthTable == <<1, 1>>
RateTable   == {1, 3}

Witnesses ==
  /\ Reached(1, "ReachReturned", ReachReturned)
  /\ Reached(2, "ReachRefused", ReachRefused)
  /\ Reached(3, "ReachLateNews", ReachLateNews)
===============================================================================
