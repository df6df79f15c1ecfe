--------------------------------- MODULE Cell ---------------------------------
(* The cell: messages, disks, crashes, and one ballot for all slots.  This is  *)
(* the lowest rung, and its actions are the steps of the code, in the order    *)
(* of docs/steps.md: Multi-Paxos with a distinguished proposer, decisions      *)
(* applied in order, and Lamport's alpha for configuration changes.            *)
(*                                                                             *)
(* Refines Ballots, which sees only what was sent; how a step's messages get   *)
(* out is in Outbox.  Message sets grow for ever: a lost message is one that   *)
(* nobody reacts to, a duplicate is one that is reacted to twice, and every    *)
(* order of reaction is allowed.  Prepares and proposals reach those whom they *)
(* are addressed `to`.  A decision has none: whoever knows it (`by`) tells it  *)
(* to whoever asks, so that everyone but its author may hear it.               *)
(* Leaves out: what raises a floor, which is in Teaching; reads outside the    *)
(* log, in Reads; leases.  Too wide in one place: a proposer that was removed, and alone *)
(* knows a decision, is asked by nobody outside its own window.                *)
(* Mirrored by spec/cell.py; performed by physalia/cell.                       *)
EXTENDS Outbox
CONSTANTS
  Owner,      \* ballot -> the one node that may use it
  Audience,   \* ballot -> nodes that its prepares and proposals reach: a bound
  Strays,     \* nodes that they reach even if they are addressed to others
  Learners    \* nodes that decisions reach: a bound

ASSUME /\ Owner \in [Ballot -> Nodes] /\ Audience \in [Ballot -> SUBSET Nodes]
       /\ First \cup Strays \cup Learners \cup Mortals \subseteq Nodes

-------------------------------------------------------------------------------
FirstUnknown(n)  == Len(known[n]) + 1
MembersOf(n, i)  == Members(known[n], i)     \* as far as n knows
Window(n)        == FirstUnknown(n)..(Len(known[n]) + Alpha)
Reaches(m, n)    == n \in Audience[m.ballot] /\ n \in m.to \cup Strays
Proposals(n)     == proposals \cup Waiting("proposals", n)     \* as n knows
IsProposed(b, i) == \E m \in Proposals(Owner[b]) : m.ballot = b /\ m.slot = i
Voters(b, i)     == {m.node : m \in {w \in votes : w.ballot = b /\ w.slot = i}}
Yielding(n, b)   == [active EXCEPT ![n] = IF @ < b THEN 0 ELSE @]

\* n is about to know `log`: if it leads, whoever is new in the window is sent
\* the prepare, as it was.
Invitation(n, log) ==
  LET asks == {m \in prepares \cup Waiting("prepares", n) : m.ballot = active[n]}
      new  == Members(log, Len(log) + Alpha) \ UNION {m.to : m \in asks}
  IN  {[m EXCEPT !.to = new] : m \in {x \in asks : new # {}}}

\* A client, or the control plane, asks for a command.
Issue(c) ==
  /\ c \notin asked
  /\ asked' = asked \cup {c}
  /\ UNCHANGED <<sent, memory, queue, disk, kept>>

\* A node takes over.  It must be a member as far as it knows (R3), and a ballot
\* is used once in its life, which the disk remembers.
Prepare(b) ==
  /\ b \notin Used(Owner[b])
  /\ promised[Owner[b]] < b
  /\ active[Owner[b]] < b
  /\ Owner[b] \in MembersOf(Owner[b], FirstUnknown(Owner[b]))
  /\ active' = [active EXCEPT ![Owner[b]] = b]
  /\ Store(Owner[b], [used |-> b], [Nothing EXCEPT !.prepares =
       {[ballot |-> b, prefix |-> Len(known[Owner[b]]),
         to |-> UNION {MembersOf(Owner[b], i) : i \in Window(Owner[b])}]}])
  /\ UNCHANGED <<asked, promised, accepted, known>>

Answered(n, b) ==
  \E m \in promises \cup Waiting("promises", n) : m.ballot = b /\ m.node = n

\* One promise for all slots, with every vote above the proposer's prefix (R2).
\* Not `promised[n] < b`: a node that voted under b before it was asked must be
\* able to answer.  It answers once; after a crash it could not say the same.
Promise(n, b) ==
  /\ promised[n] <= b                            \* not <, see above
  /\ \E m \in prepares :
       /\ m.ballot = b /\ Reaches(m, n)
       /\ ~ Answered(n, b)
       /\ Store(n, [promised |-> b], [Nothing EXCEPT !.promises =
            {[ballot |-> b, node |-> n, floor |-> Floor(n), accepted |->
               {[slot |-> i, ballot |-> accepted[n][i].ballot,
                 value |-> accepted[n][i].value] :
                  i \in {j \in Slot : j > m.prefix /\ accepted[n][j] # NoVote}}]}])
  /\ promised' = [promised EXCEPT ![n] = b]
  /\ active' = Yielding(n, b)
  /\ UNCHANGED <<asked, accepted, known>>

\* What b may put into slot i when a majority reported no vote there: a command
\* that waits, or the no-op if i is a hole below something that was voted for.
Free(b, i, v) ==
  IF v = NoOp
  THEN \E m \in promises : m.ballot = b /\ \E r \in m.accepted : r.slot > i
  ELSE /\ v \in asked
       /\ \A j \in 1..Len(known[Owner[b]]) : known[Owner[b]][j] # v
       /\ ~ \E m \in Proposals(Owner[b]) : m.ballot = b /\ m.value = v

\* R3, slot by slot: phase 1 is done once for all slots, but the majority that
\* counts is one of the configuration *of this slot*.  The value is the highest
\* vote among the reports of exactly the majority that is counted.
Allowed(b, i, v) ==
  \E Q \in Majorities(MembersOf(Owner[b], i)) :
    LET heard   == {m \in promises : m.ballot = b /\ m.floor < i /\ m.node \in Q}
        reports == {r \in UNION {m.accepted : m \in heard} : r.slot = i}
    IN  /\ Q = {m.node : m \in heard}
        /\ IF reports = {} THEN Free(b, i, v)
           ELSE \E r \in reports :
                  r.value = v /\ \A s \in reports : s.ballot <= r.ballot

\* In order, inside the window: beyond it the configuration of the slot is not
\* known yet (R1).
Propose(b, i, v) ==
  /\ active[Owner[b]] = b                        \* who leads proposes
  /\ i \in Window(Owner[b])
  /\ ~ IsProposed(b, i)
  /\ \A j \in FirstUnknown(Owner[b])..(i - 1) : IsProposed(b, j)
  /\ Allowed(b, i, v)
  /\ Say(Owner[b], [Nothing EXCEPT !.proposals =
       {[ballot |-> b, slot |-> i, value |-> v, to |-> MembersOf(Owner[b], i)]}])
  /\ UNCHANGED <<asked, memory>>

\* An acceptor needs to know no configuration: who counts, judges membership.
\* The vote raises the promise (R4): a lower ballot is over for all slots.
Vote(n, b, i) ==
  /\ promised[n] <= b                            \* it left no such ballot
  /\ accepted[n][i].ballot < b /\ Floor(n) < i
  /\ \E m \in proposals :
       /\ m.ballot = b /\ m.slot = i /\ Reaches(m, n)
       /\ Store(n, [ballot |-> b, slot |-> i, value |-> m.value], [Nothing EXCEPT
            !.votes = {[ballot |-> b, slot |-> i, node |-> n]}])
       /\ accepted' =
            [accepted EXCEPT ![n][i] = [ballot |-> b, value |-> m.value]]
  /\ promised' = [promised EXCEPT ![n] = b]      \* a vote is a promise too
  /\ active' = Yielding(n, b)
  /\ UNCHANGED <<asked, known>>

\* A majority of the slot's configuration voted under one ballot.  In order, so
\* the proposer can apply at once and tell the client what came of it (R5).
\* What it knows is written without waiting for a flush: nothing depends on it.
Decide(b, i) ==
  /\ active[Owner[b]] = b                        \* who leads decides
  /\ i = FirstUnknown(Owner[b])
  /\ IsMajority(Voters(b, i), MembersOf(Owner[b], i))
  /\ \E m \in proposals :
       /\ m.ballot = b /\ m.slot = i
       /\ known' = [known EXCEPT ![Owner[b]] = Append(@, m.value)]
       /\ Say(Owner[b], [Nothing EXCEPT
            !.decisions = {[slot |-> i, value |-> m.value, by |-> Owner[b]]},
            !.prepares = Invitation(Owner[b], known'[Owner[b]]),
            !.told = IF m.value = NoOp THEN {}
                     ELSE {[command |-> m.value, verdict |->
                              After(known'[Owner[b]]).verdicts[m.value]]}])
  /\ UNCHANGED <<asked, promised, accepted, active>>

\* A decision of somebody else, taken in order.  One for a later slot waits.
Learn(n, i) ==
  /\ n \in Learners
  /\ i = FirstUnknown(n)
  /\ \E m \in decisions :
       /\ m.slot = i /\ m.by # n
       /\ known' = [known EXCEPT ![n] = Append(@, m.value)]
       /\ Say(n, [Nothing EXCEPT !.decisions = {[m EXCEPT !.by = n]},
                                 !.prepares = Invitation(n, known'[n])])
  /\ UNCHANGED <<asked, promised, accepted, active>>

\* The first entry is on the disk, and what it has to say is sent.
Flush(n) ==
  /\ queue[n] # << >>
  /\ queue' = [queue EXCEPT ![n] = Tail(@)]
  /\ disk' = [disk EXCEPT ![n] = Flushed(@, Head(queue[n]).records)]
  /\ kept' = [kept EXCEPT ![n] =
                IF Head(queue[n]).records = << >> THEN @ ELSE KeptBy(Head(queue[n]))]
  /\ Send(Head(queue[n]).sends)
  /\ UNCHANGED <<asked, memory>>

\* A crash and the restart, which finds what was flushed, and perhaps more of the
\* decisions: k of them.  They are flushed before anything depends on them (R16).
\* Had the disk kept something of what waits, it would have been a flush, and
\* what it has to say was lost.
Crash(n, k) ==
  /\ n \in Mortals
  /\ kept[n] <= k
  /\ k <= IF queue[n] = << >> THEN Len(known[n]) ELSE Head(queue[n]).known
  /\ ~ (active[n] = 0 /\ queue[n] = << >> /\ kept[n] = Len(known[n]))
                                                 \* something is lost or found
  /\ promised' = [promised EXCEPT ![n] = disk[n].promised]
  /\ accepted' = [accepted EXCEPT ![n] = disk[n].accepted]
  /\ active' = [active EXCEPT ![n] = 0]
  /\ known' = [known EXCEPT ![n] = SubSeq(@, 1, k)]
  /\ queue' = [queue EXCEPT ![n] = << >>]
  /\ kept' = [kept EXCEPT ![n] = k]
  /\ UNCHANGED <<asked, sent, disk>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E b \in Ballot : Prepare(b)
  \/ \E n \in Nodes, b \in Ballot : Promise(n, b)
  \/ \E b \in Ballot, i \in Slot, v \in Value : Propose(b, i, v)
  \/ \E n \in Nodes, b \in Ballot, i \in Slot : Vote(n, b, i)
  \/ \E b \in Ballot, i \in Slot : Decide(b, i)
  \/ \E n \in Nodes, i \in Slot : Learn(n, i)
  \/ \E n \in Nodes : Flush(n)
  \/ \E n \in Nodes, k \in 0..MaxSlot : Crash(n, k)

Spec == Init /\ [][Next]_vars
===============================================================================
