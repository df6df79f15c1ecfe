----------------------------- MODULE MCBallotsSpare ----------------------------
(* Node 4 is no member and votes all the same, under both ballots: its vote is *)
(* none of the majority.                                                       *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

\* Enough nodes voted, and it is no majority: one of them is no member.
ReachOutsiderVote ==
  \E p \in proposals : LET all == Voters(p.ballot, p.slot)
                      IN  /\ 2 * Cardinality(all) > Cardinality(First)
                          /\ ~ IsMajority(all, First)
ReachReproposal ==
  \E p, q \in proposals : p.ballot # q.ballot /\ p.value = q.value
ReachLastSlot == Len(Prefix) = MaxSlot

Witnesses ==
  /\ Reached(1, "ReachOutsiderVote", ReachOutsiderVote)
  /\ Reached(2, "ReachReproposal", ReachReproposal)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
