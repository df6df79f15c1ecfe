-------------------------- MODULE MCPlacementDualFed --------------------------
(* Two feeds.  Some racks have both and some have one, one UPS has both, and  *)
(* the switches above the racks have power of their own.  Survival is a rule. *)
EXTENDS Placement, Witnesses

TheSite ==
  [servers |->
     <<[name |-> "a1", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "a2", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 2, capacity |-> 4],
       [name |-> "b1", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 0, capacity |-> 4],
       [name |-> "b2", rack |-> "rb", switches |-> {"tb"}, color |-> "green", nodes |-> 1, capacity |-> 4],
       [name |-> "c1", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "c2", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 0, capacity |-> 4],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 3, capacity |-> 4],
       [name |-> "d2", rack |-> "rd", switches |-> {"td"}, color |-> "green", nodes |-> 0, capacity |-> 4],
       [name |-> "d3", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "e1", rack |-> "re", switches |-> {"te"}, color |-> "blue", nodes |-> 0, capacity |-> 4],
       [name |-> "e2", rack |-> "re", switches |-> {"te"}, color |-> "blue", nodes |-> 2, capacity |-> 4]>>,
   drained |-> {},
   devices |->
     [fx |-> [kind |-> "feed", supplies |-> {}],
      fy |-> [kind |-> "feed", supplies |-> {}],
      ux |-> [kind |-> "ups", supplies |-> {"fx"}],
      uy |-> [kind |-> "ups", supplies |-> {"fy"}],
      uz |-> [kind |-> "ups", supplies |-> {"fx", "fy"}],
      px1 |-> [kind |-> "pdu", supplies |-> {"ux"}],
      py1 |-> [kind |-> "pdu", supplies |-> {"uy"}],
      px2 |-> [kind |-> "pdu", supplies |-> {"ux"}],
      py2 |-> [kind |-> "pdu", supplies |-> {"uy"}],
      pz |-> [kind |-> "pdu", supplies |-> {"uz"}],
      ra |-> [kind |-> "rack", supplies |-> {"px1", "py1"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"px1", "py1"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"px2"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"px2", "py2"}, row |-> "row2"],
      re |-> [kind |-> "rack", supplies |-> {"pz"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      te |-> [kind |-> "switch", supplies |-> {"re"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {"px1"}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {"py1"}, tier |-> "aggregation"],
      y1 |-> [kind |-> "switch", supplies |-> {"px2", "py2"}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {"px1", "py1"}, tier |-> "core"],
      k2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tb", "x2">>,
      <<"tc", "x1">>, <<"tc", "x2">>, <<"td", "y1">>, <<"te", "y1">>,
      <<"x1", "k1">>, <<"x2", "k2">>, <<"y1", "k1">>, <<"y1", "k2">>},
   cells |-> {}]

ThePolicy ==
  [size |-> 5, color |-> "one", spread |-> {"rack", "pdu", "ups", "feed"},
   rules |->
     {[type |-> "cap", kind |-> "rack", most |-> 2],
      [type |-> "pair-cap", kind |-> "pdu", most |-> 3],
      [type |-> "single-failure", most |-> 2],
      [type |-> "survives"]}]

TheQuery == [clients |-> [instance |-> "b1", primary |-> "a1"], color |-> "any"]

Names(set) == {Name(s) : s \in set}
CellOf(names) == {Numbered(n) : n \in names}

\* Worked out by hand.
ASSUME KnownPower ==
  /\ "fx" \in DOMAIN Dark /\ Names(Dark["fx"]) = {"c1", "c2"} /\ Dark["fy"] = {} /\ Dark["uz"] = Dark["pz"]
  /\ {DomainOf[s]["feed"] : s \in CellOf({"a1", "c1", "e1"})} = {{"fx", "fy"}, {"fx"}}
  /\ Names(Cut[<<"fx">>]) = {"c1", "c2"} /\ Names(Cut[<<"y1">>]) = {"d1", "d2", "d3", "e1", "e2"}
  /\ Names(Cut[<<"te", "y1">>]) = {"e1", "e2"} /\ <<"px1">> \in Harm /\ Cut[<<"px1">>] = {}
  /\ Shared(CellOf({"b1", "a1", "c1", "e1", "e2"}), "feed") = 0

ReachSurvivor == Whole /\ Legal(cell) /\ MajoritySurvives(cell)
ReachVictim   == Whole /\ ~ MajoritySurvives(cell)
ReachTwoColors == Whole /\ ~ Legal(cell) /\ MajoritySurvives(cell)

Witnesses ==
  /\ Reached(1, "ReachSurvivor", ReachSurvivor)
  /\ Reached(2, "ReachVictim", ReachVictim)
  /\ Reached(3, "ReachTwoColors", ReachTwoColors)
===============================================================================
