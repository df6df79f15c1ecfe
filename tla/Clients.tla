------------------------------- MODULE Clients --------------------------------
(* Exactly once, for clients that ask again.  The log is there already, which  *)
(* is the ladder's matter: this is about what is in it, and what clients make  *)
(* of it.  A session is begun by an entry of the log, and its slot is its      *)
(* name; its requests are numbered.  A request that comes again gets the       *)
(* answer of the first time.  The table of sessions is bounded, and which one  *)
(* it forgets is a function of the log alone; whoever uses one that is         *)
(* forgotten is told that it is expired, and it is not begun anew in silence.  *)
(* Every request of a client ends as done, not done or unknown.                *)
(*                                                                             *)
(* Rule: R6.                                                                   *)
(* Leaves out: a client whose session is expired and that begins another.      *)
(* Mirrored by spec/service/clients.py; ClientsProperties has what is true.    *)
EXTENDS Integers, Sequences, FiniteSets
CONSTANTS
  Requests,     \* client -> how many requests it makes: a bound
  MaxAttempts,  \* how often it sends one: a bound
  MaxSlot,      \* how long the log grows: a bound
  MaxSessions,  \* how many sessions are remembered
  Careless,     \* clients that ask again for something else, under the same number
  Nodes         \* who applies the log: 1..n

VARIABLES
  log,       \* decided, entry by entry
  sent,      \* attempts
  refused,   \* attempts that a proposer rejected: they are in no log, and will not be
  answers,   \* what nodes said of attempts
  copies,    \* node -> what it made of the log
  clients,   \* client -> what it remembers
  ends       \* what clients made of their requests

vars == <<log, sent, refused, answers, copies, clients, ends>>

Everyone == DOMAIN Requests
Number   == UNION {0..Requests[c] : c \in Everyone}
Try      == 1..MaxAttempts

\* A request of a session, sent for the so-manieth time; number 0 begins a session.
Content(c, t)       == IF c \in Careless THEN t ELSE 1
Attempt(c, s, k, t) == [client |-> c, session |-> s, number |-> k, attempt |-> t,
                        content |-> Content(c, t)]
Beginning(c)        == Attempt(c, 0, 0, 1)
Open(c, t)          == Attempt(c, clients[c].session, clients[c].number, t)
InLog(a)            == \E i \in DOMAIN log : log[i] = a

Init ==
  /\ log = << >> /\ sent = {} /\ refused = {} /\ answers = {} /\ ends = {}
  /\ copies = [r \in Nodes |-> [applied |-> 0, sessions |-> {}, effects |-> << >>]]
  /\ clients = [c \in Everyone |->
       [session |-> 0, number |-> 0, attempts |-> 0, waits |-> FALSE]]

-------------------------------------------------------------------------------
(* What node r makes of the entry in a slot.                                   *)

\* When a session was used: a place in the log, and no time of r.
Stamp(r, slot) == slot

\* The table with a session more, or changed.  If it is full, the one goes that
\* was not used for longest.
Remembered(sessions, new) ==
  LET others == {x \in sessions : x.name # new.name}
      oldest == CHOOSE x \in others : \A y \in others : x.used <= y.used
  IN  {new} \cup IF Cardinality(others) = MaxSessions THEN others \ {oldest}
                 ELSE others

Used(r, copy, slot, name, a, effects) ==
  [applied |-> slot, effects |-> effects,
   sessions |-> Remembered(copy.sessions, [name |-> name, number |-> a.number,
                  content |-> a.content,
                  place |-> Len(effects) * (IF a.number = 0 THEN 0 ELSE 1),
                  used |-> Stamp(r, slot)])]

Says(a, what, place) == [to |-> a, says |-> what, place |-> place]

\* The new copy, and the answer.
Applied(r, copy, slot, a) ==
  LET known == {x \in copy.sessions : x.name = a.session}
      last  == CHOOSE x \in known : TRUE
      idle  == [copy EXCEPT !.applied = slot]
      more  == Append(copy.effects, [client |-> a.client, number |-> a.number,
                                     content |-> a.content])
  IN  IF a.number = 0
      THEN <<Used(r, copy, slot, slot, a, copy.effects), Says(a, "done", slot)>>
      ELSE IF known = {} THEN <<idle, Says(a, "expired", 0)>>
      ELSE IF a.number = last.number
      THEN IF a.content # last.content THEN <<idle, Says(a, "reused", 0)>>
           ELSE <<idle, Says(a, "done", last.place)>>
      ELSE IF a.number < last.number THEN <<idle, Says(a, "old", 0)>>
      ELSE <<Used(r, copy, slot, a.session, a, more),
             Says(a, "done", Len(more))>>

-------------------------------------------------------------------------------
\* A client wants a session.
Begin(c) ==
  /\ Beginning(c) \notin sent
  /\ sent' = sent \cup {Beginning(c)}
  /\ UNCHANGED <<log, refused, answers, copies, clients, ends>>

\* It hears the name of its session.
Enter(c) ==
  /\ clients[c].session = 0
  /\ \E a \in answers :
       /\ a.to = Beginning(c)
       /\ clients' = [clients EXCEPT ![c].session = a.place]
  /\ UNCHANGED <<log, sent, refused, answers, copies, ends>>

\* It sends its next request.
Ask(c) ==
  /\ clients[c].session # 0
  /\ ~ clients[c].waits
  /\ clients[c].number < Requests[c]
  /\ clients' = [clients EXCEPT ![c].number = @ + 1, ![c].attempts = 1,
                                ![c].waits = TRUE]
  /\ sent' = sent \cup
       {Attempt(c, clients[c].session, clients[c].number + 1, 1)}
  /\ UNCHANGED <<log, refused, answers, copies, ends>>

\* It has heard nothing, or that it was refused, and sends the request again.
Repeat(c) ==
  /\ clients[c].waits
  /\ clients[c].attempts < MaxAttempts
  /\ clients' = [clients EXCEPT ![c].attempts = @ + 1]
  /\ sent' = sent \cup {Open(c, clients[c].attempts + 1)}
  /\ UNCHANGED <<log, refused, answers, copies, ends>>

\* A proposer has no room for an attempt, and says so.
Refuse(c, k, t) ==
  /\ k # 0
  /\ \E a \in sent \ refused :
       /\ a.client = c /\ a.number = k /\ a.attempt = t /\ ~ InLog(a)
       /\ refused' = refused \cup {a}
  /\ UNCHANGED <<log, sent, answers, copies, clients, ends>>

\* An attempt is decided.
Decide(c, k, t) ==
  /\ Len(log) < MaxSlot
  /\ \E a \in sent \ refused :
       /\ a.client = c /\ a.number = k /\ a.attempt = t /\ ~ InLog(a)
       /\ log' = Append(log, a)
  /\ UNCHANGED <<sent, refused, answers, copies, clients, ends>>

\* A node applies the next entry, and answers.
Apply(r) ==
  LET slot == copies[r].applied + 1
  IN  /\ slot <= Len(log)
      /\ copies' = [copies EXCEPT ![r] = Applied(r, @, slot, log[slot])[1]]
      /\ answers' = answers \cup {Applied(r, copies[r], slot, log[slot])[2]}
      /\ UNCHANGED <<log, sent, refused, clients, ends>>

\* A node takes over a snapshot of another.  Of what lies in between it says
\* nothing, so whoever waits for that has to ask again, or does not know.
Jump(r, q) ==
  /\ copies[r].applied < copies[q].applied
  /\ copies' = [copies EXCEPT ![r] = copies[q]]
  /\ UNCHANGED <<log, sent, refused, answers, clients, ends>>

End(c, how, place, x) ==
  /\ clients' = [clients EXCEPT ![c].waits = FALSE]
  /\ ends' = ends \cup {[client |-> c, number |-> clients[c].number,
                         how |-> how, place |-> place, content |-> x]}
  /\ UNCHANGED <<log, sent, refused, answers, copies>>

