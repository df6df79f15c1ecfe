---------------------------- MODULE SiteDualHomed ------------------------------
(* The instance is on two switches and its primary on one of them, whose way  *)
(* up, u, hangs on the feed of the replica's rack: when that feed fails, the  *)
(* primary is cut off, the replica is dark, and the instance reaches all the  *)
(* rest over its other switch.                                                *)
EXTENDS Naturals, Sequences

DualHomed ==
  [servers |->
     <<[name |-> "i",  rack |-> "rh", switches |-> {"ta", "tb"}],
       [name |-> "p",  rack |-> "rh", switches |-> {"ta"}],
       [name |-> "r",  rack |-> "rd", switches |-> {"td"}],
       [name |-> "n1", rack |-> "rh", switches |-> {"ta", "tb"}],
       [name |-> "n2", rack |-> "r2", switches |-> {"t2"}],
       [name |-> "n3", rack |-> "r3", switches |-> {"t3"}],
       [name |-> "n4", rack |-> "rh", switches |-> {"ta", "tb"}],
       [name |-> "n5", rack |-> "rh", switches |-> {"tb"}]>>,
   devices |->
     [fa |-> [kind |-> "feed", supplies |-> {}],
      fb |-> [kind |-> "feed", supplies |-> {}],
      rh |-> [kind |-> "rack", supplies |-> {"fb"}, row |-> "row1"],
      rd |-> [kind |-> "rack", supplies |-> {"fa"}, row |-> "row1"],
      r2 |-> [kind |-> "rack", supplies |-> {"fb"}, row |-> "row1"],
      r3 |-> [kind |-> "rack", supplies |-> {"fb"}, row |-> "row1"],
      ta |-> [kind |-> "switch", supplies |-> {"rh"}, tier |-> "rack"],
      tb |-> [kind |-> "switch", supplies |-> {"rh"}, tier |-> "rack"],
      td |-> [kind |-> "switch", supplies |-> {"rd"}, tier |-> "rack"],
      t2 |-> [kind |-> "switch", supplies |-> {"r2"}, tier |-> "rack"],
      t3 |-> [kind |-> "switch", supplies |-> {"r3"}, tier |-> "rack"],
      u  |-> [kind |-> "switch", supplies |-> {"fa"}, tier |-> "aggregation"],
      v  |-> [kind |-> "switch", supplies |-> {"fb"}, tier |-> "aggregation"],
      w  |-> [kind |-> "switch", supplies |-> {"fb"}, tier |-> "aggregation"],
      k1 |-> [kind |-> "switch", supplies |-> {}, tier |-> "core"]],
   links |->
     {<<"ta", "u">>, <<"tb", "v">>, <<"tb", "w">>, <<"u", "v">>, <<"td", "v">>,
      <<"t2", "v">>, <<"t2", "w">>, <<"t3", "v">>, <<"t3", "w">>, <<"v", "k1">>}]
===============================================================================
