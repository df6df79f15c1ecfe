--------------------------- MODULE MCBallotsAlpha2 ----------------------------
(* Alpha is 2, small: a change that takes node 1 out in slot 1 counts for slot *)
(* 3, which needs both of the others.                                          *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [drop |-> [kind |-> "change", expects |-> 0,
            members |-> {2, 3}]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot
ReachHole ==
  \E i \in Slot : i > Len(Prefix) + 1 /\ Chosen[i] # "none"

Witnesses ==
  /\ Reached(1, "ReachHole", ReachHole)
  /\ Reached(2, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
