---------------------------- MODULE LeavingWitnesses ---------------------------
(* What a model of Leaving must have seen to be worth anything: no claims.     *)
EXTENDS Leaving, Witnesses

ReachErased == \E n \in Nodes : Erased(n)

\* A node knows that it was removed, and waits for those who learn.
ReachWaits ==
  \E n \in Leavers : place[n] = "here" /\ Served(n) # {} /\
    \E i \in 1..(Len(known[n]) + Alpha - 1) :
      T!Highest(Served(n)) <= i /\ ~ IsMajority(Learned(i), T!MembersOf(n, i + 1))

\* Whom a change removed knows that, and votes in a slot that is still its own.
ReachRemovedVotes ==
  \E n \in Leavers, d \in decisions : d.slot < Len(T!DecidedLog) /\
    \E w \in votes : w.node = n /\ w.slot > d.slot /\ Content[d.value].kind = "change"

\* Who was erased is a member of what another one's pointer says.
ReachPointerLeadsOn ==
  \E n, m \in Nodes : Erased(n) /\ Erased(m) /\ m \in pointer[n].members

\* Nobody is left who voted for what is decided, but one.
ReachTrust == \E d \in decisions :
  Cardinality({w.node : w \in {v \in votes : v.slot = d.slot}} \cap Present) < 2

\* Erased by the word of a node whose disk is lost by now.
ReachLateWord == \E n \in Leavers : Erased(n) /\ Lost # {}

\* What is known waits to be flushed because somebody asked.
ReachSettles == \E n \in Nodes : Settled(n) > kept[n] /\ n \in Mortals

\* A node that a snapshot taught speaks for what it was not there for.
ReachTaughtSpeaks == \E n \in Students, m \in Leavers :
  Erased(m) /\ T!Floor(n) > 0 /\ n \in pointer[m].members

\* A later configuration than the next speaks for a node that is to leave.
ReachLaterWord == \E n \in Leavers : Erased(n) /\ pointer[n].version > 1
===============================================================================
