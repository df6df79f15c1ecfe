------------------------ MODULE MCBlastRadiusCrossing -------------------------
(* Every set of ten devices of a row whose aggregation switches stand in racks *)
(* that hold nodes, and whose power crosses that of another row.               *)
EXTENDS BlastRadiusClaims, SiteCrossing

TheSite    == Crossing
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies", "still"}
MayFail ==
  {<<"f1">>, <<"f2">>, <<"p3">>, <<"rb">>, <<"tb">>, <<"tc">>, <<"x2">>, <<"k1">>,
   <<"r", "tc">>, <<"n1">>}

Witnesses ==
  /\ Reached(1, "ReachNeedyByOne", ReachNeedyByOne)
  /\ Reached(2, "ReachFarFire", ReachFarFire)
  /\ Reached(3, "ReachBlast", ReachBlast)
  /\ Reached(4, "ReachUnservedOnly", ReachUnservedOnly)
===============================================================================
