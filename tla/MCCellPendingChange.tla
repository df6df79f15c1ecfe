------------------------- MODULE MCCellPendingChange --------------------------
(* Under fairness a pending change takes effect while traffic goes on: alpha   *)
(* is 2, so a change in slot 1 waits for one more entry.                       *)
EXTENDS CellWitnesses

CommandTable ==
  [swap    |-> [kind |-> "write", expects |-> 0,
               primary |-> "b", replica |-> "a"],
   heal    |-> [kind |-> "write", expects |-> 1,
               primary |-> "b", replica |-> "c"],
   replace |-> [kind |-> "change", expects |-> 0,
               members |-> {2, 3, 4}]]

OwnerTable    == <<2>>
AudienceTable == <<{1, 2, 4}>>

\* Everything that ballot 1 can do is done; node 3 is cut off.
FairSpec ==
  /\ Spec
  /\ WF_vars(Prepare(1))
  /\ \A n \in {1, 2, 4} : WF_vars(Promise(n, 1))
  /\ \A n \in {1, 2, 4} : WF_vars(\E i \in Slot : Vote(n, 1, i))
  /\ WF_vars(\E i \in Slot, v \in Value : Propose(1, i, v))
  /\ WF_vars(\E i \in Slot : Decide(1, i))

\* In slot 1, for a later one would take effect beyond the bound.
PendingChangeTakesEffect ==
  (\E d \in decisions : d.slot = 1 /\ d.value = "replace") ~> ReachTwoConfigurations

Witnesses ==
  /\ Reached(1, "ReachTwoConfigurations", ReachTwoConfigurations)
===============================================================================
