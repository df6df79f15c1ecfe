--------------------------- MODULE BlastRadiusClaims --------------------------
(* What is claimed of the blast radius, and what models of it reach on purpose:*)
(* a claim whose premise never holds says nothing.                             *)
EXTENDS BlastRadius, Witnesses

TypeOK ==
  /\ good \subseteq SUBSET (Server \ Client)
  /\ failed \subseteq Fallible
  /\ cell \subseteq Server \ Client /\ Cardinality(cell) = Size
  /\ Last \in 1..MaxEpoch
  /\ \A e \in DOMAIN configs : configs[e].primary \in Copy /\ configs[e].replica \in {0} \cup Copy
  /\ epoch \in [Copy -> 1..Last]
  /\ hint \in [Copy -> SUBSET Server]
  /\ holds \subseteq Copy

\* No single failure puts a volume into blast, nor would at its next need.
NothingByOneFailure == Cardinality(failed) <= 1 => ~ Unserved

\* Whatever burns outside of the row of the clients: if nothing fails in it, the
\* volume is served.
Locality == failed \cap Home = {} => ~ Unserved

\* A network may fall into any pieces, of which a server on two switches may
\* touch two: one that instance, copy and a majority touch is enough.
Touches(s, piece) == Lives(s, failed) /\ SwitchesAt(s, failed) \cap piece # {}
Whoever(piece)    == {s \in cell : Touches(s, piece)}
PieceOf(t)        == Around({t}, failed, Living(failed))[Cardinality(Switch)]
GoesOn(piece, r)  == Touches(At[r], piece) /\ IsMajority(Whoever(piece))
PiecesGoOn ==
  Lives(Instance, failed) =>
    \A t \in SwitchesAt(Instance, failed), r \in Present : GoesOn(PieceOf(t), r) => Served

\* Where a copy could ask the cell, it finds it, by what it knows.
FoundWhereServed == \A r \in Copy : HasMajority(r) => Finds(r)

\* That no volume is served twice is not topology's doing: two pieces may both
\* have a majority.  It is the epochs'.
OneAcknowledges == \A p, q \in Copy : Acknowledges(p) /\ Acknowledges(q) => p = q
NothingLost     == \A p \in Copy : Acknowledges(p) => p \in holds

-------------------------------------------------------------------------------
\* The premises can hold, and what is claimed has something to be about.
ReachNeedyByOne  == Cardinality(failed) = 1 /\ Needy
ReachFarFire     == failed # {} /\ failed \cap Home = {}
ReachBlast       == Blast
ReachUnservedOnly == Unserved /\ Whole
ReachCutOff      == Up(Instance, failed) /\ Asks = {}
ReachServedByTheOther ==
  \E r \in Asks : Served /\ ~ HasMajority(r)
ReachTwoPieces ==
  \E t, u \in SwitchesAt(Instance, failed) :
    /\ Lives(Instance, failed) /\ PieceOf(t) # PieceOf(u)
    /\ \E r \in Present : GoesOn(PieceOf(t), r)
    /\ IsMajority(Whoever(PieceOf(u)))

\* The instance sees a majority, and no copy that it reaches does.
ReachSeenFromInstanceOnly ==
  Blast /\ IsMajority(cell \cap After(Instance))

ReachMoved     == \E r \in Copy : hint[r] # cell /\ Cardinality(failed) = 1 /\ Needy
ReachAlone     == \E p \in Copy : Acknowledges(p) /\ Alone(p) /\ holds = {p}
ReachMirrored  == Last = 3 /\ configs[3].replica # 0 /\ \E p \in Copy : epoch[p] = 3 /\ Acknowledges(p)
ReachLeftAlone ==   \* the record has changed, and a copy still thinks that it is primary
  \E p \in Copy : Of(p).primary = p /\ p \notin Present /\ ~ Acknowledges(p)
===============================================================================
