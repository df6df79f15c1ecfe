------------------------------ MODULE Placement -------------------------------
(* Where the nodes of a cell may live, what a placement costs, and whether the *)
(* loss of any one thing takes the majority away from the volume's instance.   *)
(*                                                                             *)
(* Stands beside the ladder and refines nothing.  Its steps put node after     *)
(* node on servers of rising number, so that every cell is built once; Told    *)
(* prints each that is whole, and what decides these things for 100,000        *)
(* servers must give the same answers.                                         *)
(* Leaves out: probabilities, time, who proposes a placement.                  *)
(* Mirrored by Question in conformance/placement/definition.py; decided by     *)
(* physalia/placement.                                                         *)
EXTENDS Sites, TLC

CONSTANTS
  Policy,   \* size, color ("one" or "any"), spread (kinds), rules (records)
  Query     \* clients: servers by role; color: a colour, or "any"

VARIABLE cell   \* numbers of servers

Role == DOMAIN Query.clients
ClientOf == [r \in Role |-> Numbered(Query.clients[r])]
Instance == ClientOf["instance"]
Hops == [r \in Role |-> HopsFrom(ClientOf[r])]

IsMajority(some, all) == 2 * Cardinality(some) > Cardinality(all)

-------------------------------------------------------------------------------
(* Survival.  Nobody needs the cell while its instance is down, so only those  *)
(* failures count that leave it up.  What each cuts off does not depend on the *)
(* cell: survival is a cap on sets of servers like any other.                  *)

Harm == {f \in Failure : Up(Instance, {f})}
StillReached == [f \in Harm |-> ReachedFrom(Instance, {f})]

MajoritySurvives(c) == \A f \in Harm : IsMajority(c \cap StillReached[f], c)

Cut == [f \in Harm |-> Server \ StillReached[f]]

\* The same as a client sees it, while the instance is up and reaches it.  An
\* instance on two switches may reach the cell where its primary does not.
CutFrom(client) ==
  [f \in {f \in Harm : client \in StillReached[f]} |-> Server \ ReachedFrom(client, {f})]

-------------------------------------------------------------------------------
(* Rules.  Each is a record, as in a policy's file.                            *)

\* The nodes of a cell in one domain of a level.
Within(c, k, domain) == {s \in c : DomainOf[s][k] = domain}

\* Servers without power when a rack or an element of power fails alone.
Dark == [d \in OfKind({"rack"}) \cup Power |-> {s \in Server : Rack(s) \notin Living({<<d>>})}]

\* A rule about a client that the query does not name rules nothing.
Speaks(r) ==
  CASE "of" \in DOMAIN r -> r.of \in Role
    [] "client" \in DOMAIN r -> r.client \in Role
    [] OTHER -> TRUE

\* The domain that a minimum is about: the one named, or that of a client.
Meant(r) == IF "of" \in DOMAIN r THEN DomainOf[ClientOf[r.of]][r.kind] ELSE r.name

\* Whoever must see a majority survive.
SeenFrom(r) == IF "client" \in DOMAIN r THEN ClientOf[r.client] ELSE Instance

\* No cell changes what failures cut off: it is found once for each client that
\* a rule speaks of, and not for every cell anew.
SurvivalRule == {r \in Policy.rules : r.type = "survives" /\ Speaks(r)}
CutSeen == [client \in {SeenFrom(r) : r \in SurvivalRule} |-> CutFrom(client)]

Keeps(r, c) ==
  CASE r.type \in {"cap", "pair-cap"} ->
         \A d \in Domains(r.kind) : Cardinality(Within(c, r.kind, d)) <= r.most
    [] r.type = "minimum" ->
         Cardinality(Within(c, r.kind, Meant(r))) >= r.least
    \* Unlike the pair cap this is content with a second feed: what has one
    \* keeps its power.  A plain A/B site can keep this rule and not that one.
    [] r.type = "single-failure" ->
         \A d \in DOMAIN Dark : Cardinality(c \cap Dark[d]) <= r.most
    [] r.type = "hop-limit" ->
         \A s \in c : Hops[r.client][s] <= r.most
    \* The cell must outlive the servers that it decides between.
    [] r.type = "anti-affinity" -> \A role \in Role : ClientOf[role] \notin c
    \* Two cells that share four of seven lose their majorities together.
    [] r.type = "overlap" ->
         \A other \in Site.cells : Cardinality({s \in c : Name(s) \in other}) <= r.most
    [] r.type = "survives" ->
         LET cut == CutSeen[SeenFrom(r)]
         IN \A f \in DOMAIN cut : IsMajority(c \ cut[f], c)

\* Drained and full servers take no node; nor does what some client cannot reach.
Candidate(s) ==
  /\ Name(s) \notin Site.drained
  /\ Site.servers[s].nodes < Site.servers[s].capacity
  /\ Query.color = "any" \/ Site.servers[s].color = Query.color
  /\ \A r \in Role : Hops[r][s] < Unreached

\* One colour: deployments go colour by colour, and so a bad one meets whole
\* cells, of which there are many, and never half of every cell.
Legal(c) ==
  /\ \A s \in c : Candidate(s)
  /\ Policy.color = "one" => Cardinality({Site.servers[s].color : s \in c}) = 1
  /\ \A r \in Policy.rules : Speaks(r) => Keeps(r, c)

-------------------------------------------------------------------------------
(* The objective: the worst hop, then the spread, the sum of hops, the fill.   *)
(* Spread counts the pairs of nodes that share a domain, so that a third node  *)
(* in it costs more than a second.  The instance's own domains are exempt:     *)
(* what fails there takes the instance too, and being near it is good.         *)

SumOver(f, set) ==
  LET sum[some \in SUBSET set] ==
        IF some = {} THEN 0
        ELSE LET x == CHOOSE x \in some : TRUE IN f[x] + sum[some \ {x}]
  IN sum[set]

Pairs(n) == (n * (n - 1)) \div 2
Shared(c, k) ==
  LET others == Domains(k) \ {DomainOf[Instance][k]}
  IN SumOver([d \in others |-> Pairs(Cardinality(Within(c, k, d)))], others)

Value(c) ==
  LET far == {Hops[r][s] : r \in Role, s \in c}
  IN <<CHOOSE h \in far : \A other \in far : other <= h,
       SumOver([k \in Policy.spread |-> Shared(c, k)], Policy.spread),
       SumOver([s \in c |-> SumOver([r \in Role |-> Hops[r][s]], Role)], c),
       SumOver([s \in c |-> Site.servers[s].nodes], c)>>

\* What comes first decides: no saving of hops makes up for one more pair.
Better(v, w) == \E i \in 1..4 : v[i] < w[i] /\ \A j \in 1..(i - 1) : v[j] = w[j]

\* The values than which none is better: one, since any two have an order.
Least(values) == {v \in values : \A w \in values : ~ Better(w, v)}

\* The least value of a legal cell; <<>> if there is no legal cell.
Values == {Value(c) : c \in {c \in SUBSET Server :
                               Cardinality(c) = Policy.size /\ Legal(c)}}
Best == IF Values = {} THEN <<>> ELSE CHOOSE v \in Least(Values) : TRUE

-------------------------------------------------------------------------------
Whole == Cardinality(cell) = Policy.size

Place(s) ==
  /\ ~ Whole
  /\ \A other \in cell : other < s
  /\ cell' = cell \cup {s}

Init == cell = {}
Next == \E s \in Server : Place(s)
Spec == Init /\ [][Next]_cell

\* The guard of Place is the bound: a cell never grows beyond its size.
TypeOK == cell \subseteq Server /\ Cardinality(cell) <= Policy.size

Has(type, most) ==
  \E r \in Policy.rules : r.type = type /\ ("most" \in DOMAIN r => r.most <= most)

\* A cap on what a lone failure darkens, of less than half, is what it is for:
\* the nodes that still have power are a majority.
PowerSurvives ==
  Whole /\ Legal(cell) /\ Has("single-failure", Policy.size - Policy.size \div 2 - 1)
  => \A d \in DOMAIN Dark : IsMajority(cell \ Dark[d], cell)

\* Survival is a cap on each cut, which is how it is solved and certified; and
\* as a rule of the policy it makes every legal cell survive.
KeepsCuts(cut) == \A f \in DOMAIN cut : Cardinality(cell \cap cut[f]) <= (Policy.size - 1) \div 2
SurvivalIsACap ==
  Whole => /\ MajoritySurvives(cell) <=> KeepsCuts(Cut)
           /\ \A r \in SurvivalRule : Legal(cell) => KeepsCuts(CutSeen[SeenFrom(r)])

\* Always true.  One line for each whole cell: legal, optimal, survives, value.
Told ==
  Whole => LET legal == Legal(cell)
               value == Value(cell)
           IN PrintT(ToString(<<"cell", cell, legal, legal /\ value = Best,
                                MajoritySurvives(cell), value>>))
===============================================================================
