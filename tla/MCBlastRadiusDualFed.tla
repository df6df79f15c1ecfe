------------------------ MODULE MCBlastRadiusDualFed --------------------------
(* Every set of ten devices of a row in which everything is there twice, in    *)
(* two planes that meet nowhere but in servers.                                *)
EXTENDS BlastRadiusClaims, SiteDualFed

TheSite    == DualFed
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies", "still"}
MayFail ==
  {<<"fx">>, <<"fy">>, <<"rb">>, <<"a1">>, <<"b1">>, <<"b2">>, <<"c1">>, <<"c2">>,
   <<"x1">>, <<"x2">>}

Witnesses ==
  /\ Reached(1, "ReachNeedyByOne", ReachNeedyByOne)
  /\ Reached(2, "ReachBlast", ReachBlast)
  /\ Reached(3, "ReachTwoPieces", ReachTwoPieces)
  /\ Reached(4, "ReachSeenFromInstanceOnly", ReachSeenFromInstanceOnly)
===============================================================================
