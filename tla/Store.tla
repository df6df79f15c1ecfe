-------------------------------- MODULE Store ---------------------------------
(* What clients may observe: one store, on which commands take effect one      *)
(* after the other, and a verdict for each.  This is the top of the ladder and *)
(* says nothing of nodes, slots or ballots.                                    *)
(*                                                                             *)
(* A command is asked, takes effect, and is answered, in this order and in     *)
(* three steps: so its effect lies between question and answer, which makes    *)
(* the store linearizable.  A command that was asked may never take effect,    *)
(* and one that took effect may never be answered.                             *)
(* Leaves out: reads that are not commands, sessions, time.                    *)
(* Mirrored by spec/store.py; refined by Log.                                  *)
EXTENDS Commands

CONSTANT Early   \* commands asked before the first step: a bound

VARIABLES
  asked,      \* commands that clients asked for
  contents,   \* [volume, jury, verdicts], see Commands
  told        \* [command, verdict] that clients were told

vars == <<asked, contents, told>>

\* Several commands may take effect in one step: on the rung below a hole that
\* is filled makes everything above it count.
Batch == UNION {{s \in [1..k -> Command] :
                   \A x, y \in 1..k : s[x] = s[y] => x = y} :
                     k \in 1..Cardinality(Command)}

Init ==
  /\ asked = Early
  /\ contents = Beginning
  /\ told = {}

-------------------------------------------------------------------------------
Issue(c) ==
  /\ c \notin asked
  /\ asked' = asked \cup {c}
  /\ UNCHANGED <<contents, told>>

\* At most once each (R6): what has a verdict has taken effect.
Perform(s) ==
  /\ \A k \in DOMAIN s : s[k] \in asked \ DOMAIN contents.verdicts
  /\ contents' = AfterFrom(contents, s)
  /\ UNCHANGED <<asked, told>>

Answer(c) ==
  /\ c \in DOMAIN contents.verdicts
  /\ \A t \in told : t.command # c
  /\ told' = told \cup {[command |-> c, verdict |-> contents.verdicts[c]]}
  /\ UNCHANGED <<asked, contents>>

Next ==
  \/ \E c \in Command : Issue(c)
  \/ \E s \in Batch : Perform(s)
  \/ \E c \in Command : Answer(c)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
Volume == [version : Nat, primary : STRING, replica : STRING]
Done(kind) == {c \in DOMAIN contents.verdicts :
                 Content[c].kind = kind /\ contents.verdicts[c].done}

TypeOK ==
  /\ asked \subseteq Command
  /\ contents.volume \in Volume
  /\ contents.jury.version \in Nat
  /\ DOMAIN contents.verdicts \subseteq asked
  /\ \A t \in told : t.command \in asked

\* What a client was told is what happened, and it is told once.
VerdictsTrue ==
  /\ \A t \in told : /\ t.command \in DOMAIN contents.verdicts
                     /\ t.verdict = contents.verdicts[t.command]
  /\ \A t, u \in told : t.command = u.command => t = u

\* A version is one done write: none is lost, none is counted twice.
VersionsCountWrites ==
  /\ contents.volume.version = Cardinality(Done("write"))
  /\ contents.jury.version = Cardinality(Done("change"))

\* Of two conditional writes on the same version at most one is done.
ConditionsHold ==
  \A c \in Done("write") \cup Done("change") :
    contents.verdicts[c].saw.version = Content[c].expects + 1

\* A record changes only under a new version.
RecordsKeepVersions ==
  [][/\ contents'.volume.version = contents.volume.version
           => contents'.volume = contents.volume
     /\ contents'.jury.version = contents.jury.version
           => contents'.jury = contents.jury]_vars
===============================================================================
