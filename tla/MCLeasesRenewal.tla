--------------------------- MODULE MCLeasesRenewal ----------------------------
(* The holder renews its lease while another waits, which sees that the      *)
(* record has changed, and waits again.                                      *)
EXTENDS Leases, Witnesses

LengthTable == <<2, 1>>
RateTable   == {1, 3}

Witnesses ==
  /\ Reached(1, "ReachTakeOver", ReachTakeOver)
  /\ Reached(2, "ReachRenewal", ReachRenewal)
  /\ Reached(3, "ReachTooLate", ReachTooLate)
  /\ Reached(4, "ReachRefused", ReachRefused)
===============================================================================
