------------------------ MODULE MCBlastRadiusFailOver -------------------------
(* Copies that do not hear each other both reach the cell, which touches two   *)
(* pieces of the network: the record's epochs let one of them go on.           *)
EXTENDS BlastRadiusClaims, SiteDualHomed

TheSite    == DualHomed
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies", "still"}
MayFail    == {<<"ta", "u">>, <<"td">>, <<"i", "ta">>, <<"k1">>}

BothReachTheCell ==
  /\ HasMajority(1) /\ HasMajority(2)
  /\ ~ Reaches(At[1], At[2]) /\ Present = Copy

Witnesses ==
  /\ Reached(1, "BothReachTheCell", BothReachTheCell)
  /\ Reached(2, "ReachAlone", ReachAlone)
  /\ Reached(3, "ReachMirrored", ReachMirrored)
  /\ Reached(4, "ReachLeftAlone", ReachLeftAlone)
  /\ Reached(5, "ReachNeedyByOne", ReachNeedyByOne)
===============================================================================
