-------------------------------- MODULE Outbox --------------------------------
(* The state of the cell, and how what a node does gets out: writing, flushing *)
(* and sending are three moments.  A step changes memory, writes a record, and *)
(* says something; the record and the messages wait in the node's queue.  When *)
(* the record is flushed, the messages are sent: first in, first out, since a  *)
(* vote that leaves after a promise of a higher ballot is no vote.             *)
(*                                                                             *)
(* An entry of a queue is what one step left there: `records` (at most one),   *)
(* `sends` (the messages), and `known`, how many decisions had been written    *)
(* before.  A journal keeps a prefix of what was written, always: whoever      *)
(* flushes the record keeps those decisions too.                               *)
(*                                                                             *)
(* Rules: R2 and R4 (durable before it is sent), R10 (what a snapshot drops),  *)
(* R16 (what a restart finds).                                                 *)
(* Leaves out: flushes that fail; a group commit is several flushes in a row.  *)
(* Mirrored by spec/outbox.py; Cell has the steps.                             *)
EXTENDS Commands
CONSTANTS
  Nodes,      \* 1..n
  MaxBallot,  \* bound
  MaxSlot,    \* bound
  Mortals,    \* nodes that may crash: a bound
  Early       \* commands asked before the first step: a bound

VARIABLES
  asked, told,                                       \* clients
  prepares, promises, proposals, votes, decisions,   \* sent
  promised, accepted, active, known,                 \* memory, of each node
  queue,                                             \* waits, of each node
  disk, kept                                         \* durable, of each node

sent   == <<told, prepares, promises, proposals, votes, decisions>>
memory == <<promised, accepted, active, known>>
vars   == <<asked, sent, memory, queue, disk, kept>>

Ballot == 1..MaxBallot     \* 0 is no ballot
Slot   == 1..MaxSlot
NoVote == [ballot |-> 0, value |-> "none"]
Blank  == [used |-> {}, promised |-> 0, accepted |-> [i \in Slot |-> NoVote],
           floor |-> 0]

Init ==
  /\ asked = Early /\ told = {}
  /\ prepares = {} /\ promises = {}
  /\ proposals = {} /\ votes = {} /\ decisions = {}
  /\ promised = [n \in Nodes |-> 0]
  /\ accepted = [n \in Nodes |-> Blank.accepted]
  /\ active = [n \in Nodes |-> 0] /\ known = [n \in Nodes |-> << >>]
  /\ queue = [n \in Nodes |-> << >>]
  /\ disk = [n \in Nodes |-> Blank] /\ kept = [n \in Nodes |-> 0]

-------------------------------------------------------------------------------
\* Votes above a floor: the others are dropped.
Above(last, floor) == [i \in Slot |-> IF i <= floor THEN NoVote ELSE last[i]]

\* What a disk holds after some records.  A vote is a promise too; a snapshot
\* stands for all decisions, and for the votes up to its floor.  That decisions
\* were learned changes nothing but `kept`.
RECURSIVE Flushed(_, _)
Flushed(d, records) ==
  IF records = << >> THEN d
  ELSE LET r == Head(records)
       IN  Flushed(
             IF "used" \in DOMAIN r THEN [d EXCEPT !.used = @ \cup {r.used}]
             ELSE IF "promised" \in DOMAIN r THEN [d EXCEPT !.promised = r.promised]
             ELSE IF "floor" \in DOMAIN r
               THEN [d EXCEPT !.floor = r.floor, !.accepted = Above(@, r.floor)]
             ELSE IF "learned" \in DOMAIN r THEN d
             ELSE [d EXCEPT !.promised = r.ballot, !.accepted[r.slot] =
                     [ballot |-> r.ballot, value |-> r.value]],
             Tail(records))

\* What it will hold when the whole queue is flushed, and what waits to be sent.
RECURSIVE AllFlushed(_, _)
AllFlushed(d, entries) ==
  IF entries = << >> THEN d
  ELSE AllFlushed(Flushed(d, Head(entries).records), Tail(entries))

Used(n)          == AllFlushed(disk[n], queue[n]).used
Floor(n)         == AllFlushed(disk[n], queue[n]).floor
\* How many decisions a disk has when this entry is on it.
KeptBy(entry) ==
  LET r == Head(entry.records)
  IN  IF "floor" \in DOMAIN r /\ entry.known < r.floor THEN r.floor ELSE entry.known

Waiting(kind, n) == UNION {queue[n][j].sends[kind] : j \in DOMAIN queue[n]}

Nothing == [told |-> {}, prepares |-> {}, promises |-> {}, proposals |-> {},
            votes |-> {}, decisions |-> {}]

Send(messages) ==
  /\ told' = told \cup messages.told
  /\ prepares' = prepares \cup messages.prepares
  /\ promises' = promises \cup messages.promises
  /\ proposals' = proposals \cup messages.proposals
  /\ votes' = votes \cup messages.votes
  /\ decisions' = decisions \cup messages.decisions

Enqueue(n, records, messages) ==
  LET entry == [records |-> records, known |-> Len(known[n]), sends |-> messages]
  IN  queue' = [queue EXCEPT ![n] = Append(@, entry)]

\* n writes a record, and says something that depends on it.  A node that never
\* crashes flushes at once: to everyone else a late flush is a slow network.
Store(n, record, messages) ==
  IF n \in Mortals
  THEN Enqueue(n, <<record>>, messages) /\ UNCHANGED <<sent, disk, kept>>
  ELSE /\ disk' = [disk EXCEPT ![n] = Flushed(@, <<record>>)]
       /\ Send(messages)
       /\ UNCHANGED <<queue, kept>>

\* n says something for which nothing need be flushed but what it wrote before.
Say(n, messages) ==
  /\ IF queue[n] = << >>
     THEN Send(messages) /\ UNCHANGED queue
     ELSE Enqueue(n, << >>, messages) /\ UNCHANGED sent
  /\ UNCHANGED <<disk, kept>>
===============================================================================
