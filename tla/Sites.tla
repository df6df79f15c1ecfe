-------------------------------- MODULE Sites ---------------------------------
(* What there is in a site, what still lives when things fail, who is then     *)
(* reached, and how far things are apart.  No variables: Placement asks about  *)
(* one failure at a time, BlastRadius about sets of them.                      *)
(*                                                                             *)
(* Everything is said by definition and for a dozen servers: reachability is a *)
(* closure, a distance the least of its kind.                                  *)
(* Leaves out: probabilities.                                                  *)
(* Mirrored by spec/sites/site.py, and by World in                             *)
(* conformance/placement/definition.py.                                        *)
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
(* A thing that fails: a tuple, <<name>> of a device or a server, or           *)
(* <<end, end>> of a link between two switches, or a server and a switch.      *)

OwnLink == UNION {{<<Name(s), t>> : t \in Site.servers[s].switches} : s \in Server}

\* A server that fails takes one node with it, which no placement prevents; so
\* it is not among the failures that a placement has to survive.
Failure == {<<d>> : d \in Device} \cup Site.links \cup OwnLink

\* Any one supply is enough.  A feed has none, nor has a switch whose power is
\* not modelled: these live until they fail.  A switch in a rack has that rack
\* for its only supply, and a rack is supplied by elements of power.
Living(failed) ==
  LET lives[d \in Device] ==
        <<d>> \notin failed /\ (Supplies(d) = {} \/ \E p \in Supplies(d) : lives[p])
  IN {d \in Device : lives[d]}

Lives(s, failed) == <<Name(s)>> \notin failed /\ Rack(s) \in Living(failed)

\* All of the living switches at the near ends of a server's living links.
Beside(s, failed, living) ==
  {t \in Site.servers[s].switches : <<Name(s), t>> \notin failed /\ t \in living}
SwitchesAt(s, failed) == Beside(s, failed, Living(failed))

\* Power alone does not make an instance: it needs a way out.
Up(s, failed) == Lives(s, failed) /\ SwitchesAt(s, failed) # {}

\* The switches within so many links of some others; a link carries when both of
\* its ends live.
Around(start, failed, living) ==
  LET carrying == {l \in Site.links \ failed : {l[1], l[2]} \subseteq living}
      ball[k \in 1..Cardinality(Switch)] ==
        IF k = 1 THEN start
        ELSE LET near == ball[k - 1]
             IN near \cup UNION {{l[1], l[2]} : l \in
                  {l \in carrying : {l[1], l[2]} \cap near # {}}}
  IN ball

\* Servers do not forward: they are reached from switches, and reach no further.
ReachedFrom(client, failed) ==
  LET living == Living(failed)
      start  == Beside(client, failed, living)
      fabric == Around(start, failed, living)[Cardinality(Switch)]
  IN {s \in Server : /\ {<<Name(s)>>, <<Name(client)>>} \cap failed = {}
                     /\ {Rack(s), Rack(client)} \subseteq living
                     /\ s = client \/ Beside(s, failed, living) \cap fabric # {}}

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
(* Hops: the links of a shortest path, with everything alive.                  *)

\* More than any path has; what has no path may hold no node.
Unreached == Cardinality(Switch) + 2

HopsFrom(client) ==
  LET ball == Around(SwitchesAt(client, {}), {}, Living({}))
      far(s) == {k \in DOMAIN ball : ball[k] \cap Site.servers[s].switches # {}}
  IN [s \in Server |->
        IF s = client THEN 0
        ELSE IF far(s) = {} THEN Unreached
        ELSE 1 + CHOOSE k \in far(s) : \A other \in far(s) : k <= other]
===============================================================================
