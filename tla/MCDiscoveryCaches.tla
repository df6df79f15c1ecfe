-------------------------- MODULE MCDiscoveryCaches ---------------------------
(* Two caches that hear of the same changes in different orders, or are lost *)
(* both; a client goes on without them.                                      *)
EXTENDS Discovery, Witnesses

PlanTable == <<{1, 2}, {2}>>

Witnesses ==
  /\ Reached(1, "ReachOldList", ReachOldList)
  /\ Reached(2, "ReachWithoutCaches", ReachWithoutCaches)
===============================================================================
