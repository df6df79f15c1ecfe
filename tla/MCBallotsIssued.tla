--------------------------- MODULE MCBallotsIssued ----------------------------
(* Nothing is asked in the beginning: a write and a change that takes node 1   *)
(* out come while nodes vote, and only what was asked is proposed.             *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   drop |-> [kind |-> "change", expects |-> 0,
            members |-> {2, 3}]]

ReachReproposal == \E p, q \in proposals : p.slot = q.slot /\ p.value = q.value /\ p.ballot < q.ballot
ReachNewConfiguration == \E p \in proposals : Members(Prefix, p.slot) # First
ReachLastSlot == Len(Prefix) = MaxSlot

Witnesses ==
  /\ Reached(1, "ReachNewConfiguration", ReachNewConfiguration)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
