----------------------------- MODULE MCBallotsLate -----------------------------
(* Two ballots and one slot, when nothing has been asked in the beginning: a   *)
(* command comes while ballots are under way, and none is proposed before.     *)
EXTENDS Ballots, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"]]

ReachNoOpBeforeAsked == proposals # {} /\ asked = {}
ReachLastSlot == Len(Prefix) = MaxSlot

Witnesses ==
  /\ Reached(1, "ReachNoOpBeforeAsked", ReachNoOpBeforeAsked)
  /\ Reached(2, "ReachLastSlot", ReachLastSlot)
===============================================================================
