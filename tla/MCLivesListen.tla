---------------------------- MODULE MCLivesListen -----------------------------
(* It hears of all that it lacks before it does anything: agreement holds.   *)
(* It leads the first ballot, which its disk may forget.                     *)
EXTENDS Lives, Witnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 3>>
AudienceTable == <<{1, 2}, {1, 3}>>
HeirTable     == <<1, 2, 3>>

Witnesses ==
  /\ Reached(1, "ReachLostVote", ReachLostVote)
  /\ Reached(2, "ReachLostPromise", ReachLostPromise)
  /\ Reached(3, "ReachLostUse", ReachLostUse)
  /\ Reached(4, "ReachStopped", ReachStopped)
===============================================================================
