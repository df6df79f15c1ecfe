-------------------------- MODULE MCLeavingProgress ---------------------------
(* Under fairness whom a change removed is erased: the control plane sees that*)
(* the change is pending, and fills the window of the idle cell with a read   *)
(* (alpha is 2); who knows is asked, and flushes. Node 3 is cut off, and node *)
(* 4 crashes as often as it likes.                                            *)
EXTENDS LeavingWitnesses

CommandTable ==
  [look |-> [kind |-> "read"],
   replace |-> [kind |-> "change", expects |-> 0, members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

\* In slot 1, for a later one would take effect beyond the bound.
Pending == \E d \in decisions : d.slot = 1 /\ d.value = "replace"

\* Everything that ballot 1 can do is done.  What is possible again and again,
\* however often a crash undoes it, node 4 does at last.
FairSpec ==
  /\ Spec
  /\ WF_vars(Prepare(1))
  /\ \A n \in {1, 2, 4} : WF_vars(Promise(n, 1))
  /\ \A n \in {1, 2, 4} : WF_vars(\E i \in T!Slot : Vote(n, 1, i))
  /\ WF_vars(\E i \in T!Slot, v \in Value : Propose(1, i, v))
  /\ WF_vars(\E i \in T!Slot : Decide(1, i))
  /\ WF_vars(\E i \in T!Slot : Learn(1, i)) /\ SF_vars(\E i \in T!Slot : Learn(4, i))
  /\ SF_vars(Flush(4)) /\ SF_vars(Settle(4)) /\ WF_vars(Create(4))
  /\ WF_vars(\E i \in T!Slot : Erase(1, i))
  /\ WF_vars(Pending /\ Issue("look"))

LeaverErased == Pending ~> Erased(1)

Witnesses ==
  /\ Reached(1, "ReachErased", ReachErased)
  /\ Reached(2, "ReachSettles", ReachSettles)
===============================================================================
