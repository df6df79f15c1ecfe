-------------------------------- MODULE Sites ---------------------------------
(* What there is in a site, what still lives when one thing fails, who is then *)
(* reached, and how far things are apart.  No variables: Placement asks.       *)
(*                                                                             *)
(* Everything is said by definition and for a dozen servers: reachability is a *)
(* closure, a distance the least of its kind.                                  *)
(* Leaves out: probabilities, more than one failure.                           *)
(* Mirrored by World in conformance/placement/definition.py.                   *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANT
  Site   \* servers: a sequence of records; drained: names of servers;
         \* devices: racks, power and switches by name, each with its kind,
         \* what supplies it and, if a rack, its row; links: pairs of switches;
         \* cells: the cells that there are, sets of names of servers

\* A server is known by its place in the sequence, and by name to other things.
\* The order means nothing; it lets Placement build every cell in one way.
Server == DOMAIN Site.servers
Name(s) == Site.servers[s].name
Rack(s) == Site.servers[s].rack
Numbered(name) == CHOOSE s \in Server : Name(s) = name

Device == DOMAIN Site.devices
Supplies(d) == Site.devices[d].supplies
OfKind(kinds) == {d \in Device : Site.devices[d].kind \in kinds}
Switch == OfKind({"switch"})
Power == OfKind({"pdu", "ups", "feed"})

-------------------------------------------------------------------------------
(* One thing fails: a tuple, <<name>> of a device or <<end, end>> of a link    *)
(* between two switches, or between a server and a switch.                     *)

OwnLink == UNION {{<<Name(s), t>> : t \in Site.servers[s].switches} : s \in Server}

\* A server that fails takes one node with it, which no placement prevents; so
\* it is not among the failures that a placement has to survive.
Failure == {<<d>> : d \in Device} \cup Site.links \cup OwnLink

\* Any one supply is enough.  A feed has none, nor has a switch whose power is
\* not modelled: these live until they fail.  A switch in a rack has that rack
\* for its only supply, and a rack is supplied by elements of power.
Living(f) ==
  LET lives[d \in Device] ==
        f # <<d>> /\ (Supplies(d) = {} \/ \E p \in Supplies(d) : lives[p])
  IN {d \in Device : lives[d]}

\* All of the living switches at the near ends of a server's living links.
SwitchesAt(s, f) ==
  {t \in Site.servers[s].switches : f # <<Name(s), t>> /\ t \in Living(f)}

\* Power alone does not make an instance: it needs a way out.
Up(s, f) == Rack(s) \in Living(f) /\ SwitchesAt(s, f) # {}

Joined(t, u, f) == \E l \in Site.links : l # f /\ {l[1], l[2]} = {t, u}

\* A dead switch is in no ball, so nothing is reached through one.
Around(s, f) ==
  LET living == Living(f)
      ball[k \in 1..Cardinality(Switch)] ==
        IF k = 1 THEN SwitchesAt(s, f)
        ELSE LET near == ball[k - 1]
             IN near \cup {t \in Switch \cap living : \E u \in near : Joined(t, u, f)}
  IN ball

\* Servers do not forward: they are reached from switches, and reach no further.
ReachedFrom(client, f) ==
  LET fabric == Around(client, f)[Cardinality(Switch)]
  IN {s \in Server : \/ s = client
                     \/ Rack(s) \in Living(f) /\ SwitchesAt(s, f) \cap fabric # {}}

-------------------------------------------------------------------------------
(* Domains.  The set of what is above a server at a level, over *all* supply   *)
(* paths, names its domain there.  So the domains of a level never overlap,    *)
(* and they nest, also where racks are fed from two sides.                     *)

Above[d \in Device] == {d} \cup UNION {Above[p] : p \in Supplies(d)}

DomainOf == [s \in Server |-> [k \in {"rack", "row", "pdu", "ups", "feed"} |->
               IF k = "row" THEN {Site.devices[Rack(s)].row}
               ELSE Above[Rack(s)] \cap OfKind({k})]]

\* Racks with nothing above them at a level share nothing there.
Domains(k) == {DomainOf[s][k] : s \in Server} \ {{}}

-------------------------------------------------------------------------------
(* Hops: the links of a shortest path, with everything alive (f is <<>>).      *)

\* More than any path has; what has no path may hold no node.
Unreached == Cardinality(Switch) + 2

HopsFrom(client) ==
  LET ball == Around(client, <<>>)
      far(s) == {k \in DOMAIN ball : ball[k] \cap Site.servers[s].switches # {}}
  IN [s \in Server |->
        IF s = client THEN 0
        ELSE IF far(s) = {} THEN Unreached
        ELSE 1 + CHOOSE k \in far(s) : \A other \in far(s) : k <= other]
===============================================================================
