--------------------------------- MODULE Cell ---------------------------------
(* The cell: messages, disks, crashes, and one ballot for all slots.  This is  *)
(* the lowest rung, and its actions are the steps of the code, in the order    *)
(* of docs/steps.md: Multi-Paxos with a distinguished proposer, decisions      *)
(* applied in order, and Lamport's alpha for configuration changes.            *)
(*                                                                             *)
(* Refines Ballots, which sees only what was sent.  Message sets grow for      *)
(* ever: a lost message is one that nobody reacts to, a duplicate is one that  *)
(* is reacted to twice, and every order of reaction is allowed.                *)
(* Leaves out: that a write, its flush and the sending are three moments (the  *)
(* three paragraphs of each action show where they will part); truncation      *)
(* (the floor of R2 is 0); teaching, reads outside the log, leases.            *)
(* Mirrored by spec/cell.py; performed by physalia/cell.                       *)
EXTENDS Commands
CONSTANTS
  Nodes,      \* 1..n
  MaxBallot,  \* bound
  MaxSlot,    \* bound
  Owner,      \* ballot -> the one node that may use it
  Audience,   \* ballot -> nodes that its prepares and proposals reach: a bound
  Learners,   \* nodes that notices of decision reach: a bound
  Mortals,    \* nodes that may crash: a bound
  Early       \* commands asked before the first step: a bound

VARIABLES
  asked, told,                                       \* clients
  prepares, promises, proposals, votes, decisions,   \* sent
  promised, accepted,                                \* durable, of each node
  active, known                                      \* volatile, of each node

clients  == <<asked, told>>
sent     == <<prepares, promises, proposals, votes, decisions>>
durable  == <<promised, accepted>>
volatile == <<active, known>>
vars     == <<clients, sent, durable, volatile>>

Ballot == 1..MaxBallot     \* 0 is no ballot
Slot   == 1..MaxSlot
NoVote == [ballot |-> 0, value |-> "none"]

ASSUME /\ Owner \in [Ballot -> Nodes] /\ Audience \in [Ballot -> SUBSET Nodes]
       /\ First \cup Learners \cup Mortals \subseteq Nodes

Init ==
  /\ asked = Early /\ told = {}
  /\ prepares = {} /\ promises = {}
  /\ proposals = {} /\ votes = {} /\ decisions = {}
  /\ promised = [n \in Nodes |-> 0]
  /\ accepted = [n \in Nodes |-> [i \in Slot |-> NoVote]]
  /\ active = [n \in Nodes |-> 0] /\ known = [n \in Nodes |-> << >>]

-------------------------------------------------------------------------------
FirstUnknown(n)  == Len(known[n]) + 1
MembersOf(n, i)  == Members(known[n], i)     \* as far as n knows
IsProposed(b, i) == \E m \in proposals : m.ballot = b /\ m.slot = i
Voters(b, i)     == {m.node : m \in {w \in votes : w.ballot = b /\ w.slot = i}}
Yielding(n, b)   == [active EXCEPT ![n] = IF @ < b THEN 0 ELSE @]

\* A client, or the control plane, asks for a command.
Issue(c) ==
  /\ c \notin asked
  /\ asked' = asked \cup {c}
  /\ UNCHANGED <<told, sent, durable, volatile>>

\* A node takes over.  It must be a member as far as it knows (R3), and a
\* ballot is used once in its life, which the disk remembers: here the message
\* itself stands for that record.
Prepare(b) ==
  /\ \A m \in prepares : m.ballot # b
  /\ promised[Owner[b]] < b
  /\ active[Owner[b]] < b
  /\ Owner[b] \in MembersOf(Owner[b], FirstUnknown(Owner[b]))
  \* durable: b is used
  /\ active' = [active EXCEPT ![Owner[b]] = b]
  \* sent
  /\ prepares' = prepares \cup
       {[ballot |-> b, prefix |-> Len(known[Owner[b]])]}
  /\ UNCHANGED <<clients, promises, proposals, votes, decisions, durable, known>>

\* One promise for all slots, with every vote above the proposer's prefix (R2).
\* Not `promised[n] < b`: a node that voted under b before it was asked must be
\* able to answer.  It answers once; after a crash it could not say the same.
Promise(n, b) ==
  /\ n \in Audience[b]
  /\ promised[n] <= b                            \* not <, see above
  /\ \A m \in promises : m.ballot # b \/ m.node # n
  /\ \E m \in prepares :
       /\ m.ballot = b
       \* sent, once what follows is durable
       /\ promises' = promises \cup
            {[ballot |-> b, node |-> n, floor |-> 0, accepted |->
               {[slot |-> i, ballot |-> accepted[n][i].ballot,
                 value |-> accepted[n][i].value] :
                  i \in {j \in Slot : j > m.prefix /\ accepted[n][j] # NoVote}}]}
  \* durable
  /\ promised' = [promised EXCEPT ![n] = b]
  \* volatile
  /\ active' = Yielding(n, b)
  /\ UNCHANGED <<clients, prepares, proposals, votes, decisions, accepted, known>>

\* What b may put into slot i when a majority reported no vote there: a command
\* that waits, or the no-op if i is a hole below something that was voted for.
Free(b, i, v) ==
  IF v = NoOp
  THEN \E m \in promises : m.ballot = b /\ \E r \in m.accepted : r.slot > i
  ELSE /\ v \in asked
       /\ \A j \in 1..Len(known[Owner[b]]) : known[Owner[b]][j] # v
       /\ \A m \in proposals : m.ballot # b \/ m.value # v

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

\* In order, inside the window: beyond Len(known) + Alpha the configuration of
\* the slot is not known yet (R1).
Propose(b, i, v) ==
  /\ active[Owner[b]] = b
  /\ FirstUnknown(Owner[b]) <= i /\ i <= Len(known[Owner[b]]) + Alpha
  /\ ~ IsProposed(b, i)
  /\ \A j \in FirstUnknown(Owner[b])..(i - 1) : IsProposed(b, j)
  /\ Allowed(b, i, v)
  \* sent
  /\ proposals' = proposals \cup {[ballot |-> b, slot |-> i, value |-> v]}
  /\ UNCHANGED <<clients, prepares, promises, votes, decisions, durable, volatile>>

\* An acceptor needs to know no configuration: who counts, judges membership.
\* The vote raises the promise (R4): a lower ballot is over for all slots.
Vote(n, b, i) ==
  /\ n \in Audience[b]
  /\ promised[n] <= b                            \* it left no such ballot
  /\ accepted[n][i].ballot < b
  /\ \E m \in proposals :
       /\ m.ballot = b /\ m.slot = i
       \* durable
       /\ accepted' =
            [accepted EXCEPT ![n][i] = [ballot |-> b, value |-> m.value]]
  /\ promised' = [promised EXCEPT ![n] = b]      \* a vote is a promise too
  \* volatile
  /\ active' = Yielding(n, b)
  \* sent
  /\ votes' = votes \cup {[ballot |-> b, slot |-> i, node |-> n]}
  /\ UNCHANGED <<clients, prepares, promises, proposals, decisions, known>>

\* A majority of the slot's configuration voted under one ballot.  In order, so
\* the proposer can apply at once and tell the client what came of it (R5).
Decide(b, i) ==
  /\ active[Owner[b]] = b
  /\ i = FirstUnknown(Owner[b])
  /\ IsMajority(Voters(b, i), MembersOf(Owner[b], i))
  /\ \E m \in proposals :
       /\ m.ballot = b /\ m.slot = i
       \* volatile
       /\ known' = [known EXCEPT ![Owner[b]] = Append(@, m.value)]
       \* sent
       /\ decisions' = decisions \cup {[slot |-> i, value |-> m.value]}
       /\ told' = told \cup
            IF m.value = NoOp THEN {}
            ELSE {[command |-> m.value,
                   verdict |-> After(known'[Owner[b]]).verdicts[m.value]]}
  /\ UNCHANGED <<asked, prepares, promises, proposals, votes, durable, active>>

\* A notice of decision, taken in order.  One for a later slot waits.
Learn(n, i) ==
  /\ n \in Learners
  /\ i = FirstUnknown(n)
  /\ \E m \in decisions :
       m.slot = i /\ known' = [known EXCEPT ![n] = Append(@, m.value)]
  /\ UNCHANGED <<clients, sent, durable, active>>

\* A crash and the restart.  Nothing that is sent depends on what a node knows,
\* so that is written without waiting for a flush: k says how much of it the
\* disk happened to keep.  The node leads nothing afterwards.
Crash(n, k) ==
  /\ n \in Mortals
  /\ k <= Len(known[n])
  /\ active[n] # 0 \/ k < Len(known[n])
  /\ active' = [active EXCEPT ![n] = 0]
  /\ known' = [known EXCEPT ![n] = SubSeq(@, 1, k)]
  /\ UNCHANGED <<clients, sent, durable>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E b \in Ballot : Prepare(b)
  \/ \E n \in Nodes, b \in Ballot : Promise(n, b)
  \/ \E b \in Ballot, i \in Slot, v \in Value : Propose(b, i, v)
  \/ \E n \in Nodes, b \in Ballot, i \in Slot : Vote(n, b, i)
  \/ \E b \in Ballot, i \in Slot : Decide(b, i)
  \/ \E n \in Nodes, i \in Slot : Learn(n, i)
  \/ \E n \in Nodes, k \in 0..MaxSlot : Crash(n, k)

Spec == Init /\ [][Next]_vars
===============================================================================