\* It hears that its request is done, the one with the content of attempt t.
Hear(c, t) ==
  /\ clients[c].waits
  /\ \E a \in {x \in answers : x.says = "done" /\ x.to = Open(c, t)} :
       End(c, "done", a.place, Content(c, t))

\* Of *every* attempt it hears that it came to nothing.  That one did says
\* nothing of the others, which may be decided, or are already.
Fail(c) ==
  /\ clients[c].waits
  /\ \A t \in 1..clients[c].attempts :
       \/ Open(c, t) \in refused
       \/ Says(Open(c, t), "expired", 0) \in answers
       \/ Says(Open(c, t), "reused", 0) \in answers
  /\ End(c, "not done", 0, 0)

\* It gives up, and does not know.
Give(c) ==
  /\ clients[c].waits
  /\ End(c, "unknown", 0, 0)

Next ==
  \/ \E c \in Everyone : Begin(c)
  \/ \E c \in Everyone : Enter(c)
  \/ \E c \in Everyone : Ask(c)
  \/ \E c \in Everyone : Repeat(c)
  \/ \E c \in Everyone, k \in Number, t \in Try : Refuse(c, k, t)
  \/ \E c \in Everyone, k \in Number, t \in Try : Decide(c, k, t)
  \/ \E r \in Nodes : Apply(r)
  \/ \E r, q \in Nodes : Jump(r, q)
  \/ \E c \in Everyone, t \in Try : Hear(c, t)
  \/ \E c \in Everyone : Fail(c)
  \/ \E c \in Everyone : Give(c)

Spec == Init /\ [][Next]_vars
===============================================================================
