---------------------------- MODULE ClientsProperties --------------------------
(* What is true of clients and sessions in every state (R6), and what a model  *)
(* of them may have to reach.  A write that took effect stays so: so what says *)
(* that something is *not* done says it of all states that follow.             *)
(* Mirrored by the invariants of spec/service/clients.py.                      *)
EXTENDS Clients

Effect(e)  == [client |-> e.client, number |-> e.number, content |-> e.content]
Same(e, f) == e.client = f.client /\ e.number = f.number
Names(r)   == {x.name : x \in copies[r].sessions}
Effects(r) == {copies[r].effects[i] : i \in DOMAIN copies[r].effects}

-------------------------------------------------------------------------------
TypeOK ==
  /\ refused \subseteq sent /\ \A i \in DOMAIN log : log[i] \in sent \ refused
  /\ \A a \in answers : InLog(a.to) /\ a.says \in {"done", "expired", "old", "reused"}
  /\ \A r \in Nodes : /\ copies[r].applied \in 0..Len(log)
                      /\ Cardinality(copies[r].sessions) <= MaxSessions
  /\ \A c \in Everyone : /\ clients[c].number \in 0..Requests[c]
                         /\ clients[c].attempts \in 0..MaxAttempts
  /\ \A e \in ends : e.how \in {"done", "not done", "unknown"}

\* Of all requests but the one that it waits for, a client knows what became of
\* them: one thing.
EveryRequestEnds ==
  \A c \in Everyone : \A k \in 1..clients[c].number :
    Cardinality({e \in ends : e.client = c /\ e.number = k}) =
      IF k = clients[c].number /\ clients[c].waits THEN 0 ELSE 1

\* No request takes effect twice, nor another one under its number.
ExactlyOnce ==
  \A r \in Nodes : \A i, j \in DOMAIN copies[r].effects :
    Same(copies[r].effects[i], copies[r].effects[j]) => i = j

\* What a client takes for done took effect, there.
DoneIsDone ==
  \A e \in ends, r \in Nodes :
    e.how = "done" /\ e.place \in DOMAIN copies[r].effects =>
      copies[r].effects[e.place] = Effect(e)

\* What a client takes for not done took no effect, and never will.
NotDoneIsNotDone ==
  \A e \in ends, r \in Nodes :
    e.how = "not done" => \A f \in Effects(r) : ~ Same(e, f)

\* Whoever is asked, and however often, the answer is that of the first time.
OneAnswer ==
  \A a, b \in {x \in answers : x.says = "done"} :
    Same(a.to, b.to) => a.place = b.place /\ a.to.content = b.to.content

\* Nodes that applied the same log did the same, and forgot the same.
CopiesAgree ==
  \A r, q \in Nodes : copies[r].applied = copies[q].applied =>
    copies[r].effects = copies[q].effects /\ Names(r) = Names(q)

-------------------------------------------------------------------------------
\* A request is in the log twice, and did what it asks for once.
ReachTwice ==
  \E i, j \in DOMAIN log : /\ i < j /\ log[i].number = log[j].number
                           /\ log[i].client = log[j].client /\ log[i].number > 0
                           /\ \E r \in Nodes : copies[r].applied >= j

ReachForgotten == \E a \in answers : a.says = "expired"
ReachOld       == \E a \in answers : a.says = "old"

\* A number is used for something else, and that is told, before or after the client
\* hears that the first is done.
ReachReused == \E a \in answers, e \in ends : a.says = "reused" /\ e.how = "done"

\* A request is done, and what was sent again is refused, or its session gone.
ReachDoneAndRefused == \E a \in answers, x \in refused :
  a.says = "done" /\ a.to.client = x.client /\ a.to.number = x.number
ReachDoneAndExpired == \E a, x \in answers :
  a.says = "done" /\ x.says = "expired" /\ a.to.client = x.to.client
    /\ a.to.number = x.to.number
ReachNotDone        == \E e \in ends : e.how = "not done"
ReachUnknownDone    == \E e \in ends, r \in Nodes :
  e.how = "unknown" /\ \E f \in Effects(r) : Same(e, f)

\* Nobody who was asked has anything to say of an entry that everyone has passed.
ReachJumped ==
  \E i \in DOMAIN log : /\ \A a \in answers : a.to # log[i]
                        /\ \A r \in Nodes : copies[r].applied > i
===============================================================================
