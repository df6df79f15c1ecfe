------------------------ MODULE MCBlastRadiusMonolith -------------------------
(* One database for all volumes, in a row of its own: no single failure takes  *)
(* this volume, and two far away from everything that is its own do.           *)
EXTENDS BlastRadiusClaims

TheSite ==
  [servers |->
     <<[name |-> "i",  rack |-> "ra", switches |-> {"ta"}],
       [name |-> "p",  rack |-> "ra", switches |-> {"ta"}],
       [name |-> "r",  rack |-> "rb", switches |-> {"tb"}],
       [name |-> "m1", rack |-> "rd", switches |-> {"td"}],
       [name |-> "m2", rack |-> "re", switches |-> {"te"}],
       [name |-> "m3", rack |-> "rf", switches |-> {"tf"}]>>,
   devices |->
     [fa |-> [kind |-> "feed", supplies |-> {}],
      fb |-> [kind |-> "feed", supplies |-> {}],
      ra |-> [kind |-> "rack", supplies |-> {"fa"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"fb"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"fa", "fb"}, row |-> "row2"],
      re |-> [kind |-> "rack", supplies |-> {"fa", "fb"}, row |-> "row2"],
      rf |-> [kind |-> "rack", supplies |-> {"fa", "fb"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      te |-> [kind |-> "switch", supplies |-> {"re"}, tier |-> "rack"],
      tf |-> [kind |-> "switch", supplies |-> {"rf"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      y1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      y2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"],
      k2 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tb", "x2">>,
      <<"td", "y1">>, <<"td", "y2">>, <<"te", "y1">>, <<"te", "y2">>,
      <<"tf", "y1">>, <<"tf", "y2">>, <<"x1", "k1">>, <<"x1", "k2">>,
      <<"x2", "k1">>, <<"x2", "k2">>, <<"y1", "k1">>, <<"y1", "k2">>,
      <<"y2", "k1">>, <<"y2", "k2">>}]

TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"instance", "copies", "still"}
MayFail    == {<<"tb">>, <<"x1">>, <<"k1">>, <<"k2">>, <<"y1">>, <<"y2">>}
===============================================================================
