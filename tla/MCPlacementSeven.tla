--------------------------- MODULE MCPlacementSeven ---------------------------
(* The example of the paper, a little richer: seven nodes near an instance, over *)
(* at least three racks and three power domains, and no majority in any.      *)
EXTENDS Placement, Witnesses

TheSite ==
  [servers |->
     <<[name |-> "a1", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 1, capacity |-> 2],
       [name |-> "a2", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "a3", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "b1", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "b2", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 1, capacity |-> 2],
       [name |-> "b3", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "c1", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "c2", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "c3", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 1, capacity |-> 2],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "d2", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "d3", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 0, capacity |-> 2]>>,
   drained |-> {},
   devices |->
     [fx |-> [kind |-> "feed", supplies |-> {}],
      fy |-> [kind |-> "feed", supplies |-> {}],
      fz |-> [kind |-> "feed", supplies |-> {}],
      ua |-> [kind |-> "ups", supplies |-> {"fx"}],
      ub |-> [kind |-> "ups", supplies |-> {"fy"}],
      uc |-> [kind |-> "ups", supplies |-> {"fz"}],
      pa |-> [kind |-> "pdu", supplies |-> {"ua"}],
      pb |-> [kind |-> "pdu", supplies |-> {"ub"}],
      pc |-> [kind |-> "pdu", supplies |-> {"uc"}],
      ra |-> [kind |-> "rack", supplies |-> {"pa"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"pb"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"pc"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"pc"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tc", "x1">>,
      <<"tc", "x2">>, <<"td", "k1">>, <<"x1", "k1">>, <<"x2", "k1">>},
   cells |-> {}]

ThePolicy ==
  [size |-> 7, color |-> "one", spread |-> {"rack", "pdu"},
   rules |->
     {[type |-> "cap", kind |-> "rack", most |-> 3],
      [type |-> "single-failure", most |-> 3]}]

TheQuery == [clients |-> [instance |-> "a1", primary |-> "b1", replica |-> "c1"], color |-> "any"]

Names(set) == {Name(s) : s \in set}
CellOf(names) == {Numbered(n) : n \in names}

\* Worked out by hand.
ASSUME KnownPaper ==
  /\ Names(Dark["fz"]) = {"c1", "c2", "c3", "d1", "d2", "d3"}
  /\ Names(Cut[<<"x1">>]) = {"b1", "b2", "b3"}
  /\ Names(Cut[<<"k1">>]) = {"d1", "d2", "d3"}
  /\ Value(CellOf({"a1", "a2", "a3", "b1", "b2", "c1", "c2"})) = <<4, 4, 64, 2>>

ReachSurvivor == Whole /\ Legal(cell) /\ MajoritySurvives(cell)
ReachVictim   == Whole /\ ~ MajoritySurvives(cell)

Witnesses ==
  /\ Reached(1, "ReachSurvivor", ReachSurvivor)
  /\ Reached(2, "ReachVictim", ReachVictim)
===============================================================================
