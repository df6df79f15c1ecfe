-------------------------- MODULE MCCellLoneProposer --------------------------
(* Under fairness a lone proposer gets a command decided: node 1 with ballot   *)
(* 2, the nodes 1 and 3, and nobody above them.  The rival with ballot 1 may   *)
(* do anything or nothing.                                                     *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

OwnerTable    == <<2, 1>>
AudienceTable == <<{1, 2, 3}, {1, 2, 3}>>

LoneProposerSpec ==
  /\ Spec
  /\ WF_vars(Prepare(2))
  /\ \A n \in {1, 3} : WF_vars(Promise(n, 2)) /\ WF_vars(Vote(n, 2, 1))
  /\ WF_vars(\E v \in Value : Propose(2, 1, v))
  /\ WF_vars(Decide(2, 1))

CommandAnswered == ("swap" \in asked) ~> (\E t \in told : t.command = "swap")

Witnesses ==
  /\ Reached(1, "ReachReproposal", ReachReproposal)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
