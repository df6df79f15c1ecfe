------------------------- MODULE MCPlacementCrossing --------------------------
(* The aggregation switches stand in racks that others depend on, servers hang *)
(* on a neighbouring switch, two cells are there already, and the rows cross  *)
(* the power: domains of which none holds the other.                          *)
EXTENDS Placement, Witnesses

TheSite ==
  [servers |->
     <<[name |-> "a1", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "a2", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 2, capacity |-> 4],
       [name |-> "b1", rack |-> "rb", switches |-> {"tb", "tc"}, color |-> "blue", nodes |-> 2, capacity |-> 4],
       [name |-> "b2", rack |-> "rb", switches |-> {"tb", "tc"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "b3", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "c1", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "c2", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 4, capacity |-> 4],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "d2", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 1, capacity |-> 4],
       [name |-> "e1", rack |-> "re", switches |-> {"te"}, color |-> "blue", nodes |-> 2, capacity |-> 4],
       [name |-> "e2", rack |-> "re", switches |-> {"te"}, color |-> "blue", nodes |-> 1, capacity |-> 4]>>,
   drained |-> {"b3"},
   devices |->
     [fx |-> [kind |-> "feed", supplies |-> {}],
      fy |-> [kind |-> "feed", supplies |-> {}],
      u1 |-> [kind |-> "ups", supplies |-> {"fx"}],
      u2 |-> [kind |-> "ups", supplies |-> {"fy"}],
      p1 |-> [kind |-> "pdu", supplies |-> {"u1"}],
      p2 |-> [kind |-> "pdu", supplies |-> {"u2"}],
      p3 |-> [kind |-> "pdu", supplies |-> {"u1"}],
      ra |-> [kind |-> "rack", supplies |-> {"p1"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"p2"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"p2"}, row |-> "row2"],
      rd |-> [kind |-> "rack", supplies |-> {"p3"}, row |-> "row2"],
      re |-> [kind |-> "rack", supplies |-> {"p3"}, row |-> "row1"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      te |-> [kind |-> "switch", supplies |-> {"re"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tc", "x2">>,
      <<"td", "x2">>, <<"te", "x1">>, <<"te", "x2">>, <<"x1", "k1">>,
      <<"x2", "k1">>},
   cells |-> {{"b1", "b2", "d1"}, {"b1", "c1", "e2", "d2"}}]

ThePolicy ==
  [size |-> 5, color |-> "one", spread |-> {"rack", "row", "feed"},
   rules |->
     {[type |-> "cap", kind |-> "rack", most |-> 2],
      [type |-> "cap", kind |-> "row", most |-> 4],
      [type |-> "cap", kind |-> "ups", most |-> 4],
      [type |-> "minimum", kind |-> "row", of |-> "replica", least |-> 2],
      [type |-> "minimum", kind |-> "ups", name |-> {"u2"}, least |-> 2],
      [type |-> "hop-limit", client |-> "instance", most |-> 4],
      [type |-> "hop-limit", client |-> "primary", most |-> 0],
      [type |-> "overlap", most |-> 2]}]

TheQuery == [clients |-> [instance |-> "a1", replica |-> "d2"], color |-> "blue"]

Names(set) == {Name(s) : s \in set}
CellOf(names) == {Numbered(n) : n \in names}

\* Worked out by hand.
ASSUME KnownCrossing ==
  /\ Names(Cut[<<"rd">>]) = {"c1", "c2", "d1", "d2"}
  /\ Names(Cut[<<"rb">>]) = {"b1", "b2", "b3"}
  /\ Names(Cut[<<"tb">>]) = {"b3"} /\ Cut[<<"x1">>] = Cut[<<"tb">>]
  /\ [r \in Role |-> Hops[r][Numbered("b3")]] = [instance |-> 4, replica |-> 6]
  /\ Legal(CellOf({"a1", "b1", "c1", "d1", "e1"}))
  /\ ~ Legal(CellOf({"a1", "b1", "c1", "d1", "e2"}))   \* overlap
  /\ ~ Legal(CellOf({"a1", "a2", "b1", "c1", "e1"}))   \* one of row2

ReachSurvivor == Whole /\ Legal(cell) /\ MajoritySurvives(cell)
ReachVictim   == Whole /\ Legal(cell) /\ ~ MajoritySurvives(cell)
ReachIllegalSurvivor == Whole /\ ~ Legal(cell) /\ MajoritySurvives(cell)

Witnesses ==
  /\ Reached(1, "ReachSurvivor", ReachSurvivor)
  /\ Reached(2, "ReachVictim", ReachVictim)
  /\ Reached(3, "ReachIllegalSurvivor", ReachIllegalSurvivor)
===============================================================================
