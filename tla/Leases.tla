-------------------------------- MODULE Leases --------------------------------
(* Leases: locks that end by themselves.  The record of the lock stands in the *)
(* store, where every change of it raises its version, and a request names the *)
(* version that it expects.  Everything else is what each process measures     *)
(* with its own clock: no two clocks show the same time, and none goes more    *)
(* than three times as fast as another.  So each side errs to its own          *)
(* disadvantage: the holder counts from before it *first* sent its request,    *)
(* and whoever waits counts three times the length that stands in the record,  *)
(* from when it saw the record at a version.                                   *)
(*                                                                             *)
(* Rule: R13.                                                                  *)
(* Leaves out: how the store decides, which is the ladder's matter.  Nothing   *)
(* that guards data depends on leases.                                         *)
(* Mirrored by spec/service/leases.py.                                         *)
EXTENDS Integers, Sequences, FiniteSets
CONSTANTS
  Length,      \* process -> how long it wants the lock: stands in its record
  Rates,       \* how far a clock may go forward in one tick
  MaxVersion,  \* how often the record may change: a bound
  Generous,    \* processes that may give the lock back before its end: a bound
  Frail        \* processes that may restart, once each: a bound

VARIABLES
  log,         \* what the record was, version by version; the last is what it is
  requests,    \* sent
  life,        \* process -> its life
  asked,       \* process -> the version that its open request expects, or None
  since,       \* process -> by its clock, since before it first sent that request
  left,        \* process -> by its clock, how long it believes that it still holds
  saw,         \* process -> the version at which it saw the record last
  waited       \* process -> by its clock, since it saw that version

vars == <<log, requests, life, asked, since, left, saw, waited>>

Process == DOMAIN Length
Life    == 0..1
Version == 0..(MaxVersion - 1)     \* what a request may expect
None    == -1

ASSUME Frail \cup Generous \subseteq Process /\ Rates \subseteq Nat

Request(p, k, v) == [by |-> p, life |-> k, expects |-> v, length |-> Length[p]]
Return(p, k, v)  == [by |-> p, life |-> k, expects |-> v, length |-> 0]
Open(p)          == Request(p, life[p], asked[p])     \* the open request of p
Range(s)         == {s[i] : i \in DOMAIN s}
Min(x, y)        == IF x < y THEN x ELSE y
Max(x, y)        == IF x > y THEN x ELSE y

\* Three times what stands in the record that p saw.
Patience(p) == IF saw[p] = 0 THEN 0 ELSE 3 * log[saw[p]].length

Init ==
  /\ log = << >> /\ requests = {}
  /\ life = [p \in Process |-> 0] /\ asked = [p \in Process |-> None]
  /\ since = [p \in Process |-> 0] /\ left = [p \in Process |-> 0]
  /\ saw = [p \in Process |-> 0] /\ waited = [p \in Process |-> 0]

-------------------------------------------------------------------------------
\* It hears how the record was at a later version than it saw: it begins to wait
\* again.  What it hears may be late, and then this version is gone already.
See(p, v) ==
  /\ saw[p] < v
  /\ v <= Len(log)
  /\ saw' = [saw EXCEPT ![p] = v]
  /\ waited' = [waited EXCEPT ![p] = 0]        \* not @: from nothing
  /\ UNCHANGED <<log, requests, life, asked, since, left>>

\* It takes over from whom it waited for, or renews what it holds, if the record
\* is as it saw it.  It begins to measure before it sends.
Ask(p) ==
  /\ asked[p] = None
  /\ saw[p] \in Version
  /\ IF left[p] > 0 THEN TRUE ELSE waited[p] >= Patience(p)
  /\ asked' = [asked EXCEPT ![p] = saw[p]]
  /\ since' = [since EXCEPT ![p] = 0]
  /\ requests' = requests \cup {Request(p, life[p], saw[p])}
  /\ UNCHANGED <<log, life, left, saw, waited>>

\* It sends the same request again, because an answer may be lost.  It goes on
\* measuring from before the first time.
Repeat(p) ==
  /\ asked[p] # None
  /\ since' = [since EXCEPT ![p] = @]
  /\ UNCHANGED <<log, requests, life, asked, left, saw, waited>>

\* A request is granted only at the version that it expects, and so once.
Grant(p, k, v) ==
  /\ Request(p, k, v) \in requests
  /\ v = Len(log)
  /\ log' = Append(log, Request(p, k, v))
  /\ UNCHANGED <<requests, life, asked, since, left, saw, waited>>

\* Whoever holds the lock gives it back: from now on it holds it no more, whatever
\* becomes of the record, for whose end nobody has to wait if this arrives.
Release(p) ==
  /\ p \in Generous
  /\ asked[p] = None
  /\ left[p] > 0
  /\ saw[p] \in Version
  /\ left' = [left EXCEPT ![p] = 0]             \* before it sends
  /\ requests' = requests \cup {Return(p, life[p], saw[p])}
  /\ UNCHANGED <<log, life, asked, since, saw, waited>>

\* The record says that nobody holds the lock.
Free(p, k, v) ==
  /\ Return(p, k, v) \in requests
  /\ Len(log) = v
  /\ log' = Append(log, Return(p, k, v))
  /\ UNCHANGED <<requests, life, asked, since, left, saw, waited>>

\* It hears that its request was granted, and perhaps too late to be of use.
Hear(p) ==
  /\ asked[p] # None
  /\ Open(p) \in Range(log)
  /\ left' = [left EXCEPT ![p] = Length[p] - since[p]]
  /\ saw' = [saw EXCEPT ![p] = CHOOSE i \in DOMAIN log : log[i] = Open(p)]
  /\ waited' = [waited EXCEPT ![p] = 0]
  /\ asked' = [asked EXCEPT ![p] = None]
  /\ since' = [since EXCEPT ![p] = 0]
  /\ UNCHANGED <<log, requests, life>>

\* It hears that the record was at another version.
Fail(p) ==
  /\ asked[p] # None
  /\ Open(p) \notin Range(log)
  /\ asked[p] < Len(log)
  /\ asked' = [asked EXCEPT ![p] = None]
  /\ since' = [since EXCEPT ![p] = 0]
  /\ UNCHANGED <<log, requests, life, left, saw, waited>>

\* It forgets everything.  What it sent may still arrive, and is of another life.
Restart(p) ==
  /\ p \in Frail
  /\ life[p] = 0
  /\ life' = [life EXCEPT ![p] = 1]
  /\ asked' = [asked EXCEPT ![p] = None]
  /\ since' = [since EXCEPT ![p] = 0]
  /\ left' = [left EXCEPT ![p] = 0]
  /\ saw' = [saw EXCEPT ![p] = 0]
  /\ waited' = [waited EXCEPT ![p] = 0]
  /\ UNCHANGED <<log, requests>>

\* Time goes by, for each clock at its own rate.  None counts further than matters.
Tick(rate) ==
  /\ since' = [p \in Process |->
       IF asked[p] = None THEN 0 ELSE Min(since[p] + rate[p], Length[p])]
  /\ left' = [p \in Process |-> Max(left[p] - rate[p], 0)]
  /\ waited' = [p \in Process |-> Min(waited[p] + rate[p], Patience(p))]
  /\ UNCHANGED <<log, requests, life, asked, saw>>

