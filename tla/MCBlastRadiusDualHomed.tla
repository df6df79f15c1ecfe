----------------------- MODULE MCBlastRadiusDualHomed -------------------------
(* Every set of ten devices of a row whose instance is on two switches, and    *)
(* its primary on one of them.                                                 *)
EXTENDS BlastRadiusClaims, SiteDualHomed

TheSite    == DualHomed
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies", "still"}
MayFail ==
  {<<"fa">>, <<"ta">>, <<"tb">>, <<"u">>, <<"v">>, <<"w">>, <<"k1">>,
   <<"ta", "u">>, <<"i", "ta">>, <<"n1", "ta">>}

Witnesses ==
  /\ Reached(1, "ReachNeedyByOne", ReachNeedyByOne)
  /\ Reached(2, "ReachFarFire", ReachFarFire)
  /\ Reached(3, "ReachBlast", ReachBlast)
  /\ Reached(4, "ReachTwoPieces", ReachTwoPieces)
  /\ Reached(5, "ReachSeenFromInstanceOnly", ReachSeenFromInstanceOnly)
===============================================================================
