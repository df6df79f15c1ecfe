---------------------------- MODULE MCLivesRetire -----------------------------
(* Whatever its disk holds, it counts as lost: the other two go on without   *)
(* it, and agreement holds.                                                  *)
EXTENDS Lives, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 3>>
AudienceTable == <<{1, 2}, {1, 2, 3}>>
HeirTable     == <<1, 2, 3>>

Witnesses ==
  /\ Reached(1, "ReachLostVote", ReachLostVote)
  /\ Reached(2, "ReachLostUse", ReachLostUse)
  /\ Reached(3, "ReachStopped", ReachStopped)
  /\ Reached(4, "ReachOnWithout", ReachOnWithout)
===============================================================================
