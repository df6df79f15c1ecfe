---------------------------------- MODULE Log ---------------------------------
(* One sequence of values that only grows; a client is told what its command   *)
(* came to once it stands in the log.  This is consensus, said once for the    *)
(* whole log: nothing is ever changed or taken away.                           *)
(*                                                                             *)
(* Refines Store: the contents are what the log leads to.  A no-op and the     *)
(* second place of a command change nothing there.                             *)
(* Leaves out: that slots may be filled out of order, and by whom.             *)
(* Mirrored by spec/log.py; refined by Window.                                 *)
EXTENDS Commands

CONSTANTS
  MaxSlot,   \* bound
  Early      \* commands asked before the first step: a bound

VARIABLES asked, log, told

vars == <<asked, log, told>>

\* What one step may append: several values, because the rung below may fill a
\* hole under values that were chosen before.
Extension == UNION {[1..k -> Value] : k \in 1..MaxSlot}

Init ==
  /\ asked = Early
  /\ log = << >>
  /\ told = {}

-------------------------------------------------------------------------------
Issue(c) ==
  /\ c \notin asked
  /\ asked' = asked \cup {c}
  /\ UNCHANGED <<log, told>>

\* A command may stand in the log twice, for two proposers may both have got it
\* decided; `After` counts its first place.
Extend(s) ==
  /\ Len(log) + Len(s) <= MaxSlot
  /\ \A k \in DOMAIN s : s[k] \in asked \cup {NoOp}
  /\ log' = log \o s
  /\ UNCHANGED <<asked, told>>

Answer(c) ==
  /\ \E k \in DOMAIN log : log[k] = c
  /\ \A t \in told : t.command # c
  /\ told' = told \cup {[command |-> c, verdict |-> VerdictOn(log, c)]}
  /\ UNCHANGED <<asked, log>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E s \in Extension : Extend(s)
  \/ \E c \in Command : Answer(c)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ asked \subseteq Command
  /\ log \in Seq(Value) /\ Len(log) <= MaxSlot
  /\ \A t \in told : t.command \in asked

\* Nobody is given what nobody asked for.
EntriesAsked == \A k \in DOMAIN log : log[k] \in asked \cup {NoOp}

\* A verdict stays true while the log grows: it depends on the prefix up to the
\* command's first place alone.
VerdictsTrue ==
  \A t \in told : /\ t.command \in DOMAIN After(log).verdicts
                  /\ t.verdict = After(log).verdicts[t.command]

\* The log only grows: what stood in slot k stands there for ever.
EntriesStay ==
  [][Len(log) <= Len(log') /\ SubSeq(log', 1, Len(log)) = log]_vars

S == INSTANCE Store WITH contents <- After(log)
RefinesStore == S!Spec
===============================================================================
