------------------------ MODULE MCPlacementImpossible -------------------------
(* One aggregation switch a row, a cap on racks, and a limit on hops: no cell of *)
(* four survives the loss of that switch, so that no cell is legal.           *)
EXTENDS Placement, Witnesses

TheSite ==
  [servers |->
     <<[name |-> "a1", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "a2", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "a3", rack |-> "ra", switches |-> {"ta"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "b1", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "b2", rack |-> "rb", switches |-> {"tb"}, color |-> "blue", nodes |-> 1, capacity |-> 2],
       [name |-> "c1", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "c2", rack |-> "rc", switches |-> {"tc"}, color |-> "blue", nodes |-> 0, capacity |-> 2],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}, color |-> "blue", nodes |-> 0, capacity |-> 2]>>,
   drained |-> {},
   devices |->
     [fx |-> [kind |-> "feed", supplies |-> {}],
      fy |-> [kind |-> "feed", supplies |-> {}],
      ua |-> [kind |-> "ups", supplies |-> {"fx"}],
      ub |-> [kind |-> "ups", supplies |-> {"fy"}],
      pa |-> [kind |-> "pdu", supplies |-> {"ua"}],
      pb |-> [kind |-> "pdu", supplies |-> {"ub"}],
      ra |-> [kind |-> "rack", supplies |-> {"pa"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"pb"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"pb"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"pb"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      y1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"tb", "x1">>, <<"tc", "x1">>, <<"td", "y1">>,
      <<"x1", "k1">>, <<"y1", "k1">>},
   cells |-> {}]

ThePolicy ==
  [size |-> 4, color |-> "one", spread |-> {"rack"},
   rules |->
     {[type |-> "cap", kind |-> "rack", most |-> 2],
      [type |-> "hop-limit", client |-> "instance", most |-> 4],
      [type |-> "survives"]}]

TheQuery == [clients |-> [instance |-> "a1"], color |-> "any"]

Names(set) == {Name(s) : s \in set}
CellOf(names) == {Numbered(n) : n \in names}

\* Worked out by hand.
ASSUME KnownImpossible ==
  /\ Values = {} /\ Best = <<>>
  /\ Names(Cut[<<"x1">>]) = {"b1", "b2", "c1", "c2", "d1"}
  /\ MajoritySurvives(CellOf({"a1", "a2", "a3", "b1"}))
  /\ ~ MajoritySurvives(CellOf({"a1", "a2", "b1", "d1"}))

\* What comes first decides: of values so small the better one is the lesser as
\* a number in base three.  So any two that differ have an order.
AsNumber(v) == 27 * v[1] + 9 * v[2] + 3 * v[3] + v[4]
ASSUME FirstDecides ==
  /\ \A v, w \in [1..4 -> 0..2] : Better(v, w) <=> AsNumber(v) < AsNumber(w)
  /\ Least({<<1, 2, 9, 0>>, <<1, 2, 3, 4>>, <<2, 0, 0, 0>>}) = {<<1, 2, 3, 4>>}

ReachIllegalSurvivor == Whole /\ ~ Legal(cell) /\ MajoritySurvives(cell)
ReachVictim == Whole /\ ~ MajoritySurvives(cell)

Witnesses ==
  /\ Reached(1, "ReachIllegalSurvivor", ReachIllegalSurvivor)
  /\ Reached(2, "ReachVictim", ReachVictim)
===============================================================================
