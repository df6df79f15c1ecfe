"""The proof: layer by layer, every query once.

A layer inherits what was proved of the layer that it extends, obligation by obligation: if the claim is the same
formula, and every premise that the proof used is a premise here too, or is implied by the invariants here, then the
proof holds here, and the query is not asked again. Anything else is asked anew.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from attrs import define, evolve, field, frozen

from spec.induction.formulas.kernel import System
from spec.induction.proving.queries import Kind, Query, queries_of
from spec.induction.proving.solve import Answer, Effort, Outcome, solve

Watcher = Callable[[str, int, int], None]
"""Is told the layer, how many of its queries are done, and how many there are."""


@frozen(kw_only=True, eq=False, slots=False)
class Proof:
    """What was proved of one layer: the answers to its own queries, and those that it has from the layer below."""

    system: System
    asked: Mapping[str, Answer]
    inherited: Mapping[str, Answer]

    @property
    def seconds(self) -> float:
        """How long its own queries took together; those of the layer below are counted there."""
        return sum(answer.seconds for answer in self.asked.values())

    @property
    def outcome(self) -> Outcome:
        """Proved only if every query is; refuted if one is."""
        return worst(answer.outcome for answer in self.answers)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, asked here or below."""
        return (*self.asked.values(), *self.inherited.values())

    def find(self, kind: Kind, about: tuple[str, ...]) -> Answer | None:
        """The answer to the query of that kind about that."""
        return self._by_subject.get((kind, about))

    @cached_property
    def _by_subject(self) -> Mapping[tuple[Kind, tuple[str, ...]], Answer]:
        return {(answer.query.kind, answer.query.about): answer for answer in self.answers}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Refuted if anything is; else unknown if anything is, or if there is nothing at all; else proved."""
    found = set(outcomes) or {Outcome.UNKNOWN}
    return next(one for one in (Outcome.REFUTED, Outcome.UNKNOWN, Outcome.PROVED) if one in found)


def prove(
    system: System, below: Proof | None = None, effort: Effort | None = None, watch: Watcher | None = None
) -> Proof:
    """Ask everything that there is to prove of a layer and was not proved below."""
    proving = _Proving(below, effort or Effort())
    queries = list(queries_of(system, below.system if below else None))
    for done, query in enumerate(queries, start=1):
        proving.take(query)
        if watch is not None:
            watch(system.name, done, len(queries))
    return Proof(system=system, asked=proving.asked, inherited=proving.inherited)


@define
class _Proving:
    """One layer under way."""

    below: Proof | None
    effort: Effort
    asked: dict[str, Answer] = field(factory=dict)
    inherited: dict[str, Answer] = field(factory=dict)
    implied: dict[str, frozenset[str]] = field(factory=dict)
    """Invariants of the layer below that were shown to follow here, and from what."""

    def take(self, query: Query) -> None:
        answer = self._from_below(query)
        if answer is not None:
            self.inherited[query.name] = answer
            return
        self.asked[query.name] = answer = solve(query, self.effort)
        if query.kind is Kind.INCLUSION and answer.outcome is Outcome.PROVED:
            self.implied[f"invariant {query.about[-1]}"] = answer.used

    def _from_below(self, query: Query) -> Answer | None:
        """The answer to the same query below, if its proof holds here word by word."""
        answer = self.below.find(query.kind, query.about) if self.below else None
        if answer is None or answer.outcome is not Outcome.PROVED or not answer.query.claim.eq(query.claim):
            return None
        used: set[str] = set()
        for name in answer.used:
            if name in query.premises and answer.query.premises[name].eq(query.premises[name]):
                used.add(name)
            elif name in self.implied:
                used |= self.implied[name]
            else:
                return None
        return evolve(
            answer, query=query, used=frozenset(used), seconds=0.0, origin=answer.origin or answer.query.name
        )  # fmt: skip
