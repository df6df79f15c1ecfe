----------------------- MODULE MCCellSharedCrashRefines -----------------------
(* The crashes of MCCellSharedCrash, seen from Ballots, which sees only what   *)
(* was sent: the order in which it leaves the node must be that in which it    *)
(* was written.                                                                *)
EXTENDS CellWitnesses

CommandTable ==
  [swap |-> [kind |-> "write", expects |-> 0,
            primary |-> "b", replica |-> "a"],
   move |-> [kind |-> "write", expects |-> 0,
            primary |-> "c", replica |-> "a"]]

OwnerTable    == <<1, 2>>
AudienceTable == <<{1, 3}, {2, 3}>>

Witnesses ==
  /\ Reached(1, "ReachOldVoteWaits", ReachOldVoteWaits)
  /\ Reached(2, "ReachReproposal", ReachReproposal)
  /\ Reached(3, "ReachLastSlot", ReachLastSlot)
===============================================================================
