-------------------------------- MODULE Volume --------------------------------
(* A volume, of which a primary and a replica hold a copy, and one sector of  *)
(* it.  A client writes to the primary, which writes to the replica, and is   *)
(* told once both hold it.  Who is primary and who replica stands in a record *)
(* of the volume's cell.  The record is changed by conditional writes, and    *)
(* each change is a new epoch; a cell is one atomic thing here, see Store.    *)
(*                                                                            *)
(* What keeps it safe:                                                        *)
(*   A server refuses what belongs to an older epoch than its own, for ever.  *)
(*   One copy is enough only after the record says so.                        *)
(*   A server serves an epoch once it has noted it down.                      *)
(*   A request dies with its connection; an attachment with the next one.     *)
(*   A new copy counts once it holds all that the primary holds, by what it   *)
(*   acknowledged under the epoch of the copying.                             *)
(*   A read returns what both copies hold.                                    *)
(* Refines Register: what the last copy of the chain holds has taken effect.  *)
(* Leaves out: the cell below the record, space on servers, lost disks (a     *)
(* server that is gone takes no step), other sectors.                         *)
(* The steps of clients and copies are those of Chain.                        *)
(* Mirrored by spec/volumes/volume.py.                                                *)
EXTENDS Chain

R == INSTANCE Register WITH contents <- Contents

Init ==
  /\ asked = {} /\ told = {}
  /\ reads = [q \in Reader |-> NoRead]
  /\ conn = [a \in Attachment |-> 1]
  /\ requests = {}
  /\ configs = <<[primary |-> 1, replica |-> 2, attached |-> 1]>>
  /\ epoch = [s \in Server |-> IF s \in {1, 2} THEN 1 ELSE 0]
  /\ data = [s \in Server |-> << >>]
  /\ chain = {} /\ copies = {} /\ acks = {} /\ looks = {} /\ echoes = {}

-------------------------------------------------------------------------------
\* The record is written if its epoch is the one that the writer knows.
Put(c) ==
  /\ Last < MaxEpoch
  /\ configs' = Append(configs, c)

\* A copy that does not hear of the other one goes on alone.
Shrink(m) ==
  /\ m \notin Gone /\ epoch[m] > 0
  /\ m \in {Of(m).primary, Of(m).replica} /\ ~ Alone(m)
  /\ epoch[m] = Last
  /\ Put([primary |-> m, replica |-> 0, attached |-> Of(m).attached])
  /\ UNCHANGED <<asked, told, reads, conn, requests, epoch, data, chain,
                 copies, acks, looks, echoes>>

\* The volume is attached to the next client, without asking the last one.
Attach(a) ==
  /\ a = Now.attached + 1
  /\ Put([Now EXCEPT !.attached = a])
  /\ UNCHANGED <<asked, told, reads, conn, requests, epoch, data, chain,
                 copies, acks, looks, echoes>>

\* A member reads the record, maybe an old one, and notes its epoch down.
Install(m, e) ==
  /\ m \notin Gone
  /\ e \in DOMAIN configs /\ e > epoch[m]
  /\ m \in {configs[e].primary, configs[e].replica}
  /\ epoch' = [epoch EXCEPT ![m] = e]
  /\ acks' = IF m = configs[e].replica
             THEN acks \cup {[epoch |-> e, server |-> m,
                              upto |-> Len(data[m])]}
             ELSE acks
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, data, chain,
                 copies, looks, echoes>>

\* A primary that is alone sends all it has to a new copy, and what it writes
\* from now on too.
Copy(p, r) ==
  /\ p \notin Gone /\ Serves(p) /\ Alone(p) /\ r # p
  /\ ~ \E m \in copies : m.epoch = epoch[p] /\ m.to = r
  /\ copies' = copies \cup {[epoch |-> epoch[p], to |-> r, data |-> data[p]]}
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, epoch, data,
                 chain, acks, looks, echoes>>

\* Once: a copy that comes late would undo what was written meanwhile.
Adopt(r, e) ==
  /\ r \notin Gone
  /\ epoch[r] < e
  /\ \E m \in copies : m.epoch = e /\ m.to = r
  /\ LET m == CHOOSE m \in copies : m.epoch = e /\ m.to = r IN
       /\ data' = [data EXCEPT ![r] = m.data]
       /\ acks' = acks \cup {[epoch |-> e, server |-> r,
                              upto |-> Len(m.data)]}
  /\ epoch' = [epoch EXCEPT ![r] = e]
  /\ UNCHANGED <<asked, told, reads, conn, requests, configs, chain, copies,
                 looks, echoes>>

