--------------------------- MODULE MCDiscoveryLoss ----------------------------
(* Node 1 loses its disk, and node 4 takes its place: what node 1 knew of    *)
(* the end of its jury is gone, and nothing of it comes back.                *)
EXTENDS Discovery, Witnesses

PlanTable == <<{1, 2, 3}, {2, 3, 4}>>

Witnesses ==
  /\ Reached(1, "ReachOldList", ReachOldList)
  /\ Reached(2, "ReachLost", ReachLost)
  /\ Reached(3, "ReachUnaware", ReachUnaware)
===============================================================================
