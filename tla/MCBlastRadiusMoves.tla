------------------------- MODULE MCBlastRadiusMoves ---------------------------
(* The cell moves one node at a time while devices fail and return, a copy     *)
(* goes on alone and mirrors again, and what it knows of the cell is old.      *)
EXTENDS BlastRadiusClaims, SiteSingleFed

TheSite == [SingleFed EXCEPT !.servers =
              @ \o <<[name |-> "n5", rack |-> "rb", switches |-> {"tb"}]>>]
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies"}
MayFail    == {<<"ta">>, <<"tb">>, <<"fc">>, <<"k1">>}

Witnesses ==
  /\ Reached(1, "ReachNeedyByOne", ReachNeedyByOne)
  /\ Reached(2, "ReachFarFire", ReachFarFire)
  /\ Reached(3, "ReachMoved", ReachMoved)
  /\ Reached(4, "ReachAlone", ReachAlone)
  /\ Reached(5, "ReachMirrored", ReachMirrored)
===============================================================================