Next ==
  \/ \E p \in Process, v \in 1..MaxVersion : See(p, v)
  \/ \E p \in Process : Ask(p)
  \/ \E p \in Process : Repeat(p)
  \/ \E p \in Process, k \in Life, v \in Version : Grant(p, k, v)
  \/ \E p \in Process : Release(p)
  \/ \E p \in Process, k \in Life, v \in Version : Free(p, k, v)
  \/ \E p \in Process : Hear(p)
  \/ \E p \in Process : Fail(p)
  \/ \E p \in Process : Restart(p)
  \/ \E rate \in [Process -> Rates] : Tick(rate)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ Range(log) \subseteq requests
  /\ requests \subseteq UNION {{Request(p, k, v), Return(p, k, v)} :
                              p \in Process, k \in Life, v \in Version}
  /\ \A p \in Process :
       /\ life[p] \in Life /\ asked[p] \in Version \cup {None}
       /\ since[p] \in 0..Length[p] /\ left[p] \in 0..Length[p]
       /\ saw[p] \in 0..Len(log) /\ waited[p] \in Nat

\* What all this is for: no two believe at once that they hold the lock.
OneHolder == \A p, q \in Process : left[p] > 0 /\ left[q] > 0 => p = q

-------------------------------------------------------------------------------
ReachTakeOver  == \E i, j \in DOMAIN log : i < j /\ log[i].by # log[j].by
                                           /\ left[log[j].by] > 0
ReachRenewal   == \E i \in DOMAIN log \ {1} : log[i].by = log[i - 1].by
                                              /\ left[log[i].by] > 0
ReachTooLate   == \E p \in Process : Open(p) \in Range(log) /\ since[p] = Length[p]
ReachRefused   == \E p \in Process : asked[p] # None /\ Open(p) \notin Range(log)
                                     /\ asked[p] < Len(log)
ReachReturned  == \E i \in DOMAIN log \ {1} : log[i - 1].length = 0
                     /\ log[i].by # log[i - 1].by /\ left[log[i].by] > 0
ReachLateNews  == \E p \in Process : saw[p] \in 1..(Len(log) - 1) /\ waited[p] > 0
                     /\ log[saw[p]].by # p
ReachFormer    == \E i \in DOMAIN log : log[i].life < life[log[i].by]
ReachOverdue   == \E p, q \in Process : left[p] > 0 /\ saw[q] > 0 /\ p # q
                                        /\ waited[q] = Patience(q) - 1
===============================================================================
