------------------------------ MODULE CellWitnesses ----------------------------
(* What a run must have seen to be worth anything.  These predicates are no    *)
(* claims: a model lists in its `Witnesses` those that it exists for, TLC      *)
(* prints each when it first holds, and the manifest refuses a run in which    *)
(* one is missing.  A model that looks fine and never reaches what it is for   *)
(* is the easiest mistake to make.                                             *)
(* Mirrored by the witnesses of spec/cell.py.                                  *)
EXTENDS CellProperties, Witnesses

Configuration(i) == Members(DecidedLog, i)

\* A slot beyond alpha is proposed under a configuration that a change made.
ReachNewConfiguration ==
  \E p \in proposals : Configuration(p.slot) # First

ReachTwoConfigurations ==
  \E d, e \in decisions : Configuration(d.slot) # Configuration(e.slot)

\* Two owners work on the same slot under a configuration that a change made.
ReachContest ==
  \E p, q \in proposals : /\ p.slot = q.slot /\ Owner[p.ballot] # Owner[q.ballot]
                          /\ Configuration(p.slot) # First

\* Without the promise of a new member there would have been no majority.
ReachLatePromise ==
  \E p \in proposals : \E n \in Promisers(p.ballot) \ First :
    ~ IsMajority(Promisers(p.ballot) \ {n}, Configuration(p.slot))

\* A node voted under a ballot before it promised it: why the guard is `<=`.
ReachVoteBeforePromise ==
  \E m \in promises : \E r \in m.accepted : r.ballot = m.ballot

\* A new proposer re-proposes the value that it was told of.
ReachReproposal ==
  \E m \in promises : \E r \in m.accepted :
    /\ r.ballot < m.ballot /\ Owner[r.ballot] # Owner[m.ballot]
    /\ WasProposed(m.ballot, r.slot, r.value)

\* A proposer was told of different votes for one slot and chose.
ReachChoice ==
  \E m, k \in promises : m.ballot = k.ballot /\
    \E r \in m.accepted, s \in k.accepted :
      r.slot = s.slot /\ r.value # s.value /\ IsProposed(m.ballot, r.slot)

ReachHoleFilled ==
  \E d, e \in decisions : d.value = NoOp /\ e.slot = d.slot + 1

\* Two proposers got the same command decided, in different slots.
ReachSecondPlace ==
  \E d, e \in decisions : d.slot < e.slot /\ d.value = e.value /\ d.value # NoOp

\* Whoever knew of a decision lost it in a crash.
ReachLostKnowledge ==
  \E d \in decisions : \A n \in Nodes : Len(known[n]) < d.slot

\* A node that a change brought in takes over.
ReachNewcomerLeads == \E m \in prepares : Owner[m.ballot] \notin First

\* A proposer starts from a prefix that another one decided.
ReachTakeover == \E m \in prepares : m.prefix > 0

ReachFailedChange ==
  \E t \in told : Content[t.command].kind = "change" /\ ~ t.verdict.done

ReachFailedWrite ==
  \E t \in told : Content[t.command].kind = "write" /\ ~ t.verdict.done

\* Two changes are pending at once: they fold in order.
ReachTwoPending ==
  \E i \in DOMAIN DecidedLog : \E j \in (i + 1)..Min(i + Alpha - 1, Len(DecidedLog)) :
    /\ After(SubSeq(DecidedLog, 1, i)).jury # After(SubSeq(DecidedLog, 1, i - 1)).jury
    /\ After(SubSeq(DecidedLog, 1, j)).jury # After(SubSeq(DecidedLog, 1, j - 1)).jury

\* From here a crash takes a vote with it that nobody heard of.
ReachVoteWaits == \E n \in Nodes : Waiting("votes", n) # {}

\* A vote is yet to be flushed, and the node has promised a higher ballot: it
\* must leave before that promise.
ReachOldVoteWaits ==
  \E n \in Nodes : \E w \in Waiting("votes", n) : w.ballot < promised[n]

\* A node votes under a ballot while its answer to it waits.
ReachAnswerWaits ==
  \E n \in Nodes : Waiting("promises", n) # {} /\ Waiting("votes", n) # {}

\* A proposer goes on while its disk lags.
ReachProposalWaits == \E n \in Nodes : Waiting("proposals", n) # {}

\* A proposer knows of a decision, and nobody was told.
ReachDecisionWaits == \E n \in Nodes : Waiting("decisions", n) # {}

\* A ballot is in use that a crash would make new again.
ReachBallotWaits == \E n \in Nodes : Waiting("prepares", n) # {}

\* A flush kept what the node knew, and a restart may find more.
ReachKept  == \E n \in Nodes : kept[n] > 0
ReachFound == \E n \in Mortals : queue[n] = << >> /\ kept[n] < Len(known[n])

\* A member that a change brought in is sent the prepare, as it was.
ReachInvitation ==
  \E m, k \in prepares : m.ballot = k.ballot /\ m.to # k.to

\* Somebody votes who was not asked to.
ReachStray ==
  \E w \in votes : \A p \in proposals :
    p.ballot = w.ballot /\ p.slot = w.slot => w.node \notin p.to

\* Enough nodes voted, or promised, and it is no majority: one is no member.
ReachOutsiderVote ==
  \E p \in proposals : LET all == Voters(p.ballot, p.slot)
                      IN  /\ 2 * Cardinality(all) > Cardinality(First)
                          /\ ~ IsMajority(all, Configuration(p.slot))
ReachOutsiderPromise ==
  \E b \in Ballot : /\ 2 * Cardinality(Promisers(b)) > Cardinality(First)
                    /\ ~ IsMajority(Promisers(b), First)

\* The bound is wide enough: every slot was decided.
ReachLastSlot == \E d \in decisions : d.slot = MaxSlot
===============================================================================
