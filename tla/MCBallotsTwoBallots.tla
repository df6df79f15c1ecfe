------------------------- MODULE MCBallotsTwoBallots --------------------------
(* Two ballots and one slot: what was or may have been chosen below is         *)
(* proposed again.                                                             *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot

Witnesses ==
  /\ Reached(1, "ReachReproposal", ReachReproposal)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
