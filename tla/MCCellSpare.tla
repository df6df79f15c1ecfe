------------------------------ MODULE MCCellSpare ------------------------------
(* Node 4 is no member, and everything reaches it: it promises, it votes, and  *)
(* none of that counts.  Ballot 1 has it in the place of node 3, ballot 2 has  *)
(* node 2 in common with ballot 1.                                             *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 3>>
AudienceTable == <<{1, 2, 4}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachOutsiderVote", ReachOutsiderVote)
  /\ Reached(2, "ReachOutsiderPromise", ReachOutsiderPromise)
  /\ Reached(3, "ReachReproposal", ReachReproposal)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
