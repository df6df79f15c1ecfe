-------------------------------- MODULE Witnesses ------------------------------
(* How a model says what it reached.  `Reached` is always true, so `Witnesses` *)
(* can stand among the invariants; it prints the name of a predicate in the    *)
(* first state where that holds, and is then cheap.  A register of TLC keeps   *)
(* what was printed, which is exact with one worker.  It is set before the     *)
(* first state, and where a walk of `-simulate` begins, which has its own.     *)
EXTENDS Naturals, TLC

ASSUME \A k \in 1..20 : TLCSet(k, FALSE)

Begins(k) == TLCGet("level") <= 1 /\ TLCSet(k, FALSE)

Reached(k, name, holds) ==
  \/ Begins(k) /\ FALSE
  \/ TLCGet(k)
  \/ ~ holds
  \/ PrintT(<<"reached", name>>) /\ TLCSet(k, TRUE)
===============================================================================
