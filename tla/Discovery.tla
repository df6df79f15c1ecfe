------------------------------ MODULE Discovery -------------------------------
(* Who answers clients that know old lists of members.  A cell's members      *)
(* change, one version after the other; up to Alpha - 1 changes may be        *)
(* decided before the first of them is in force.  Each version is in force    *)
(* until a majority of *its* members votes in its last slot.  Cells tell      *)
(* caches where they are, at any time and in any order; clients ask caches,   *)
(* remember for ever what they heard, and are sent on by nodes that know      *)
(* better.  A node that leads answers only if a majority of the version that  *)
(* it takes to be in force does not know that it is over.                     *)
(*                                                                            *)
(* So a stale list costs a hop, and no jury that was deposed ever answers,    *)
(* however stale the caches are, with several changes in one window, and when *)
(* nodes come back that had left.                                             *)
(*                                                                            *)
(* Rules: R1 (the window), R7 (who confirms a read), R14 (told on change),    *)
(* R15 (who lost its disk comes back under another name).                     *)
(* Leaves out: ballots, slots, what is read; lies of a cache, which cost hops *)
(* like staleness.                                                            *)
(* Mirrored by spec/service/discovery.py; the code is physalia/discovery and  *)
(* physalia/client/places.py.                                                 *)
EXTENDS Integers, FiniteSets, Sequences
CONSTANTS
  Nodes,       \* incarnations: 1..n
  Plan,        \* version -> its members, if it is ever decided: a bound
  Alpha,       \* the window
  Caches,      \* 1..n
  Clients,     \* 1..n
  Knowing,     \* clients that know the first list from the beginning
  Frail        \* nodes that may lose their disk: a bound

VARIABLES
  chosen,      \* how many versions were decided
  inforce,     \* the version that is in force
  knows,       \* node -> the newest version that it knows to be decided
  over,        \* node -> the newest version that it knows to be over
  lost,        \* nodes that lost their disk
  news,        \* versions that were told, to whichever cache
  cache,       \* cache -> the version whose members it knows; 0 for none
  client,      \* client -> the same
  answers      \* [client, by, at]: answered by `by` when `at` was in force

vars == <<chosen, inforce, knows, over, lost, news, cache, client, answers>>

Version == DOMAIN Plan
Known   == {0} \cup Version
Max(x, y) == IF x > y THEN x ELSE y
Jury == [v \in Version |-> {q \in SUBSET Plan[v] :
                              2 * Cardinality(q) > Cardinality(Plan[v])}]
IsJury(q, v) == q \in Jury[v] /\ q \cap lost = {}

\* n may lead under version v: it knows that all before it are over.
Leads(n, v) == n \in Plan[v] \ lost /\ over[n] = v - 1 /\ knows[n] >= v

ASSUME /\ Nodes = 1..Cardinality(Nodes) /\ Frail \subseteq Nodes /\ Alpha >= 1
       /\ \A v \in Version : Plan[v] \subseteq Nodes /\ Plan[v] # {}

Init ==
  /\ chosen = 1 /\ inforce = 1
  /\ knows = [n \in Nodes |-> IF n \in Plan[1] THEN 1 ELSE 0]
  /\ over = [n \in Nodes |-> 0]
  /\ lost = {} /\ news = {} /\ answers = {} /\ cache = [c \in Caches |-> 0]
  /\ client = [k \in Clients |-> IF k \in Knowing THEN 1 ELSE 0]

-------------------------------------------------------------------------------
\* A jury decides the next change: it will be in force later.
Change(n, q) ==
  /\ Leads(n, inforce) /\ n \in q /\ IsJury(q, inforce)
  /\ chosen + 1 \in Version /\ chosen < inforce + Alpha
  /\ knows[n] = chosen
  /\ chosen' = chosen + 1
  /\ knows' = [m \in Nodes |-> IF m \in q THEN chosen + 1 ELSE knows[m]]
  /\ UNCHANGED <<inforce, over, lost, news, cache, client, answers>>

\* A jury votes in the last slot of the version in force: the next one begins.
Depose(n, q) ==
  /\ Leads(n, inforce) /\ n \in q /\ IsJury(q, inforce)
  /\ inforce < chosen /\ knows[n] > inforce
  /\ inforce' = inforce + 1
  /\ over' = [m \in Nodes |->
                IF m \in q THEN Max(over[m], inforce) ELSE over[m]]
  /\ UNCHANGED <<chosen, knows, lost, news, cache, client, answers>>

\* n learns from m what was decided.
Learn(n, m) ==
  /\ {n, m} \cap lost = {}
  /\ ~ (knows[m] <= knows[n] /\ over[m] <= over[n])
  /\ knows' = [knows EXCEPT ![n] = Max(knows[n], knows[m])]
  /\ over' = [over EXCEPT ![n] = Max(over[n], over[m])]
  /\ UNCHANGED <<chosen, inforce, lost, news, cache, client, answers>>

\* A disk is lost.  What takes the node's place has another name.
Forget(n) ==
  /\ n \in Frail \ lost
  /\ lost' = lost \cup {n}
  /\ knows' = [knows EXCEPT ![n] = 0] /\ over' = [over EXCEPT ![n] = 0]
  /\ UNCHANGED <<chosen, inforce, news, cache, client, answers>>

