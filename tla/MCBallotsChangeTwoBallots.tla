---------------------- MODULE MCBallotsChangeTwoBallots -----------------------
(* Two ballots compete while a change takes node 1 out, in the slot of the     *)
(* change and in the next one, which needs both of the others.                 *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [drop |-> [kind |-> "change", expects |-> 0,
            members |-> {2, 3}]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot
ReachContest ==
  \E p, q \in proposals :
    p.slot = q.slot /\ p.ballot < q.ballot /\ Members(Prefix, p.slot) # First

Witnesses ==
  /\ Reached(1, "ReachReproposal", ReachReproposal)
  /\ Reached(2, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(3, "ReachContest", ReachContest)
  /\ Reached(4, "ReachLastSlot", ReachLastSlot)
===============================================================================
