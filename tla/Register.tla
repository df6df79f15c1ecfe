------------------------------- MODULE Register -------------------------------
(* What the client of a volume may observe of one sector: a register. A write *)
(* is asked, takes effect once, and is told; a read returns a value that the  *)
(* register had between its beginning and its end.  So the register is        *)
(* linearizable.  A write that nobody was told of may take effect late, or    *)
(* never.                                                                     *)
(* Values are all the writes so far, in their order, and not the last alone:  *)
(* so nothing is lost unseen, and nothing happens twice.                      *)
(* Leaves out: servers, epochs, who may write.                                *)
(* Mirrored by spec/volumes/register.py; refined by Volume.                           *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Write,    \* writes: positive numbers
  Reader    \* reads

VARIABLES
  asked,     \* writes that were asked for
  contents,  \* the writes that took effect, the first one first
  told,      \* writes that their client was told of
  reads      \* [stage, least, result]: how long `contents` was when the read
             \* began, and how much of it was returned

vars == <<asked, contents, told, reads>>

\* Several writes may take effect in one step: below, one server takes over
\* what the other does not hold yet.
Batch == UNION {{s \in [1..k -> Write] :
                   \A x, y \in 1..k : s[x] = s[y] => x = y} :
                     k \in 1..Cardinality(Write)}

Size == 0..Cardinality(Write)

NoRead == [stage |-> "idle", least |-> 0, result |-> 0]

Init ==
  /\ asked = {}
  /\ contents = << >>
  /\ told = {}
  /\ reads = [q \in Reader |-> NoRead]

-------------------------------------------------------------------------------
Issue(w) ==
  /\ w \notin asked
  /\ asked' = asked \cup {w}
  /\ UNCHANGED <<contents, told, reads>>

Perform(s) ==
  /\ \A k \in DOMAIN s : /\ s[k] \in asked \ told
                         /\ \A j \in DOMAIN contents : contents[j] # s[k]
  /\ contents' = contents \o s
  /\ UNCHANGED <<asked, told, reads>>

Tell(w) ==
  /\ w \notin told
  /\ \E k \in DOMAIN contents : contents[k] = w
  /\ told' = told \cup {w}
  /\ UNCHANGED <<asked, contents, reads>>

Look(q) ==
  /\ reads[q] = NoRead
  /\ reads' = [reads EXCEPT ![q] = [stage |-> "open", least |-> Len(contents),
                                    result |-> 0]]
  /\ UNCHANGED <<asked, contents, told>>

Finish(q, k) ==
  /\ reads[q].stage = "open"
  /\ reads[q].least <= k /\ k <= Len(contents)
  /\ reads' = [reads EXCEPT ![q].stage = "done", ![q].result = k]
  /\ UNCHANGED <<asked, contents, told>>

Next ==
  \/ \E w \in Write : Issue(w)
  \/ \E s \in Batch : Perform(s)
  \/ \E w \in Write : Tell(w)
  \/ \E q \in Reader : Look(q)
  \/ \E q \in Reader, k \in Size : Finish(q, k)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ asked \subseteq Write
  /\ contents \in Seq(Write)
  /\ told \subseteq asked
  /\ reads \in [Reader -> [stage : {"idle", "open", "done"}, least : Size,
                           result : Size]]

\* What a client was told of is there.
NothingLost == \A w \in told : \E k \in DOMAIN contents : contents[k] = w

AtMostOnce ==
  \A j, k \in DOMAIN contents : contents[j] = contents[k] => j = k

\* A read returns nothing older than what was there when it began.
ReadsFresh ==
  \A q \in Reader : reads[q].stage = "done" =>
    reads[q].least <= reads[q].result /\ reads[q].result <= Len(contents)

EffectsStay ==
  [][Len(contents) <= Len(contents')
     /\ SubSeq(contents', 1, Len(contents)) = contents]_vars
===============================================================================
