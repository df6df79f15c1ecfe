-------------------------------- MODULE Ballots --------------------------------
(* Votes and majorities: why ballots agree.  A node leaves lower ballots       *)
(* behind; a value may be proposed under a ballot only if a majority of the    *)
(* slot's configuration has left all lower ballots and the votes of that       *)
(* majority show the value to be safe.  A slot's value is chosen when a        *)
(* majority of its configuration voted for it under one ballot.                *)
(*                                                                             *)
(* Rules: R3 (Propose, Safe), R4 (Vote; who counts, judges membership).        *)
(* Refines Window.  Everything here is visible in what nodes send, so a crash  *)
(* below is no step here; and a proposer is free where the cell below has a    *)
(* policy: which ballot, which open slot, which safe value.                    *)
(* Leaves out: messages, disks, what each node knows, who owns a ballot.       *)
(* Mirrored by spec/ballots.py; refined by Cell.                               *)
EXTENDS Commands

CONSTANTS
  Nodes,       \* 1..n
  MaxBallot,   \* bound
  MaxSlot,     \* bound
  Early        \* commands asked before the first step: a bound

VARIABLES
  asked, told,
  left,        \* node -> the highest ballot in a promise or a vote it sent
  proposals,   \* {[ballot, slot, value]}
  votes        \* {[ballot, slot, node]}

vars == <<asked, told, left, proposals, votes>>

Ballot == 1..MaxBallot     \* 0 is no ballot
Slot   == 1..MaxSlot

Init ==
  /\ asked = Early /\ told = {}
  /\ left = [n \in Nodes |-> 0]
  /\ proposals = {} /\ votes = {}

-------------------------------------------------------------------------------
Voters(b, i) == {w.node : w \in {x \in votes : x.ballot = b /\ x.slot = i}}

\* What the members voted for in slot i, under one ballot, by majority.
ChosenBy(members, i) ==
  {p.value : p \in {q \in proposals :
     q.slot = i /\ IsMajority(Voters(q.ballot, i), members)}}

\* Slot by slot, because what is chosen in a slot may decide who chooses in a
\* later one.
RECURSIVE ChosenLog(_)
ChosenLog(log) ==
  LET values == ChosenBy(Members(log, Len(log) + 1), Len(log) + 1)
  IN  IF values = {} THEN log
      ELSE CHOOSE longer \in {ChosenLog(Append(log, v)) : v \in values} : TRUE

Prefix == ChosenLog(<< >>)

\* The votes of Q below b say what may have been chosen below b: nothing but the
\* value of the highest ballot among them.  A value that was *proposed* at or
\* above that ballot is as good: a vote may be on a disk and lost on its way.
Safe(Q, b, i, v) ==
  LET cast == {w \in votes : w.slot = i /\ w.node \in Q /\ w.ballot < b}
  IN  IF cast = {} THEN v \in asked \cup {NoOp}
      ELSE \E p \in proposals :
             /\ p.slot = i /\ p.ballot < b /\ p.value = v
             /\ \A w \in cast : w.ballot <= p.ballot

Issue(c) ==
  /\ c \notin asked
  /\ asked' = asked \cup {c}
  /\ UNCHANGED <<told, left, proposals, votes>>

\* A promise: n will not vote below b any more.
Leave(n, b) ==
  /\ left[n] < b
  /\ left' = [left EXCEPT ![n] = b]
  /\ UNCHANGED <<asked, told, proposals, votes>>

\* One value for a ballot and a slot, inside the window, safe by a majority of
\* the configuration of this very slot.
Propose(b, i, v) ==
  /\ ~ \E p \in proposals : p.ballot = b /\ p.slot = i
  /\ i <= Len(Prefix) + Alpha
  /\ \E Q \in Majorities(Members(Prefix, i)) :
       /\ \A n \in Q : left[n] >= b
       /\ Safe(Q, b, i, v)
  /\ proposals' = proposals \cup {[ballot |-> b, slot |-> i, value |-> v]}
  /\ UNCHANGED <<asked, told, left, votes>>

\* Not only members vote: the majority is counted among members.
Vote(n, b, i) ==
  /\ left[n] <= b
  /\ \E p \in proposals : p.ballot = b /\ p.slot = i
  /\ [ballot |-> b, slot |-> i, node |-> n] \notin votes
  /\ votes' = votes \cup {[ballot |-> b, slot |-> i, node |-> n]}
  /\ left' = [left EXCEPT ![n] = b]     \* a vote leaves lower ballots too
  /\ UNCHANGED <<asked, told, proposals>>

Answer(c) ==
  /\ \E k \in DOMAIN Prefix : Prefix[k] = c
  /\ \A t \in told : t.command # c
  /\ told' = told \cup {[command |-> c, verdict |-> VerdictOn(Prefix, c)]}
  /\ UNCHANGED <<asked, left, proposals, votes>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E n \in Nodes, b \in Ballot : Leave(n, b)
  \/ \E b \in Ballot, i \in Slot, v \in Value : Propose(b, i, v)
  \/ \E n \in Nodes, b \in Ballot, i \in Slot : Vote(n, b, i)
  \/ \E c \in Command : Answer(c)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ asked \subseteq Command
  /\ \A t \in told : t.command \in asked
  /\ left \in [Nodes -> 0..MaxBallot]
  /\ proposals \subseteq [ballot : Ballot, slot : Slot, value : Value]
  /\ votes \subseteq [ballot : Ballot, slot : Slot, node : Nodes]

\* Never two values for one ballot and slot.
OneValuePerBallot ==
  \A p, q \in proposals : p.ballot = q.ballot /\ p.slot = q.slot => p = q

VotesProposed ==
  \A w \in votes : \E p \in proposals : p.ballot = w.ballot /\ p.slot = w.slot

LeftCoversVotes == \A w \in votes : w.ballot <= left[w.node]

OneValueChosen ==
  \A i \in Slot : i <= Len(Prefix) + Alpha =>
    Cardinality(ChosenBy(Members(Prefix, i), i)) <= 1

\* The heart of it: when v was proposed under b, no other value was or can ever
\* be chosen under a lower ballot, since a majority would have to vote there and
\* every majority has a member that left or that voted otherwise.
ProposalsSafe ==
  \A p \in proposals, c \in Ballot :
    c < p.ballot =>
      \E Q \in Majorities(Members(Prefix, p.slot)) : \A n \in Q :
        IF [ballot |-> c, slot |-> p.slot, node |-> n] \in votes
        THEN [ballot |-> c, slot |-> p.slot, value |-> p.value] \in proposals
        ELSE left[n] > c

\* What was chosen, in the open slots.
Chosen ==
  LET log       == Prefix
      values(i) == IF i > Len(log) + Alpha THEN {} ELSE ChosenBy(Members(log, i), i)
  IN  [i \in Slot |-> IF values(i) = {} THEN "none"
                      ELSE CHOOSE v \in values(i) : TRUE]

W == INSTANCE Window WITH chosen <- Chosen
\* That is W!Spec; most steps change nothing that Window sees, and TLC asks that
\* first here.
RefinesWindow == W!Init /\ [][UNCHANGED W!vars \/ W!Next]_(W!vars)
===============================================================================
