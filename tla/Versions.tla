------------------------------- MODULE Versions -------------------------------
(* Software of several versions in one cell.  A command says by which version  *)
(* of the rules it is to be carried out.  A node that comes to one which its   *)
(* software does not understand writes the decision down, and stops before it: *)
(* it applies no further, leads nobody, votes no more and answers no reads.    *)
(* It goes on when it is started with software that understands.  It may also  *)
(* be started with older software than it had: then it reads what it wrote     *)
(* down up to where that understands it.                                       *)
(*                                                                             *)
(* Rule: R5.                                                                   *)
(* Leaves out: how the log is decided, which is the ladder's matter, but for   *)
(* who takes part; snapshots, which would keep what old software cannot read.  *)
(* Mirrored by spec/service/versions.py.                                       *)
EXTENDS Integers, Sequences, FiniteSets
CONSTANTS
  Needs,    \* command -> the version that understands it
  First,    \* node -> the version of its software in the beginning
  Changes,  \* node -> how often it is started with other software: a bound
  MaxSlot   \* how long the log grows: a bound

VARIABLES
  log,       \* decided commands
  software,  \* node -> the version of its software
  changed,   \* node -> how often it was started with other software
  written,   \* node -> how many decisions its disk has
  applied,   \* node -> how many of them it applied
  state,     \* node -> what it made of them: commands that took effect, in order
  answers    \* to reads: after which slot, and what the node made of the log then

vars == <<log, software, changed, written, applied, state, answers>>

Command == DOMAIN Needs
Node    == DOMAIN First
Version == {Needs[c] : c \in Command} \cup {First[n] : n \in Node}

Understands(v, c) == Needs[c] <= v
Stopped(n)        == applied[n] < written[n]
Majority(some)    == 2 * Cardinality(some) > Cardinality(Node)
Decided           == {log[i] : i \in DOMAIN log}
Min(x, y)         == IF x < y THEN x ELSE y

\* How many of the first k decisions software of version v understands, up to
\* the first one that it does not.
Readable(v, k) ==
  CHOOSE j \in 0..k : /\ \A i \in 1..j : Understands(v, log[i])
                      /\ j = k \/ ~ Understands(v, log[j + 1])

Init ==
  /\ log = << >> /\ answers = {}
  /\ software = First /\ changed = [n \in Node |-> 0]
  /\ written = [n \in Node |-> 0] /\ applied = [n \in Node |-> 0]
  /\ state = [n \in Node |-> << >>]

-------------------------------------------------------------------------------
\* Node n leads, and has a command decided that it understands.  Whoever votes
\* need not understand it; but a majority must not be stopped.
Decide(n, c) ==
  /\ Len(log) < MaxSlot
  /\ c \notin Decided
  /\ ~ Stopped(n)
  /\ Understands(software[n], c)
  /\ Majority({m \in Node : ~ Stopped(m)})
  /\ log' = Append(log, c)
  /\ UNCHANGED <<software, changed, written, applied, state, answers>>

\* It writes down the next decision, and applies it.
Apply(n) ==
  /\ ~ Stopped(n)
  /\ applied[n] < Len(log)
  /\ Understands(software[n], log[applied[n] + 1])
  /\ written' = [written EXCEPT ![n] = @ + 1]
  /\ applied' = [applied EXCEPT ![n] = @ + 1]
  /\ state' = [state EXCEPT ![n] = Append(@, log[applied[n] + 1])]
  /\ UNCHANGED <<log, software, changed, answers>>

\* It writes down the next decision, which it does not understand, and stops.
Stop(n) ==
  /\ ~ Stopped(n)
  /\ applied[n] < Len(log)
  /\ ~ Understands(software[n], log[applied[n] + 1])
  /\ written' = [written EXCEPT ![n] = @ + 1]
  /\ applied' = applied                  \* it does not skip it
  /\ UNCHANGED <<log, software, changed, state, answers>>

\* It is started with software of another version, newer or older, and makes
\* anew of what it wrote down what that understands.
Start(n, v) ==
  /\ v # software[n]
  /\ changed[n] < Changes[n]
  /\ software' = [software EXCEPT ![n] = v]
  /\ changed' = [changed EXCEPT ![n] = @ + 1]
  /\ applied' = [applied EXCEPT ![n] = Readable(v, written[n])]
  /\ state' = [state EXCEPT ![n] = SubSeq(log, 1, Readable(v, written[n]))]
  /\ UNCHANGED <<log, written, answers>>

\* It answers a read from what it made of the log.
Read(n) ==
  /\ ~ Stopped(n)
  /\ answers' = answers \cup {[slot |-> applied[n], saw |-> state[n]]}
  /\ UNCHANGED <<log, software, changed, written, applied, state>>

Next ==
  \/ \E n \in Node, c \in Command : Decide(n, c)
  \/ \E n \in Node : Apply(n)
  \/ \E n \in Node : Stop(n)
  \/ \E n \in Node, v \in Version : Start(n, v)
  \/ \E n \in Node : Read(n)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ Decided \subseteq Command /\ Len(log) <= MaxSlot
  /\ \A n \in Node :
       /\ software[n] \in Version /\ changed[n] \in 0..Changes[n]
       /\ written[n] \in 0..Len(log) /\ applied[n] \in 0..written[n]
       /\ written[n] <= applied[n] + 1 \/ changed[n] > 0

\* Nodes that applied the same decisions are in the same state: none ever skipped
\* one, whatever software it had.
NeverForks ==
  \A n, m \in Node : applied[n] = applied[m] => state[n] = state[m]

\* A node is in the state that the log leads to.
StateIsTheLogs == \A n \in Node : state[n] = SubSeq(log, 1, applied[n])

\* It made nothing of what its software does not understand.
AppliesWhatItUnderstands ==
  \A n \in Node : \A i \in DOMAIN state[n] : Understands(software[n], state[n][i])

\* Reads are answered from the log, whoever answers.
ReadsAgree == \A a, b \in answers : a.slot = b.slot => a.saw = b.saw

-------------------------------------------------------------------------------
ReachStopped     == \E n \in Node : Stopped(n) /\ changed[n] = 0
ReachWithoutIt   == \E n \in Node : Stopped(n) /\ Len(log) > written[n]
ReachGoesOn      == \E n \in Node : /\ changed[n] > 0 /\ software[n] > First[n]
                                    /\ applied[n] = Len(log) /\ Len(log) = MaxSlot
                                    /\ \E i \in DOMAIN log : Needs[log[i]] > First[n]
ReachRolledBack  == \E n \in Node : Stopped(n) /\ software[n] < First[n]
ReachStandsStill == ~ Majority({n \in Node : ~ Stopped(n)})
===============================================================================
