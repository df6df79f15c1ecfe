----------------------------- MODULE CellProperties ----------------------------
(* What is true of the cell in every state.  The refinement of Ballots implies *)
(* agreement; the invariants say the same from below, name what went wrong,    *)
(* and hold in models that are too large for the refinement.                   *)
(*                                                                             *)
(* A configuration here is always that of the *decided* log, which no node may *)
(* know: so these invariants judge what nodes did from what they knew.         *)
(* Leaves out: progress, which is in the three liveness models.                *)
(* Mirrored by the invariants of spec/cell.py.                                 *)
EXTENDS Cell

RECURSIVE DecidedFrom(_)
DecidedFrom(i) ==
  LET values == {d.value : d \in {e \in decisions : e.slot = i}}
  IN  IF values = {} THEN << >>
      ELSE <<CHOOSE v \in values : TRUE>> \o DecidedFrom(i + 1)

DecidedLog == DecidedFrom(1)

Promisers(b) == {m.node : m \in {p \in promises : p.ballot = b}}

-------------------------------------------------------------------------------
Report == [slot : Slot, ballot : Ballot, value : Value]

TypeOK ==
  /\ asked \subseteq Command
  /\ \A t \in told : t.command \in asked
  /\ prepares \subseteq [ballot : Ballot, prefix : 0..MaxSlot, to : SUBSET Nodes]
  /\ \A m \in promises : /\ m.ballot \in Ballot /\ m.node \in Nodes
                         /\ m.accepted \subseteq Report /\ m.floor \in 0..MaxSlot
  /\ proposals \subseteq
       [ballot : Ballot, slot : Slot, value : Value, to : SUBSET Nodes]
  /\ votes \subseteq [ballot : Ballot, slot : Slot, node : Nodes]
  /\ decisions \subseteq [slot : Slot, value : Value, by : Nodes]
  /\ promised \in [Nodes -> 0..MaxBallot]
  /\ \A n \in Nodes, i \in Slot : accepted[n][i] = NoVote \/
       (accepted[n][i].ballot \in Ballot /\ accepted[n][i].value \in Value)
  /\ active \in [Nodes -> 0..MaxBallot]
  /\ \A n \in Nodes : known[n] \in Seq(Value) /\ Len(known[n]) <= MaxSlot
  /\ \A n \in Nodes : \A j \in DOMAIN queue[n] :
       Len(queue[n][j].records) <= 1 /\ queue[n][j].known \in 0..MaxSlot
  /\ \A n \in Nodes : \A b \in disk[n].used : Owner[b] = n
  /\ \A n \in Nodes : disk[n].floor \in 0..MaxSlot
  /\ kept \in [Nodes -> 0..MaxSlot]

\* What all this is for: never two values for one slot.
Agreement ==
  \A d, e \in decisions : d.slot = e.slot => d.value = e.value

\* Never two values for one ballot and slot.
OneValuePerBallot ==
  \A p, q \in proposals : p.ballot = q.ballot /\ p.slot = q.slot => p = q

\* A ballot is used once in its life, whatever crashes.
BallotsUsedOnce ==
  \A m, k \in prepares : m.ballot = k.ballot => m.prefix = k.prefix

\* A node leads only under a ballot of its own that it used, and under none that
\* it has promised to leave behind.
LeadersOwn ==
  \A n \in Nodes : active[n] # 0 =>
    /\ Owner[active[n]] = n
    /\ active[n] \in Used(n)
    /\ promised[n] <= active[n]

\* A node took over only as a member of the first slot that it did not know (R3).
PreparesByMembers ==
  LET log == DecidedLog
  IN  \A m \in prepares : Owner[m.ballot] \in Members(log, m.prefix + 1)

\* A node gives a ballot up for a higher one, or for none.
BallotsRise ==
  [][\A n \in Nodes : active'[n] = 0 \/ active[n] <= active'[n]]_vars

