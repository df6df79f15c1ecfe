------------------------ MODULE MCBallotsChangeRefines ------------------------
(* A change takes node 1 out, seen from Window: slot 2 needs both of the       *)
(* others.                                                                     *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [drop |-> [kind |-> "change", expects |-> 0,
            members |-> {2, 3}]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot

Witnesses ==
  /\ Reached(1, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
