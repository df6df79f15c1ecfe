-------------------------- MODULE MCDiscoveryWindow ---------------------------
(* Two changes in one window; node 1 leaves with the first and is back with  *)
(* the second, with its disk.                                                *)
EXTENDS Discovery, Witnesses

PlanTable == <<{1, 2, 3}, {2, 3, 4}, {1, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachOldList", ReachOldList)
  /\ Reached(2, "ReachTwoInOneWindow", ReachTwoInOneWindow)
  /\ Reached(3, "ReachBack", ReachBack)
  /\ Reached(4, "ReachUnaware", ReachUnaware)
===============================================================================
