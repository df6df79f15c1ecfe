---------------------------- MODULE VolumeWitnesses ---------------------------
(* What models of Volume reach on purpose.                                    *)
EXTENDS Volume, Witnesses

Held(s) == {data[s][k].write : k \in DOMAIN data[s]}
Was(e)  == configs[e].primary

\* The record puts one copy in charge.
ReachReplicaAlone ==
  Last = 2 /\ Now.primary = 2 /\ Now.replica = 0 /\ told # {}
ReachPrimaryAlone ==
  Last = 2 /\ Now.primary = 1 /\ Now.replica = 0 /\ told # {}

\* A primary that was replaced writes what nobody will be told of, and the new
\* one goes on without it.
ReachStaleWrite ==
  \E p \in Server, w \in Write :
    /\ Serves(p) /\ epoch[p] < Last /\ Now.primary # p
    /\ w \in Held(p) /\ w \notin Held(Now.primary) /\ told # {}

\* A write that nobody was told of is there after a fail-over, and was not in
\* what counted before: it took effect late.  Nobody may call this a fault.
ReachReappeared ==
  /\ Last = 2 /\ Served = 2 /\ Now.primary = 1
  /\ \E k \in DOMAIN data[1] : /\ data[1][k].epoch = 1
                              /\ data[1][k].write \notin told \cup Held(2)

\* A new copy joined, beside the one that was lost or in its place.
ReachMirrored == \E e \in 2..Last : configs[e].replica # 0

\* What a former primary held alone is gone.
ReachOverwritten ==
  \E m \in chain : /\ m.epoch = 1 /\ told # {}
                   /\ epoch[1] > 1 /\ ~ Serves(1)
                   /\ m.entry.write \notin Held(1)

ReachAloneAgain ==
  /\ Last = 4 /\ Now.replica = 0 /\ told = Write
  /\ Now.primary # configs[2].primary

\* A request of a connection that is gone is still on its way, after the next
\* write was told of.
ReachStalled ==
  \E m \in requests : m.write = 1 /\ m.conn < conn[1] /\ 2 \in told
                      /\ \A s \in Server : \A k \in DOMAIN data[s] :
                           data[s][k].write # 1 \/ data[s][k].conn # m.conn

\* A write that was tried again stands there twice.
ReachTwice == Len(data[LastCopy]) > Len(Contents)

\* The client that lost the volume wrote to a primary that did not know.
ReachOldAttachment ==
  \E p \in Server : /\ Serves(p) /\ epoch[p] < Last
                    /\ Of(p).attached < Now.attached
                    /\ 1 \in Held(p) \ told

ReachBothWrote == {1, 2} \subseteq told
ReachForwarded ==
  \E m \in acks : m.epoch = 2 /\ m.upto > 0 /\ 1 \in Held(m.server)

\* A primary that was replaced asks for the sake of a read, after a write that
\* it does not hold.
ReachOldPrimaryAsks ==
  \E m \in looks : /\ m.epoch < Last /\ Now.primary # Was(m.epoch)
                   /\ reads[m.reader].stage = "open"
                   /\ reads[m.reader].least > 0
                   /\ ~ told \subseteq Held(Was(m.epoch))

\* A read returns less than what was there at its end.
ReachReadBefore ==
  \E q \in Reader : reads[q].stage = "done" /\ reads[q].result < Len(Contents)
===============================================================================