\* The new copy holds everything, and joins.  While the primary asks for this
\* it takes nothing, and after a crash it asks anew: so this is one step.
Mirror(p, r) ==
  /\ p \notin Gone /\ Serves(p) /\ Alone(p)
  /\ epoch[p] = Last
  /\ \E m \in acks : /\ m.epoch = epoch[p] /\ m.server = r
                     /\ m.upto >= Len(data[p])
  /\ Put([primary |-> p, replica |-> r, attached |-> Of(p).attached])
  /\ epoch' = [epoch EXCEPT ![p] = Last + 1]
  /\ UNCHANGED <<asked, told, reads, conn, requests, data, chain, copies, acks,
                 looks, echoes>>

Next ==
  \/ \E w \in Write : Send(w)
  \/ \E a \in Attachment : Reconnect(a)
  \/ \E p \in Server, w \in Write, c \in Conn : Take(p, w, c)
  \/ \E p \in Server, k \in Place : Forward(p, k)
  \/ \E r \in Server, e \in Epoch, k \in Place : Hold(r, e, k)
  \/ \E p \in Server, w \in Write : Tell(p, w)
  \/ \E q \in Reader : Look(q)
  \/ \E p \in Server, q \in Reader : Consult(p, q)
  \/ \E r \in Server, q \in Reader : Echo(r, q)
  \/ \E p \in Server, q \in Reader : Finish(p, q)
  \/ \E m \in Server : Shrink(m)
  \/ \E a \in Attachment : Attach(a)
  \/ \E m \in Server, e \in Epoch : Install(m, e)
  \/ \E p \in Server, r \in Server : Copy(p, r)
  \/ \E r \in Server, e \in Epoch : Adopt(r, e)
  \/ \E p \in Server, r \in Server : Mirror(p, r)

Spec == Init /\ [][Next]_vars

-------------------------------------------------------------------------------
TypeOK ==
  /\ R!TypeOK
  /\ \A m \in requests : m.write \in asked /\ m.conn \in Conn
  /\ Last <= MaxEpoch
  /\ epoch \in [Server -> 0..MaxEpoch]
  /\ \A s \in Server : DOMAIN data[s] \subseteq Place

NothingLost == R!NothingLost
AtMostOnce == R!AtMostOnce
ReadsFresh == R!ReadsFresh

\* What was written under a newer epoch, or by a later attachment, is never
\* followed by what is older: whoever lost the volume writes no more.
OldWritesNoMore ==
  LET held == data[LastCopy] IN
  \A j, k \in DOMAIN held : j < k =>
    /\ held[j].epoch <= held[k].epoch
    /\ Writer[held[j].write] <= Writer[held[k].write]

\* Whoever knows the epoch of a primary holds a beginning of what that holds.
CopiesFollow ==
  \A p, s \in Server : Serves(p) /\ epoch[s] = epoch[p] =>
    /\ Len(data[s]) <= Len(data[p])
    /\ SubSeq(data[p], 1, Len(data[s])) = data[s]

\* That is R!Spec; TLC asks first what is true of most steps.
RefinesRegister == R!Init /\ [][UNCHANGED R!vars \/ R!Next]_(R!vars)
===============================================================================
