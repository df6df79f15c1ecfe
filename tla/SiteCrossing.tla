----------------------------- MODULE SiteCrossing ------------------------------
(* The aggregation switches stand in racks that others depend on, and the     *)
(* power of the row crosses that of the second row.                           *)
EXTENDS Naturals, Sequences

Crossing ==
  [servers |->
     <<[name |-> "i",  rack |-> "ra", switches |-> {"ta"}],
       [name |-> "p",  rack |-> "rb", switches |-> {"tb"}],
       [name |-> "r",  rack |-> "rc", switches |-> {"tc", "tb"}],
       [name |-> "n1", rack |-> "ra", switches |-> {"ta"}],
       [name |-> "n2", rack |-> "rb", switches |-> {"tb"}],
       [name |-> "n3", rack |-> "rc", switches |-> {"tc"}],
       [name |-> "d1", rack |-> "rd", switches |-> {"td"}]>>,
   devices |->
     [f1 |-> [kind |-> "feed", supplies |-> {}],
      f2 |-> [kind |-> "feed", supplies |-> {}],
      p1 |-> [kind |-> "pdu", supplies |-> {"f1"}],
      p2 |-> [kind |-> "pdu", supplies |-> {"f1", "f2"}],
      p3 |-> [kind |-> "pdu", supplies |-> {"f2"}],
      ra |-> [kind |-> "rack", supplies |-> {"p2"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"p1"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"p3"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"p1", "p3"}, row |-> "row2"],
      ta |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      tc |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "x1">>, <<"ta", "x2">>, <<"tb", "x1">>, <<"tb", "x2">>,
      <<"tc", "x1">>, <<"tc", "x2">>, <<"td", "k1">>,
      <<"x1", "k1">>, <<"x2", "k1">>}]
===============================================================================
