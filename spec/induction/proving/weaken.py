"""What becomes of a proof when one premise is dropped: a conjunct of a guard, an axiom, an invariant.

Only queries whose proof used the premise are asked again. A query that is refuted then is a counterexample to
induction, no bad run: the state that it starts from may be one that is never reached. So *refused is not unsafe*, and
there are three endings:

* **refused**: something is refuted, and what is left of the invariants does not show safety;
* **redundant**: what is refuted is only needed for itself. Without those invariants, and all that falls with them, the
  rest is still inductive and still shows safety. Or it was an invariant that was dropped, and nothing misses it;
* **safe**: a guard or an axiom was dropped, and everything is proved as before.

What a solver does not decide in time is neither: then the whole is unknown.
"""

from enum import StrEnum

from attrs import evolve, frozen

from spec.induction.proving.models import smallest
from spec.induction.proving.prove import Proof
from spec.induction.proving.queries import Kind, Query, premises_of
from spec.induction.proving.solve import Answer, Effort, Outcome, solve

_OF_INVARIANTS = (Kind.INITIATION, Kind.CONSECUTION)
_OF_SAFETY = (Kind.SAFETY, Kind.REFINEMENT)


class Ending(StrEnum):
    """What became of a proof that lost a premise."""

    REFUSED = "refused"
    REDUNDANT = "redundant"
    SAFE = "safe"
    UNKNOWN = "unknown"


@frozen(kw_only=True, eq=False)
class Weakened:
    """A proof without `dropped`: what was asked again, what was refuted first, and which invariants fell after it."""

    proof: Proof
    dropped: str
    """A premise by its name: `guard vote.not_left`, `axiom one_window`, `invariant agreement`."""
    ending: Ending
    asked_again: int
    refuted: tuple[Answer, ...] = ()
    """The counterexamples to induction that appeared at first."""
    fallen: tuple[str, ...] = ()
    """Invariants that could not be kept, in the order in which they fell."""
    unsafe: tuple[Answer, ...] = ()
    """Queries of safety or refinement that are refuted with what is left."""
    unknown: tuple[Answer, ...] = ()

    @property
    def by(self) -> str:
        """The query that is refuted; empty if none is."""
        found = self.refuted or self.unsafe
        return found[0].query.name if found else ""

    @property
    def reason(self) -> str:
        """Why it ended like this, in a sentence."""
        if self.ending is Ending.REFUSED:
            return f"{self.by} is refuted"
        if self.ending is Ending.UNKNOWN:
            return f"{self.unknown[0].query.name} is not decided: {self.unknown[0].reason}"
        if self.refuted:
            fallen = ", ".join(self.fallen)
            return f"only {fallen} {'falls' if len(self.fallen) == 1 else 'fall'}, and safety is proved without"
        if self.asked_again:
            return f"all {self.asked_again} queries whose proofs used it are proved without it"
        return "no proof uses it"


def without(proof: Proof, dropped: str, effort: Effort) -> Weakened:
    """Drop a premise and see what is left. KeyError if the layer has no premise of that name."""
    if dropped not in premises_of(proof.system):
        raise KeyError(dropped)
    falling = _Falling(proof, effort)
    first = falling.drop({dropped})
    refuted = tuple(answer for answer in first if answer.outcome is Outcome.REFUTED)
    while falling.lost_now and not falling.unsafe:
        falling.drop({f"invariant {name}" for name in falling.lost_now})
    if falling.unsafe:
        ending = Ending.REFUSED
    elif falling.unknown:
        ending = Ending.UNKNOWN
    elif refuted or dropped.startswith("invariant "):
        ending = Ending.REDUNDANT
    else:
        ending = Ending.SAFE
    return Weakened(
        proof=proof, dropped=dropped, ending=ending, asked_again=len(first), refuted=refuted,
        fallen=tuple(falling.fallen), unsafe=tuple(falling.unsafe), unknown=tuple(falling.unknown),
    )  # fmt: skip


class _Falling:
    """The answers as premises are dropped, one set after the other, until what is left is inductive."""

    def __init__(self, proof: Proof, effort: Effort) -> None:
        self.effort = effort
        self.current = [answer for answer in proof.answers if answer.query.kind is not Kind.INCLUSION]
        self.dropped: set[str] = set()
        self.fallen: list[str] = []
        self.lost_now: list[str] = []
        self.unsafe: list[Answer] = []
        self.unknown: list[Answer] = []

    def drop(self, names: set[str]) -> list[Answer]:
        """Ask again what used these; what is refuted is lost, and its invariants fall in the next round."""
        self.dropped |= names
        asked: list[Answer] = []
        lost: dict[str, None] = {}
        # Safety first: where it fails there is no need to know what else falls.
        for at, answer in sorted(enumerate(self.current), key=lambda pair: pair[1].query.kind in _OF_INVARIANTS):
            subject = answer.query.about[-1]
            gone = answer.query.kind in _OF_INVARIANTS and f"invariant {subject}" in self.dropped
            if gone or not answer.used & names or (self.unsafe and asked):
                continue
            again = _decided(solve(_lacking(answer, self.dropped), self.effort), self.effort)
            self.current[at] = again
            asked.append(again)
            if again.outcome is Outcome.UNKNOWN:
                self.unknown.append(again)
            elif again.outcome is Outcome.REFUTED and again.query.kind in _OF_SAFETY:
                self.unsafe.append(again)
            elif again.outcome is Outcome.REFUTED:
                lost[subject] = None
        self.lost_now = list(lost)
        self.fallen += self.lost_now
        return asked


def _lacking(answer: Answer, dropped: set[str]) -> Query:
    premises = {name: formula for name, formula in answer.query.premises.items() if name not in dropped}
    return evolve(answer.query, premises=premises)


def _decided(answer: Answer, effort: Effort) -> Answer:
    """The answer; where the solver gave up, one more attempt to find a small structure that refutes the query."""
    if answer.outcome is not Outcome.UNKNOWN:
        return answer
    model = smallest(answer.query, effort)
    return answer if model is None else evolve(answer, outcome=Outcome.REFUTED, model=model)
