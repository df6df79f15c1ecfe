---------------------------- MODULE MCVersionsBack ----------------------------
(* All nodes are new, one is rolled back, and brought up to date once more.  *)
EXTENDS Versions, Witnesses

NeedsTable   == <<1, 2, 1>>
FirstTable   == <<2, 2, 2>>
ChangesTable == <<2, 0, 0>>

Witnesses ==
  /\ Reached(1, "ReachWithoutIt", ReachWithoutIt)
  /\ Reached(2, "ReachRolledBack", ReachRolledBack)
===============================================================================
