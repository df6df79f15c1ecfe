----------------------- MODULE MCBlastRadiusSingleFed -------------------------
(* Every set of eleven devices: the power, the switches and some links of a    *)
(* row whose racks have one feed each, and both ways to the rest of the site.  *)
EXTENDS BlastRadiusClaims, SiteSingleFed

TheSite    == SingleFed
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies", "still"}
MayFail ==
  {<<"fa">>, <<"fb">>, <<"fc">>, <<"tb">>, <<"tc">>, <<"x1">>, <<"x2">>, <<"k1">>,
   <<"k2">>, <<"tb", "x1">>, <<"p">>}

Witnesses ==
  /\ Reached(1, "ReachNeedyByOne", ReachNeedyByOne)
  /\ Reached(2, "ReachFarFire", ReachFarFire)
  /\ Reached(3, "ReachBlast", ReachBlast)
  /\ Reached(4, "ReachUnservedOnly", ReachUnservedOnly)
  /\ Reached(5, "ReachCutOff", ReachCutOff)
  /\ Reached(6, "ReachServedByTheOther", ReachServedByTheOther)
===============================================================================