\* n tells caches where the cell is: it may take long, and never comes lost.
Push(n) ==
  /\ Caches # {} /\ knows[n] > 0 /\ knows[n] \notin news
  /\ news' = news \cup {knows[n]}
  /\ UNCHANGED <<chosen, inforce, knows, over, lost, cache, client, answers>>

\* A cache hears of a version, late or early.  The newer one stays.
Take(c, v) ==
  /\ v \in news /\ v > cache[c]
  /\ cache' = [cache EXCEPT ![c] = v]
  /\ UNCHANGED <<chosen, inforce, knows, over, lost, news, client, answers>>

\* A cache is lost, with all that it knew, and an empty one takes its place.
Replace(c) ==
  /\ cache[c] > 0
  /\ cache' = [cache EXCEPT ![c] = 0]
  /\ UNCHANGED <<chosen, inforce, knows, over, lost, news, client, answers>>

\* A client asks a cache.  It too keeps what is newer.
Find(k, c) ==
  /\ cache[c] > client[k]
  /\ client' = [client EXCEPT ![k] = cache[c]]
  /\ UNCHANGED <<chosen, inforce, knows, over, lost, news, cache, answers>>

\* A client asks a member of its list, which points to the members that it
\* knows: a hop.
Hop(k, n) ==
  /\ client[k] > 0 /\ n \in Plan[client[k]] \ lost /\ knows[n] > client[k]
  /\ client' = [client EXCEPT ![k] = knows[n]]
  /\ UNCHANGED <<chosen, inforce, knows, over, lost, news, cache, answers>>

\* A client asks a member of its list, which leads under version v as far as it
\* knows, and a jury of v confirms that v is not over.
Serve(k, n, v, q) ==
  /\ client[k] > 0 /\ n \in Plan[client[k]]
  /\ Leads(n, v) /\ IsJury(q, v)
  /\ \A m \in q : over[m] < v
  /\ answers' = answers \cup {[client |-> k, by |-> v, at |-> inforce]}
  /\ answers' # answers
  /\ UNCHANGED <<chosen, inforce, knows, over, lost, news, cache, client>>

Next ==
  \/ \E n \in Nodes, q \in UNION {Jury[v] : v \in Version} : Change(n, q)
  \/ \E n \in Nodes, q \in UNION {Jury[v] : v \in Version} : Depose(n, q)
  \/ \E n \in Nodes, m \in Nodes : Learn(n, m)
  \/ \E n \in Nodes : Forget(n)
  \/ \E n \in Nodes : Push(n)
  \/ \E c \in Caches, v \in Version : Take(c, v)
  \/ \E c \in Caches : Replace(c)
  \/ \E k \in Clients, c \in Caches : Find(k, c)
  \/ \E k \in Clients, n \in Nodes : Hop(k, n)
  \/ \E k \in Clients, n \in Nodes, v \in Version : \E q \in Jury[v] : Serve(k, n, v, q)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ chosen \in Version /\ inforce \in 1..chosen
  /\ knows \in [Nodes -> Known] /\ over \in [Nodes -> Known]
  /\ lost \subseteq Frail /\ news \subseteq Version
  /\ cache \in [Caches -> Known] /\ client \in [Clients -> Known]
  /\ \A a \in answers :
       a.client \in Clients /\ a.by \in Version /\ a.at \in Version

\* Nobody knows, or was told, what was not decided.
OnlyChosenIsKnown ==
  /\ \A n \in Nodes : knows[n] <= chosen /\ over[n] < inforce
  /\ \A v \in news : v <= chosen
  /\ \A c \in Caches : cache[c] <= chosen
  /\ \A k \in Clients : client[k] <= chosen

\* No jury that was deposed answers, whatever list its client had.
CurrentJuryAnswers == \A a \in answers : a.by = a.at

\* An older list never wins over a newer one; only a cache that is lost forgets.
NewerListWins ==
  [][/\ \A c \in Caches : cache'[c] >= cache[c] \/ cache'[c] = 0
     /\ \A k \in Clients : client'[k] >= client[k]]_vars

-------------------------------------------------------------------------------
\* A client whose list is old is answered by a newer jury.
ReachOldList == \E a \in answers : a.by > client[a.client]

\* A client that knew its cell is answered after a change, with all caches gone.
ReachWithoutCaches ==
  /\ \A c \in Caches : cache[c] = 0
  /\ \E a \in answers : a.by > 1

\* Two changes are decided before the first of them is in force.
ReachTwoInOneWindow == chosen >= inforce + 2

\* A node that left is back, and helps to answer.
ReachBack ==
  \E a \in answers, n \in Nodes : \E u, v \in Version :
    /\ u < v /\ v < a.by /\ n \in Plan[u] \cap Plan[a.by] /\ n \notin Plan[v]
    /\ over[n] >= v

\* Somebody of a deposed jury who does not know that it is.
ReachUnaware == \E n \in Nodes, k \in Clients :
  /\ client[k] > 0 /\ client[k] < inforce /\ n \in Plan[client[k]] \ lost
  /\ over[n] < client[k] /\ knows[n] = client[k] /\ n \notin Plan[inforce]
ReachLost == \E a \in answers : lost # {} /\ a.by > 1
===============================================================================
