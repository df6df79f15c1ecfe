---------------------------- MODULE SiteSingleFed ------------------------------
(* A row of three racks, each on a feed of its own, under two aggregation     *)
(* switches; a second row beyond two cores.                                   *)
EXTENDS Naturals, Sequences

SingleFed ==
  [servers |->
     <<[name |-> "i",  rack |-> "ra", switches |-> {"ta"}],
       [name |-> "p",  rack |-> "rb", switches |-> {"tb"}],
       [name |-> "r",  rack |-> "rc", switches |-> {"tc"}],
       [name |-> "n1", rack |-> "ra", switches |-> {"ta"}],
       [name |-> "n2", rack |-> "rb", switches |-> {"tb"}],
       [name |-> "n3", rack |-> "rc", switches |-> {"tc"}],
       [name |-> "n4", rack |-> "rc", switches |-> {"tc"}],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}],
       [name |-> "d2", rack |-> "re", switches |-> {"te"}]>>,
   devices |->
     [fa |-> [kind |-> "feed", supplies |-> {}],
      fb |-> [kind |-> "feed", supplies |-> {}],
      fc |-> [kind |-> "feed", supplies |-> {}],
      fd |-> [kind |-> "feed", supplies |-> {}],
      ra |-> [kind |-> "rack", supplies |-> {"fa"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"fb"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"fc"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"fd"}, row |-> "row2"],
      re |-> [kind |-> "rack", supplies |-> {"fa"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      te |-> [kind |-> "switch", supplies |-> {"re"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {"fa"}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {"fb"}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"],
      k2 |-> [kind |-> "switch", supplies |-> {"fd"}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tb", "x2">>,
      <<"tc", "x1">>, <<"tc", "x2">>, <<"td", "k1">>, <<"td", "k2">>,
      <<"te", "k1">>, <<"te", "k2">>, <<"x1", "k1">>, <<"x1", "k2">>,
      <<"x2", "k1">>, <<"x2", "k2">>}]
===============================================================================
