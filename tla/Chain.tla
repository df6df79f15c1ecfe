-------------------------------- MODULE Chain ---------------------------------
(* The data path of Volume: what a client, a primary and a replica do with    *)
(* writes and reads of one sector.  The client writes to the primary, which   *)
(* writes to the replica, and is told once both hold it.  Who is what stands  *)
(* in a record, whose changes are in Volume.                                  *)
(* Mirrored by spec/volumes/chain.py.                                                 *)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Server,       \* 1..n
  Write,        \* writes, in the order in which a client makes them
  Reader,       \* reads
  Writer,       \* the attachment that makes a write
  MaxEpoch, MaxConn,   \* bounds
  Gone          \* servers that take no step: a bound

VARIABLES
  asked, told,  \* writes
  reads,        \* as in Register
  conn,         \* the open connection of each attachment
  requests,     \* [write, conn] that were sent
  configs,      \* the record under each epoch: [primary, replica, attached]
  epoch,        \* the epoch that a server has noted down; 0 for none
  data,         \* what a server holds: [write, conn, epoch], the oldest first
  chain,        \* [epoch, place, entry], from a primary down the chain
  copies,       \* [epoch, to, data], from a primary to a new copy
  acks,         \* [epoch, server, upto]: it holds so many entries
  looks,        \* [epoch, reader]: the primary asks for what the replica holds
  echoes        \* [epoch, reader, upto]: it holds so many

vars == <<asked, told, reads, conn, requests, configs, epoch, data, chain,
          copies, acks, looks, echoes>>

Attachment == {Writer[w] : w \in Write}
Epoch == 1..MaxEpoch
Conn  == 1..MaxConn
Place == 1..(Cardinality(Write) * MaxConn)

ASSUME /\ {1, 2} \subseteq Server
       /\ Writer \in [Write -> 1..Cardinality(Write)]

Last == Len(configs)
Now  == configs[Last]

Of(s)     == configs[epoch[s]]           \* the record that a server knows
Serves(s) == epoch[s] > 0 /\ Of(s).primary = s
Alone(s)  == Of(s).replica = 0

\* The newest epoch that its primary has noted down: what is served by.
Served == CHOOSE e \in DOMAIN configs :
            /\ epoch[configs[e].primary] >= e
            /\ \A f \in e + 1..Last : epoch[configs[f].primary] < f

LastCopy == LET c == configs[Served]
            IN IF c.replica = 0 THEN c.primary ELSE c.replica

\* The writes among entries.  A client that tries again may write twice, one
\* right after the other, which is the same as once.
RECURSIVE Writes(_)
Writes(s) ==
  IF s = << >> THEN << >>
  ELSE LET before == Writes(SubSeq(s, 1, Len(s) - 1))
           w == s[Len(s)].write
       IN IF before # << >> /\ before[Len(before)] = w THEN before
          ELSE Append(before, w)

Contents == Writes(data[LastCopy])

NoRead == [stage |-> "idle", least |-> 0, result |-> 0]

-------------------------------------------------------------------------------
\* A client makes one write after the other.  It tries again on another
\* connection, and goes on once it was told, or its connection is gone.
Send(w) ==
  LET a == Writer[w] IN
  /\ a <= Now.attached
  /\ w \notin told
  /\ [write |-> w, conn |-> conn[a]] \notin requests
  /\ \A u \in asked : Writer[u] = a => u <= w
  /\ ~ \E m \in requests : /\ Writer[m.write] = a /\ m.write # w
                           /\ m.write \notin told /\ m.conn = conn[a]
  /\ asked' = asked \cup {w}
  /\ requests' = requests \cup {[write |-> w, conn |-> conn[a]]}
  /\ UNCHANGED <<told, reads, conn, configs, epoch, data, chain, copies, acks,
                 looks, echoes>>

Reconnect(a) ==
  /\ conn[a] < MaxConn
  /\ conn' = [conn EXCEPT ![a] = @ + 1]
  /\ UNCHANGED <<asked, told, reads, requests, configs, epoch, data, chain,
                 copies, acks, looks, echoes>>

