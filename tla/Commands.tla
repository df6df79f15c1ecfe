------------------------------- MODULE Commands -------------------------------
(* What a command means, for every rung of the ladder: this module has no      *)
(* variables.  A slot holds the *name* of a command; `Content` says what it    *)
(* asks for.  The example is the record that EBS keeps for a volume: who is    *)
(* primary and who is replica, under a version, changed by a conditional       *)
(* write.  The jury record is the same thing for the control plane: who are    *)
(* the members, under a version, changed by a conditional change.              *)
(*                                                                             *)
(* Rules: R1 (a configuration is a fold of decided commands), R5 (apply is     *)
(* total and deterministic; conditions are judged when a command is applied).  *)
(* Leaves out: sessions (a command is asked at most once, by its name),        *)
(* transactions over many keys, versions of the software.                      *)
(* Mirrored by spec/commands.py.                                               *)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Content,   \* name -> [kind |-> "write", expects, primary, replica]
             \*       | [kind |-> "read"]
             \*       | [kind |-> "change", expects, members]
  First,     \* C0, the members for slots 1..Alpha
  Alpha      \* a change decided in slot i counts from slot i + Alpha on

NoOp    == "noop"                 \* fills a hole, asks for nothing
Command == DOMAIN Content
Value   == Command \cup {NoOp}    \* what a slot may hold

ASSUME Alpha \in Nat \ {0} /\ NoOp \notin Command

-------------------------------------------------------------------------------
(* The state that a log of values leads to.                                    *)

Beginning == [volume   |-> [version |-> 0, primary |-> "a", replica |-> "b"],
              jury     |-> [version |-> 0, members |-> First],
              verdicts |-> << >>]     \* name -> what its client is told

\* A verdict carries the record as it is afterwards, so that a client whose
\* condition failed learns what to expect the next time.
Judged(state, name, done, saw) ==
  [state EXCEPT !.verdicts = [c \in DOMAIN @ \cup {name} |->
     IF c = name THEN [done |-> done, saw |-> saw] ELSE @[c]]]

Written(state, name, content) ==
  LET old  == state.volume
      done == content.expects = state.volume.version
      new  == IF done THEN [version |-> old.version + 1,
                            primary |-> content.primary,
                            replica |-> content.replica] ELSE old
  IN  Judged([state EXCEPT !.volume = new], name, done, new)

\* The version that a change expects is compared with the version *including
\* changes still pending* (R1): the jury record runs ahead of the membership,
\* which `Members` reads Alpha slots behind.
Changed(state, name, content) ==
  LET old  == state.jury
      done == content.expects = state.jury.version
      new  == IF done THEN [version |-> old.version + 1,
                            members |-> content.members] ELSE old
  IN  Judged([state EXCEPT !.jury = new], name, done, new)

\* One value applied.  Two proposers may both get a command decided, in
\* different slots: only its first place counts (R6, exactly once).
Applied(state, value) ==
  IF value = NoOp \/ value \in DOMAIN state.verdicts THEN state
  ELSE LET content == Content[value]
       IN  CASE content.kind = "write"  -> Written(state, value, content)
             [] content.kind = "change" -> Changed(state, value, content)
             [] content.kind = "read"   ->
                  Judged(state, value, TRUE, state.volume)

RECURSIVE AfterFrom(_, _)
AfterFrom(state, values) ==
  IF values = << >> THEN state
  ELSE AfterFrom(Applied(state, Head(values)), Tail(values))

After(log) == AfterFrom(Beginning, log)

\* What a log says of a command; about one that is not in it, nothing good.
VerdictOn(log, c) ==
  LET verdicts == After(log).verdicts
  IN  IF c \in DOMAIN verdicts THEN verdicts[c]
      ELSE [done |-> FALSE, saw |-> [version |-> 0]]

-------------------------------------------------------------------------------
(* Configurations and majorities.                                              *)

Min(x, y) == IF x < y THEN x ELSE y

\* The configuration of slot i, for whoever knows `log`.  It means what it says
\* only if the log reaches to i - Alpha; callers see to that.
Members(log, i) ==
  After(SubSeq(log, 1, Min(i - Alpha, Len(log)))).jury.members

IsMajority(S, members)  == 2 * Cardinality(S \cap members) > Cardinality(members)
Majorities(members)     == {Q \in SUBSET members : IsMajority(Q, members)}

\* An error in `Members` that all rungs share would refine well and agree with
\* itself, so the table of the rule stands here once more, written out.
ASSUME ChangeCountsAlphaSlotsLater ==
  \A c \in Command :
    (Content[c].kind = "change" /\ Content[c].expects = 0) =>
       /\ Members(<< >>, Alpha) = First
       /\ Members(<<c>>, Alpha) = First
       /\ Members(<<c>>, Alpha + 1) = Content[c].members
       /\ Members(<<NoOp, c>>, Alpha + 1) = First
       /\ Members(<<NoOp, c, c>>, Alpha + 2) = Content[c].members
===============================================================================
