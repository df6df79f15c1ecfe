------------------------------ MODULE SiteDualFed ------------------------------
(* Every rack has two feeds and two switches, every server is on both, and    *)
(* the two planes of the network meet nowhere but in servers, which do not    *)
(* forward.                                                                   *)
EXTENDS Naturals, Sequences

DualFed ==
  [servers |->
     <<[name |-> "i",  rack |-> "ra", switches |-> {"a1", "a2"}],
       [name |-> "p",  rack |-> "rb", switches |-> {"b1", "b2"}],
       [name |-> "r",  rack |-> "rc", switches |-> {"c1", "c2"}],
       [name |-> "n1", rack |-> "ra", switches |-> {"a1", "a2"}],
       [name |-> "n2", rack |-> "rb", switches |-> {"b1", "b2"}],
       [name |-> "n3", rack |-> "rc", switches |-> {"c1", "c2"}]>>,
   devices |->
     [fx |-> [kind |-> "feed", supplies |-> {}],
      fy |-> [kind |-> "feed", supplies |-> {}],
      ra |-> [kind |-> "rack", supplies |-> {"fx", "fy"}, row |-> "row1"],
      rb |-> [kind |-> "rack", supplies |-> {"fx", "fy"}, row |-> "row1"],
      rc |-> [kind |-> "rack", supplies |-> {"fx", "fy"}, row |-> "row1"],
      a1 |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      a2 |-> [kind |-> "switch", supplies |-> {"ra"}, tier |-> "rack"],
      b1 |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      b2 |-> [kind |-> "switch", supplies |-> {"rb"}, tier |-> "rack"],
      c1 |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      c2 |-> [kind |-> "switch", supplies |-> {"rc"}, tier |-> "rack"],
      x1 |-> [kind |-> "switch", supplies |-> {"fx"}, tier |-> "aggregation"],
      x2 |-> [kind |-> "switch", supplies |-> {"fy"}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"a1", "x1">>, <<"a2", "x2">>, <<"b1", "x1">>, <<"b2", "x2">>,
      <<"c1", "x1">>, <<"c2", "x2">>, <<"x1", "k1">>}]
===============================================================================