\* Only who leads a ballot proposes under it, and decides; others are told.
LeadersAct ==
  [][\A n \in Nodes :
       /\ \A m \in Proposals(n)' \ Proposals(n) :
            Owner[m.ballot] = n => active[n] = m.ballot
       /\ Len(known'[n]) > Len(known[n]) =>
            \/ active[n] # 0
            \/ \E d \in decisions : d.slot = Len(known'[n]) /\ d.by # n]_vars

\* What a node sent, its disk stands for.
PreparesKept ==
  \A m \in prepares :
    /\ m.ballot \in disk[Owner[m.ballot]].used
    /\ Owner[m.ballot] \in Mortals => m.prefix <= kept[Owner[m.ballot]]

PromiseCoversVotes ==
  /\ \A m \in promises : m.ballot <= disk[m.node].promised
  /\ \A w \in votes : w.ballot <= disk[w.node].promised

VotesKept ==
  \A w \in votes : \/ w.ballot <= disk[w.node].accepted[w.slot].ballot
                   \/ w.slot <= disk[w.node].floor

\* What a node remembers, its disk has or will have.
MemoryWritten ==
  \A n \in Nodes :
    /\ AllFlushed(disk[n], queue[n]).promised = promised[n]
    /\ AllFlushed(disk[n], queue[n]).accepted = accepted[n]
    /\ kept[n] <= Len(known[n])

WasProposed(b, i, v) ==
  \E p \in proposals : p.ballot = b /\ p.slot = i /\ p.value = v

VotesProposed ==
  \A n \in Nodes, i \in Slot : accepted[n][i] # NoVote =>
    WasProposed(accepted[n][i].ballot, i, accepted[n][i].value)

\* A node answers a ballot once, so that it is believed for one thing.
PromisesOnce ==
  \A m, k \in promises : m.ballot = k.ballot /\ m.node = k.node => m = k

\* A promise tells every lower vote above its floor and the prefix that it was
\* asked about, and tells nothing but votes there.
PromisesReport ==
  \A m \in promises :
    /\ \A w \in votes : w.node = m.node /\ w.ballot < m.ballot =>
         \/ \E p \in prepares : p.ballot = m.ballot /\ w.slot <= p.prefix
         \/ w.slot <= m.floor
         \/ \E r \in m.accepted : r.slot = w.slot /\ w.ballot <= r.ballot
    /\ \A r \in m.accepted :
         /\ [ballot |-> r.ballot, slot |-> r.slot, node |-> m.node] \in votes
         /\ WasProposed(r.ballot, r.slot, r.value)
         /\ \E p \in prepares : p.ballot = m.ballot /\ p.prefix < r.slot

\* Phase 1 in the configuration of the very slot, and inside the window.
ProposalsPromised ==
  LET log == DecidedLog
  IN  \A p \in proposals :
        /\ p.slot <= Len(log) + Alpha
        /\ IsMajority(Promisers(p.ballot), Members(log, p.slot))

\* Nobody is given what nobody asked for; a no-op lies below a reported vote.
ProposalsWanted ==
  \A p \in proposals :
    IF p.value # NoOp THEN p.value \in asked
    ELSE \E m \in promises : /\ m.ballot <= p.ballot
                             /\ \E r \in m.accepted : r.slot > p.slot

\* Who is free to choose gives no command a second place, as far as it knows:
\* none that was decided when it took over, or that it has proposed before.
WasReported(p) ==
  \E m \in promises : /\ m.ballot = p.ballot
                      /\ \E r \in m.accepted : r.slot = p.slot /\ r.value = p.value

ProposalsFresh ==
  \A p \in proposals : p.value = NoOp \/ WasReported(p) \/
    /\ \A m \in prepares, d \in decisions :
         m.ballot = p.ballot /\ d.slot <= m.prefix => d.value # p.value
    /\ \A q \in proposals :
         q.ballot = p.ballot /\ q.slot < p.slot => q.value # p.value

\* Phase 2 in the configuration of the very slot.
DecisionsChosen ==
  LET log == DecidedLog
  IN  \A d \in decisions : \E p \in proposals :
        /\ p.slot = d.slot /\ p.value = d.value
        /\ IsMajority(Voters(p.ballot, p.slot), Members(log, p.slot))

KnownDecided ==
  \A n \in Nodes : \A i \in DOMAIN known[n] :
    [slot |-> i, value |-> known[n][i], by |-> n]
      \in decisions \cup Waiting("decisions", n)

\* What clients were told is what the decided log says.
VerdictsTrue ==
  LET verdicts == After(DecidedLog).verdicts
  IN  \A t \in told : /\ t.command \in DOMAIN verdicts
                      /\ t.verdict = verdicts[t.command]

-------------------------------------------------------------------------------
Highest(S) == IF S = {} THEN 0 ELSE CHOOSE x \in S : \A y \in S : y <= x

\* Ballots sees what was sent, and nothing else: `left` is read off the messages.
B == INSTANCE Ballots WITH
  left <- [n \in Nodes |->
    Highest({m.ballot : m \in {p \in promises : p.node = n}} \cup
            {w.ballot : w \in {x \in votes : x.node = n}})],
  proposals <- {[ballot |-> p.ballot, slot |-> p.slot, value |-> p.value] :
                  p \in proposals}

\* That is B!Spec.  TLC asks of a step first what stands first, and most steps of
\* a cell change nothing that Ballots sees.
RefinesBallots == B!Init /\ [][UNCHANGED B!vars \/ B!Next]_(B!vars)
===============================================================================
