------------------------------ MODULE MCVersions ------------------------------
(* One node is new already when the first command comes that the others do   *)
(* not understand: they stop, and one is brought up to date.                 *)
EXTENDS Versions, Witnesses

NeedsTable   == <<1, 2>>
FirstTable   == <<2, 1, 1>>
ChangesTable == <<0, 1, 1>>

Witnesses ==
  /\ Reached(1, "ReachStopped", ReachStopped)
  /\ Reached(2, "ReachWithoutIt", ReachWithoutIt)
  /\ Reached(3, "ReachGoesOn", ReachGoesOn)
  /\ Reached(4, "ReachStandsStill", ReachStandsStill)
===============================================================================
