----------------------------- MODULE BlastRadius ------------------------------
(* Which failures take a volume because of its configuration store alone?      *)
(*                                                                             *)
(* A volume has an instance, two copies and a cell.  Devices fail and return,  *)
(* the cell moves one node at a time, a copy goes on alone and mirrors again,  *)
(* and what copies know of cell and record may be old; in any order.  What is  *)
(* claimed must hold in between, too: by one failure nothing is lost, nor by   *)
(* any failures outside of the row of the clients, and a piece of a broken     *)
(* network that has an instance, a copy and a majority goes on.                *)
(*                                                                             *)
(* Stands on Sites and refines nothing: the data path of a volume is Volume,   *)
(* and what is claimed stands in BlastRadiusClaims.                            *)
(* Leaves out: probabilities, time, messages on their way.                     *)
(* Mirrored by spec/sites/blast_radius.py.                                     *)
EXTENDS Serving

-------------------------------------------------------------------------------
Init ==
  /\ \E after \in {AfterOne} : good = Placements(after)   \* computed once
  /\ failed = {}
  /\ cell \in good
  /\ configs = <<[primary |-> 1, replica |-> 2]>>
  /\ epoch = <<1, 1>>
  /\ hint = <<cell, cell>>
  /\ holds = {1, 2}

Fail(d) ==
  /\ d \notin failed
  /\ failed' = failed \cup {d}
  /\ UNCHANGED <<good, cell, configs, epoch, hint, holds>>

Repair(d) ==
  /\ d \in failed
  /\ failed' = failed \ {d}
  /\ UNCHANGED <<good, cell, configs, epoch, hint, holds>>

\* One node at a time, over placements that are all good; and never so far that
\* a copy knows of fewer than a majority of the nodes.
Move(s, t) ==
  LET next == (cell \ {s}) \cup {t} IN
  /\ "still" \notin Rules
  /\ s \in cell /\ t \notin cell
  /\ next \in good
  /\ \A r \in Copy : IsMajority(next \cap hint[r])
  /\ cell' = next
  /\ UNCHANGED <<good, failed, configs, epoch, hint, holds>>

Hear(r) ==
  /\ hint[r] # cell /\ Finds(r)
  /\ hint' = [hint EXCEPT ![r] = cell]
  /\ UNCHANGED <<good, failed, cell, configs, epoch, holds>>

\* A copy goes on alone: the record changes if its epoch is the known one.
MayShrink(r) ==
  /\ epoch[r] = Last /\ r \in Present /\ ~ Alone(r) /\ Last < MaxEpoch
  /\ HasMajority(r) /\ Finds(r)

Shrink(r) ==
  /\ MayShrink(r)
  /\ configs' = Append(configs, [primary |-> r, replica |-> 0])
  /\ UNCHANGED <<good, failed, cell, epoch, hint, holds>>

MayInstall(r) ==
  /\ r \in Present /\ epoch[r] < Last
  /\ HasMajority(r) /\ Finds(r)

Install(r) ==
  /\ MayInstall(r)
  /\ epoch' = [epoch EXCEPT ![r] = Last]
  /\ UNCHANGED <<good, failed, cell, configs, hint, holds>>

\* A copy that is alone sends all it has to the other one, which joins.
Mirror(p, r) ==
  /\ epoch[p] = Last /\ Of(p).primary = p /\ Alone(p) /\ Last < MaxEpoch
  /\ HasMajority(p) /\ Finds(p)
  /\ r # p /\ Reaches(At[p], At[r])
  /\ configs' = Append(configs, [primary |-> p, replica |-> r])
  /\ epoch' = [epoch EXCEPT ![p] = Last + 1, ![r] = Last]
  /\ holds' = IF p \in holds THEN holds \cup {r} ELSE holds \ {r}
  /\ UNCHANGED <<good, failed, cell, hint>>

\* A write is acknowledged: whoever has no part in it lacks it.
Write(p) ==
  /\ Acknowledges(p) /\ Reaches(Instance, At[p])
  /\ ~ Alone(p) => Reaches(At[p], At[Of(p).replica])
  /\ holds' = holds \cap {p, Of(p).replica}
  /\ holds' # holds
  /\ UNCHANGED <<good, failed, cell, configs, epoch, hint>>

Next ==
  \/ \E d \in Fallible : Fail(d) \/ Repair(d)
  \/ \E s \in Server, t \in Server \ Client : Move(s, t)
  \/ \E r \in Copy : Hear(r) \/ Shrink(r) \/ Install(r) \/ Write(r)
  \/ \E p \in Copy, r \in Copy : Mirror(p, r)

Spec == Init /\ [][Next]_vars
===============================================================================
