--------------------------------- MODULE Window --------------------------------
(* Values are chosen slot by slot, in any order, but never further than Alpha  *)
(* slots ahead of the first one that is empty: the window.  It is what makes   *)
(* the configuration of a slot well defined before anybody works on the slot,  *)
(* because every change that could still matter to it has been chosen (R1).    *)
(*                                                                             *)
(* Refines Log: the log is the prefix without holes.                           *)
(* Leaves out: how a value is chosen, and by how many votes.                   *)
(* Mirrored by spec/window.py; refined by Ballots.                             *)
EXTENDS Commands

CONSTANTS
  MaxSlot,   \* bound
  Early      \* commands asked before the first step: a bound

VARIABLES asked, chosen, told

vars == <<asked, chosen, told>>

Slot == 1..MaxSlot
None == "none"     \* an empty slot

Init ==
  /\ asked = Early
  /\ chosen = [i \in Slot |-> None]
  /\ told = {}

-------------------------------------------------------------------------------
\* The prefix without holes: what may be applied.
Prefix ==
  LET filled == {i \in Slot : \A j \in 1..i : chosen[j] # None}
  IN  [i \in 1..Cardinality(filled) |-> chosen[i]]

\* A slot is open once the last value that its configuration depends on is
\* chosen.  It stays open: `chosen` slots are never emptied.
Open(i)          == i <= Len(Prefix) + Alpha
Configuration(i) == Members(Prefix, i)

Issue(c) ==
  /\ c \notin asked
  /\ asked' = asked \cup {c}
  /\ UNCHANGED <<chosen, told>>

Choose(i, v) ==
  /\ Open(i)
  /\ chosen[i] = None
  /\ v \in asked \cup {NoOp}
  /\ chosen' = [chosen EXCEPT ![i] = v]
  /\ UNCHANGED <<asked, told>>

\* A client is answered when everything below its command is chosen too: until
\* then nobody can know what the command will come to.
Answer(c) ==
  /\ \E k \in DOMAIN Prefix : Prefix[k] = c
  /\ \A t \in told : t.command # c
  /\ told' = told \cup {[command |-> c, verdict |-> VerdictOn(Prefix, c)]}
  /\ UNCHANGED <<asked, chosen>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E i \in Slot, v \in Value : Choose(i, v)
  \/ \E c \in Command : Answer(c)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ asked \subseteq Command
  /\ chosen \in [Slot -> Value \cup {None}]
  /\ \A t \in told : t.command \in asked

ChosenInsideWindow == \A i \in Slot : chosen[i] # None => Open(i)

\* Nobody is told about a command above a hole.
ToldInPrefix ==
  \A t \in told : /\ t.command \in DOMAIN After(Prefix).verdicts
                  /\ t.verdict = After(Prefix).verdicts[t.command]

ChosenStays ==
  [][\A i \in Slot : chosen[i] # None => chosen'[i] = chosen[i]]_vars

\* From the moment a slot may be worked on, its configuration is fixed.  This
\* one sentence is what alpha is for.
ConfigurationFixed ==
  [][\A i \in Slot : Open(i) => Configuration(i)' = Configuration(i)]_vars

L == INSTANCE Log WITH log <- Prefix
RefinesLog == L!Spec
===============================================================================
