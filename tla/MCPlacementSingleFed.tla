------------------------- MODULE MCPlacementSingleFed -------------------------
(* Four racks in two rows, each on a UPS of its own.  Two of them hang on one *)
(* aggregation switch alone, so that there are cells which keep every rule and *)
(* do not survive the loss of that switch.                                    *)
EXTENDS Placement, Witnesses

TheSite ==
  [servers |->
     <<[name |-> "a1", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 2, capacity |-> 3],
       [name |-> "a2", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 1, capacity |-> 3],
       [name |-> "a3", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 0, capacity |-> 3],
       [name |-> "b1", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 0, capacity |-> 3],
       [name |-> "b2", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 1, capacity |-> 3],
       [name |-> "c1", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 0, capacity |-> 3],
       [name |-> "c2", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 2, capacity |-> 3],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 0, capacity |-> 3],
       [name |-> "d2", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 1, capacity |-> 3],
       [name |-> "d3", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 1, capacity |-> 3]>>,
   drained |-> {},
   devices |->
     [fx |-> [kind |-> "feed", supplies |-> {}],
      fy |-> [kind |-> "feed", supplies |-> {}],
      ua |-> [kind |-> "ups", supplies |-> {"fx"}],
      ub |-> [kind |-> "ups", supplies |-> {"fx"}],
      uc |-> [kind |-> "ups", supplies |-> {"fy"}],
      ud |-> [kind |-> "ups", supplies |-> {"fy"}],
      pa |-> [kind |-> "pdu", supplies |-> {"ua"}],
      pb |-> [kind |-> "pdu", supplies |-> {"ub"}],
      pc |-> [kind |-> "pdu", supplies |-> {"uc"}],
      pd |-> [kind |-> "pdu", supplies |-> {"ud"}],
      ra |-> [kind |-> "rack", supplies |-> {"pa"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"pb"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"pc"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"pd"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      y1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      y2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"],
      k2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tc", "x1">>,
      <<"td", "y1">>, <<"td", "y2">>, <<"x1", "k1">>, <<"x1", "k2">>,
      <<"x2", "k1">>, <<"x2", "k2">>, <<"y1", "k1">>, <<"y2", "k2">>},
   cells |-> {}]

ThePolicy ==
  [size |-> 5, color |-> "one", spread |-> {"rack", "ups"},
   rules |->
     {[type |-> "cap", kind |-> "rack", most |-> 2],
      [type |-> "anti-affinity"]}]

TheQuery == [clients |-> [instance |-> "a1"], color |-> "any"]

Names(set) == {Name(s) : s \in set}
CellOf(names) == {Numbered(n) : n \in names}

\* Worked out by hand.
ASSUME KnownReach ==
  /\ {<<"ra">>, <<"ta">>, <<"ua">>, <<"fx">>, <<"a1", "ta">>} \cap Harm = {}
  /\ Names(Cut[<<"x1">>]) = {"b1", "b2", "c1", "c2"}
  /\ Names(Cut[<<"tb", "x1">>]) = {"b1", "b2"}
  /\ Cut[<<"ta", "x1">>] = {} /\ Cut[<<"k1">>] = {}
  /\ Names(Cut[<<"b1", "tb">>]) = {"b1"}
  /\ Names(Cut[<<"fy">>]) = {"c1", "c2", "d1", "d2", "d3"}
  /\ Value(CellOf({"a2", "a3", "b1", "b2", "d1"})) = <<6, 2, 18, 2>>
  /\ Best = <<4, 2, 16, 2>>   \* that of a2, a3, b1, b2, c1

ReachSurvivor == Whole /\ Legal(cell) /\ MajoritySurvives(cell)
ReachVictim   == Whole /\ Legal(cell) /\ ~ MajoritySurvives(cell)
ReachIllegalSurvivor == Whole /\ ~ Legal(cell) /\ MajoritySurvives(cell)

Witnesses ==
  /\ Reached(1, "ReachSurvivor", ReachSurvivor)
  /\ Reached(2, "ReachVictim", ReachVictim)
  /\ Reached(3, "ReachIllegalSurvivor", ReachIllegalSurvivor)
===============================================================================
