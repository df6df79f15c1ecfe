------------------------------- MODULE Serving --------------------------------
(* The words of BlastRadius: which placements are good, what is between the    *)
(* clients and their cell, and whether a volume needs its cell, and is served. *)
(* No steps.                                                                   *)
(* Mirrored by spec/sites/blast_radius.py.                                     *)
EXTENDS Sites

CONSTANTS
  Clients,    \* names of servers: instance, primary, replica
  Size,       \* nodes of a cell
  Rules,      \* what a placement keeps, of "row", "instance", "copies", "still"
  Fallible,   \* what fails here: failures, as in Sites, and <<name>> of servers
  MaxEpoch    \* a bound

VARIABLES
  good,       \* the placements that keep the rules; it never changes
  failed,     \* what is down
  cell,       \* the servers of the cell's nodes
  configs,    \* the record under each epoch: [primary, replica], copies; 0: none
  epoch,      \* the epoch that each copy has noted down
  hint,       \* the cell as each copy heard of it last
  holds       \* the copies that hold every write that was acknowledged

vars == <<good, failed, cell, configs, epoch, hint, holds>>

Instance == Numbered(Clients.instance)
Copy     == {1, 2}
At       == <<Numbered(Clients.primary), Numbered(Clients.replica)>>
Client   == {Instance, At[1], At[2]}
Row(s)   == Site.devices[Rack(s)].row

IsMajority(some) == 2 * Cardinality(some) > Size

-------------------------------------------------------------------------------
(* Placements.  A policy looks at single failures, and at the row.             *)

\* What clients reach after each single failure that leaves the instance up.
Harm     == {f \in Failure : Up(Instance, {f})}
AfterOne == [f \in Harm |-> [c \in Client |-> ReachedFrom(c, {f})]]

\* The instance may see a majority where a copy does not, since servers with
\* two switches do not forward; and it is the copies that ask the cell.
Keeps(rule, c, after) ==
  CASE rule = "row" -> \A s \in c : Row(s) = Row(Instance)
    [] rule = "instance" -> \A f \in Harm : IsMajority(c \cap after[f][Instance])
    [] rule = "copies" ->
         \A f \in Harm, r \in Copy : At[r] \in after[f][Instance] =>
           IsMajority(c \cap after[f][At[r]])

Placements(after) ==
  {c \in SUBSET (Server \ Client) : /\ Cardinality(c) = Size
                                    /\ \A rule \in Rules \ {"still"} : Keeps(rule, c, after)}

\* What is between clients and cell in their row: its racks and their switches,
\* those above, their power, the links between them, and its servers.
RowRack   == {d \in OfKind({"rack"}) : Site.devices[d].row = Row(Instance)}
RowTop    == {t \in Switch : Supplies(t) \cap RowRack # {}}
RowSwitch == RowTop \cup {t \in Switch : /\ Site.devices[t].tier = "aggregation"
                                         /\ \E l \in Site.links : /\ t \in {l[1], l[2]}
                                                                  /\ {l[1], l[2]} \cap RowTop # {}}
RowServer == {s \in Server : Rack(s) \in RowRack}
Home ==
  {<<d>> : d \in UNION {Above[x] : x \in RowRack \cup RowSwitch}}
  \cup {l \in Site.links : {l[1], l[2]} \subseteq RowSwitch}
  \cup UNION {{<<Name(s)>>} \cup {<<Name(s), t>> : t \in Site.servers[s].switches} : s \in RowServer}

\* A row is joined by what is in it, and the clients are there.
ASSUME RowIsWhole ==
  /\ Client \subseteq RowServer
  /\ RowServer \subseteq ReachedFrom(Instance, (Failure \cup {<<Name(s)>> : s \in Server}) \ Home)

-------------------------------------------------------------------------------
(* The words.                                                                  *)

Last    == Len(configs)
Present == {configs[Last].primary, configs[Last].replica} \ {0}

After(c)        == ReachedFrom(c, failed)
Reaches(c, s)   == s \in After(c)
Asks            == {r \in Present : Reaches(Instance, At[r])}
HasMajority(r)  == IsMajority(cell \cap After(At[r]))

\* Nobody has to ask the cell anything.
Whole ==
  LET p == configs[Last].primary r == configs[Last].replica
  IN Reaches(Instance, At[p]) /\ (r = 0 \/ Reaches(At[p], At[r]))

Needy    == Up(Instance, failed) /\ Asks # {} /\ ~ Whole
Served   == \E r \in Asks : HasMajority(r)
Blast    == Needy /\ ~ Served
Unserved == Up(Instance, failed) /\ Asks # {} /\ ~ Served

\* A cell is looked for where it was.
Finds(r) == hint[r] \cap cell \cap After(At[r]) # {}

Of(r)    == configs[epoch[r]]
Alone(r) == Of(r).replica = 0

\* A replica refuses whoever writes under another epoch than the one it noted.
Acknowledges(p) ==
  /\ Of(p).primary = p
  /\ ~ Alone(p) => epoch[Of(p).replica] = epoch[p]
===============================================================================
