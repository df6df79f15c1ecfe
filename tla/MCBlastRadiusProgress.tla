------------------------ MODULE MCBlastRadiusProgress -------------------------
(* A volume that needs its cell and is served works again, while devices fail *)
(* and return and the cell moves on, if copies go on trying.  Or it is served *)
(* no more: also by its own doing, since the copy that goes on alone may be   *)
(* one that the instance does not reach.                                      *)
EXTENDS BlastRadiusClaims, SiteSingleFed

TheSite == [SingleFed EXCEPT !.servers =
              @ \o <<[name |-> "n5", rack |-> "rb", switches |-> {"tb"}]>>]
TheClients == [instance |-> "i", primary |-> "p", replica |-> "r"]
TheRules   == {"row", "instance", "copies"}
MayFail    == {<<"tb">>, <<"fc">>}

\* What a copy can do for ever it does at last.  Said of states and steps, and
\* not by WF: TLC asks ENABLED anew of every distance in the network.
CanShrink  == \E r \in Copy : MayShrink(r)
CanInstall == \E r \in Copy : MayInstall(r)
Shrinks  == Len(configs') = Last + 1 /\ configs'[Last + 1].replica = 0
Installs == configs' = configs /\ epoch' # epoch
Tried ==
  /\ <>[]CanShrink  => []<><<Shrinks>>_vars
  /\ <>[]CanInstall => []<><<Installs>>_vars

\* A write can be acknowledged.
Works ==
  \E p \in Copy : /\ Acknowledges(p) /\ Reaches(Instance, At[p])
                  /\ Alone(p) \/ Reaches(At[p], At[Of(p).replica])

\* The last epoch is a bound of the model.
WorksAgain ==
  Tried => ((Needy /\ Served /\ Last < MaxEpoch) ~> (Works \/ ~ Served \/ Last = MaxEpoch))

ReachServedAlone == Works /\ Last = 2 /\ failed # {} /\ \E p \in Copy : Alone(p) /\ Acknowledges(p)

Witnesses ==
  /\ Reached(1, "ReachNeedyByOne", ReachNeedyByOne)
  /\ Reached(2, "ReachServedAlone", ReachServedAlone)
  /\ Reached(3, "ReachMirrored", ReachMirrored)
  /\ Reached(4, "ReachMoved", ReachMoved)
===============================================================================
