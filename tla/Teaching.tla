------------------------------- MODULE Teaching -------------------------------
(* Forgetting, and being taught what others forgot: the cell, and two steps    *)
(* more.  A node writes a snapshot of all that it knows, and drops its votes   *)
(* and the entries of its log up to a slot of its choice, its floor.  A node   *)
(* that lacks what nobody keeps any more installs a snapshot of somebody else: *)
(* it jumps over many slots at once, and its floor is where it lands.          *)
(*                                                                             *)
(* A snapshot is all decisions of one node up to a slot, so no message is      *)
(* needed for it here: whoever said all of these may send it.  It holds what   *)
(* the log leads to, and never promises or votes, which are nobody else's.     *)
(*                                                                             *)
(* Why a floor is safe: what is at or below it is decided, so that a promise   *)
(* from above it says nothing of the slot, and is not counted there (R3).  Who *)
(* is counted, a majority, has a member that voted for what was decided.       *)
(*                                                                             *)
(* Rules: R3 (a truncated slot is never free), R9 (teaching by snapshot), R10  *)
(* (truncation).  Takes the steps of Cell, and refines what Cell refines.      *)
(* Leaves out: chunks, and which teacher is asked; when it is worth while.     *)
(* Mirrored by spec/teaching.py; performed by physalia/cell.                   *)
EXTENDS CellWitnesses
CONSTANTS
  Truncators, \* nodes that may truncate: a bound
  Students    \* nodes that may be taught by a snapshot: a bound

ASSUME Truncators \cup Students \subseteq Nodes

-------------------------------------------------------------------------------
\* n writes down all that it knows, and forgets what it voted on up to slot i.
\* The snapshot is durable before anything that is said from here on (R10).
Truncate(n, i) ==
  /\ n \in Truncators
  /\ Floor(n) < i
  /\ i <= Len(known[n])
  /\ accepted' = [accepted EXCEPT ![n] = Above(@, i)]
  /\ Store(n, [floor |-> i], Nothing)
  /\ UNCHANGED <<asked, promised, active, known>>

\* Whose decisions up to slot i are said, all of them.
Teachers(i) ==
  {t \in Nodes : \A j \in 1..i : \E d \in decisions : d.slot = j /\ d.by = t}

Lesson(i) == [j \in 1..i |-> (CHOOSE d \in decisions : d.slot = j).value]

\* n is taught everything up to slot i by the snapshot of another node.  Votes
\* above i survive.  Whoever led does so no more: it cannot tell what became of
\* its own proposals in the slots that it jumped over.
Install(n, i) ==
  /\ n \in Students
  /\ Len(known[n]) < i
  /\ Teachers(i) \ {n} # {}
  /\ accepted' = [accepted EXCEPT ![n] = Above(accepted[n], i)]
  /\ active' = [active EXCEPT ![n] = 0]
  /\ known' = [known EXCEPT ![n] = Lesson(i)]
  /\ Store(n, [floor |-> i], [Nothing EXCEPT !.decisions =
       {[slot |-> j, value |-> Lesson(i)[j], by |-> n] :
          j \in (Len(known[n]) + 1)..i}])
  /\ UNCHANGED <<asked, promised>>

NextOrTeach ==
  \/ Next
  \/ \E n \in Nodes, i \in Slot : Truncate(n, i)
  \/ \E n \in Nodes, i \in Slot : Install(n, i)

TeachingSpec == Init /\ [][NextOrTeach]_vars

-------------------------------------------------------------------------------
\* How many decisions no crash of n can take.
Durable(n) == IF n \in Mortals THEN kept[n] ELSE Len(known[n])

\* What a node forgot it knows, and its disk holds a snapshot of it.
FloorsKnown ==
  \A n \in Nodes : Floor(n) <= Len(known[n]) /\ disk[n].floor <= Durable(n)

\* A floor that somebody heard of tells that everything below is decided.
FloorsDecided == \A m \in promises : m.floor <= Len(DecidedLog)

\* Nothing is voted on, or kept, at or below a floor.
VotesAboveFloors ==
  \A n \in Nodes : accepted[n] = Above(accepted[n], Floor(n))

\* What a majority of the slot's configuration voted for under b.
Chosen(log, b, i) ==
  /\ i <= Len(log) + Alpha
  /\ IsMajority(Voters(b, i), Members(log, i))

\* n holds what was chosen in slot i under b: in what it learned, or by a vote.
Holds(n, b, i) == i <= Durable(n) \/ b <= disk[n].accepted[i].ballot

\* Disks that may be lost: in every configuration so far, less than half.
Losses ==
  LET log    == DecidedLog
      juries == {Members(log, i) : i \in 1..(Len(log) + Alpha)}
  IN  {lost \in SUBSET Nodes : \A members \in juries :
         2 * Cardinality(lost \cap members) < Cardinality(members)}

\* Each chosen slot is held by somebody in each of these sets.
HeldInEach(sets) ==
  LET log == DecidedLog
  IN  \A b \in Ballot, i \in Slot : Chosen(log, b, i) =>
        \A nodes \in sets : \E n \in nodes : Holds(n, b, i)

\* Whatever disks are lost, as long as no configuration loses half of its own,
\* each chosen slot is held by a node that has its disk.
Recoverable == HeldInEach({Nodes \ lost : lost \in Losses})

-------------------------------------------------------------------------------
\* A promise from above a slot that its ballot works on.
ReachFloorTold == \E m \in promises, p \in proposals :
  m.ballot = p.ballot /\ p.slot <= m.floor

\* Without the promise that tells a floor there is a majority that reports.
ReachReproposalBelow == \E m \in promises, p \in proposals :
  /\ m.ballot = p.ballot /\ p.slot <= m.floor
  /\ \E d \in decisions : d.slot = p.slot /\ d.by # Owner[p.ballot]

\* A proposer that truncated goes on.
ReachLeadsAbove == \E p \in proposals :
  Floor(Owner[p.ballot]) > 0 /\ Floor(Owner[p.ballot]) < p.slot

\* A node jumps over more than one slot, and over its own vote.
ReachJump == \E n \in Students : Floor(n) > 1 /\ n \notin Truncators

\* A vote from above survives the snapshot.
ReachVoteSurvives == \E n \in Students \ Truncators, i \in Slot :
  0 < Floor(n) /\ accepted[n][i] # NoVote

\* A leader is taught, and leads no more.
ReachLeaderTaught == \E n \in Students \ Truncators, m \in prepares :
  Owner[m.ballot] = n /\ m.prefix < Floor(n) /\ active[n] = 0

\* And takes over once more, from there.
ReachLeadsAgain == \E m, k \in prepares :
  /\ Owner[m.ballot] = Owner[k.ballot] /\ m.prefix < k.prefix
  /\ Floor(Owner[m.ballot]) = k.prefix

\* Nobody but one node, and its disk, has what a decided slot was voted on.
ReachLastVote == \E d \in decisions :
  Cardinality({n \in Nodes : disk[n].accepted[d.slot] # NoVote}) < 2

\* A snapshot waits to be flushed: a crash gives back what it dropped.
ReachSnapshotWaits == \E n \in Nodes : disk[n].floor < Floor(n)
===============================================================================
