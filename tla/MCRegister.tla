------------------------------- MODULE MCRegister ------------------------------
(* Two writes in every order, and a read that goes on meanwhile.              *)
EXTENDS Register, Witnesses

ReachReadBefore ==
  \E q \in Reader : /\ reads[q].stage = "done"
                    /\ reads[q].result < Len(contents)

ReachReadAfter ==
  \E q \in Reader : reads[q].stage = "done" /\ reads[q].least > 0

Witnesses ==
  /\ Reached(1, "ReachReadBefore", ReachReadBefore)
  /\ Reached(2, "ReachReadAfter", ReachReadAfter)
===============================================================================