\* The primary writes, and sends it down the chain.
Take(p, w, c) ==
  /\ p \notin Gone /\ Serves(p)
  /\ [write |-> w, conn |-> c] \in requests
  /\ c = conn[Writer[w]]
  /\ Writer[w] = Of(p).attached
  /\ ~ \E k \in DOMAIN data[p] : data[p][k].write = w /\ data[p][k].conn = c
  /\ LET entry == [write |-> w, conn |-> c, epoch |-> epoch[p]] IN
       /\ data' = [data EXCEPT ![p] = Append(@, entry)]
       /\ chain' = chain \cup {[epoch |-> epoch[p],
                                place |-> Len(data[p]) + 1, entry |-> entry]}
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, epoch, copies,
                 acks, looks, echoes>>

\* Under a new epoch, what the replica may lack is sent anew.
Forward(p, k) ==
  /\ p \notin Gone /\ Serves(p) /\ ~ Alone(p)
  /\ k \in DOMAIN data[p] /\ data[p][k].epoch < epoch[p]
  /\ \A m \in acks : m.epoch = epoch[p] => m.upto < k
  /\ chain' = chain \cup {[epoch |-> epoch[p], place |-> k,
                           entry |-> data[p][k]]}
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, epoch, data,
                 copies, acks, looks, echoes>>

\* The replica, or a new copy, writes what comes down the chain, in order.
Hold(r, e, k) ==
  /\ r \notin Gone /\ ~ Serves(r)
  /\ e = epoch[r]
  /\ k = Len(data[r]) + 1
  /\ \E m \in chain : m.epoch = e /\ m.place = k
  /\ LET m == CHOOSE m \in chain : m.epoch = e /\ m.place = k IN
       data' = [data EXCEPT ![r] = Append(@, m.entry)]
  /\ acks' = acks \cup {[epoch |-> e, server |-> r, upto |-> k]}
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, epoch, chain,
                 copies, looks, echoes>>

\* What the client may be told of: both copies hold it, or there is one.
Safe(p, k) ==
  \/ Alone(p)
  \/ \E m \in acks : /\ m.epoch = epoch[p] /\ m.server = Of(p).replica
                     /\ m.upto >= k

\* On a connection that is gone nobody listens.
Tell(p, w) ==
  /\ p \notin Gone /\ Serves(p)
  /\ w \notin told
  /\ \E k \in DOMAIN data[p] : /\ data[p][k].write = w
                              /\ data[p][k].conn = conn[Writer[w]]
                              /\ Safe(p, k)
  /\ told' = told \cup {w}
  /\ UNCHANGED <<asked, reads, conn, requests, configs, epoch, data, chain,
                 copies, acks, looks, echoes>>

-------------------------------------------------------------------------------
\* A read begins.  What it returns must not be older than this.
Look(q) ==
  /\ reads[q] = NoRead
  /\ reads' = [reads EXCEPT ![q] = [stage |-> "open", least |-> Len(Contents),
                                    result |-> 0]]
  /\ UNCHANGED <<asked, told, conn, requests, configs, epoch, data, chain,
                 copies, acks, looks, echoes>>

\* The primary asks what the replica holds, and that has to come back under
\* the same epoch: a primary that was cut off holds what is old, or what
\* nobody else has.
Consult(p, q) ==
  /\ p \notin Gone /\ Serves(p) /\ ~ Alone(p)
  /\ reads[q].stage = "open"
  /\ looks' = looks \cup {[epoch |-> epoch[p], reader |-> q]}
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, epoch, data,
                 chain, copies, acks, echoes>>

Echo(r, q) ==
  /\ r \notin Gone /\ epoch[r] > 0 /\ Of(r).replica = r
  /\ [epoch |-> epoch[r], reader |-> q] \in looks
  /\ ~ \E m \in echoes : m.epoch = epoch[r] /\ m.reader = q
  /\ echoes' = echoes \cup {[epoch |-> epoch[r], reader |-> q,
                             upto |-> Len(data[r])]}
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, epoch, data,
                 chain, copies, acks, looks>>

Finish(p, q) ==
  /\ p \notin Gone /\ Serves(p)
  /\ reads[q].stage = "open"
  /\ Alone(p) \/ \E m \in echoes : m.epoch = epoch[p] /\ m.reader = q
  /\ LET upto == IF Alone(p) THEN Len(data[p])
                 ELSE (CHOOSE m \in echoes :
                         m.epoch = epoch[p] /\ m.reader = q).upto
     IN reads' = [reads EXCEPT
                    ![q].stage = "done",
                    ![q].result = Len(Writes(SubSeq(data[p], 1, upto)))]
  /\ UNCHANGED <<asked, told, conn, requests, configs, epoch, data, chain,
                 copies, acks, looks, echoes>>
===============================================================================
