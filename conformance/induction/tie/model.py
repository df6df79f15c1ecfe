"""The tie of one model: every state, every step, and every guard with all its arguments, against the formulas."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from attrs import define, field, frozen

from conformance.graph.compare import narrate
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.readings import Args, Reading
from conformance.links import Failure, Verdict
from spec.differences import call
from spec.explain import explain
from spec.induction.formulas.evaluate import Facts, Relation
from spec.machine import Exploration, explore

MOST_FAILURES = 3
"""More of one model help nobody."""


@frozen(kw_only=True)
class Mismatch:
    """Where a model and the formulas part."""

    model: str
    kind: str
    """`axiom`, `beginning`, `state`, `step`, `guard`, `derived`, `stutter`, `flip` or `evaluation`."""
    action: str = ""
    arguments: Args = ()
    reason: str
    """An invariant, or a conjunct of a guard, or what is said of a relation."""
    path: tuple[str, ...] = ()
    """A shortest path to the state, as lines."""

    def as_failure(self, replay: str) -> Failure:
        """For the report of a link."""
        where = f" of {call(self.action, self.arguments)}" if self.action else ""
        title = f"{self.model}: the formulas and the graph part at a {self.kind}{where}: {self.reason}"
        return Failure(title=title, verdict=Verdict.REFUTED, lines=self.path, replay=replay)


@frozen(kw_only=True)
class TiedModel:
    """What was compared in one model."""

    name: str
    rung: str
    states: int
    edges: int
    stutters: int
    """Edges that no formula speaks of, which changed no fact."""
    guards: int
    """Guards that were evaluated, each for one state and one list of arguments."""
    exceptions: dict[str, int]
    """How often a guard held without an edge, by the declared reason."""
    taken: dict[str, int]
    """Steps of the formulas that edges took, derived ones among them."""
    mismatches: tuple[Mismatch, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Refuted by any mismatch."""
        return Verdict.REFUTED if self.mismatches else Verdict.HOLDS


Edge: TypeAlias = tuple[int, str, Args, int]
"""Source, action, arguments, target."""


@frozen
class Move:
    """A step of the formulas, and the facts that it leads from and to."""

    action: str
    args: Args
    before: Facts
    after: Facts


Report = Callable[[int], None]
"""Is told how many states are done."""


@define
class Tie:
    """One model's graph, read as facts, and the formulas that it is held against."""

    name: str
    formulas: Formulas
    found: Exploration[Any]
    _interned: dict[Relation, Relation] = field(factory=dict)
    _facts: list[Facts] = field(init=False)

    def __attrs_post_init__(self) -> None:
        reading = self.reading
        self._facts = [self._shared(reading.facts(self.found.state(n))) for n in range(self.found.distinct)]

    @classmethod
    def explored(cls, name: str, formulas: Formulas) -> "Tie":
        """The tie of a model that is explored whole."""
        return cls(name, formulas, explore(formulas.reading.machine, invariants=(), record=True))

    @property
    def reading(self) -> Reading[Any]:
        """How the model is read."""
        return self.formulas.reading

    def _shared(self, facts: Facts) -> Facts:
        """The same facts, with equal relations of different states kept once."""
        return {name: self._interned.setdefault(relation, relation) for name, relation in facts.items()}

    def facts(self, number: int) -> Facts:
        """The facts of a state."""
        return self._facts[number]

    def edges(self) -> Iterator[Edge]:
        """Every edge."""
        found = self.found
        for source, step, target in zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True):
            yield source, *found.steps[step], target

    def moves(self, edge: Edge) -> tuple[Move, ...]:
        """The steps of the formulas that an edge is, one after the other; none if it must change no fact."""
        source, name, args, target = edge
        if name in self.reading.stutters:
            return ()
        taken = self.reading.read_step(self.found.state(source), name, args)
        between = [self.reading.facts(one.leads_to) for one in taken if one.leads_to is not None]
        states = [self.facts(source), *between, self.facts(target)]
        return tuple(
            Move(one.action, one.args, before, after)
            for one, before, after in zip(taken, states[:-1], states[1:], strict=bool(taken))
        )

    def run(self, rung: str, report: Report = lambda _: None) -> TiedModel:
        """Compare everything, until a few mismatches are found."""
        start = time.monotonic()
        run = _Run(self, report)
        mismatches = []
        for mismatch in run.mismatches():
            mismatches.append(mismatch)
            if len(mismatches) == MOST_FAILURES:
                break
        return TiedModel(
            name=self.name,
            rung=rung,
            states=run.states,
            edges=run.edges,
            stutters=run.stutters,
            guards=run.guards,
            exceptions=dict(run.exceptions),
            taken=dict(run.taken),
            mismatches=tuple(mismatches),
            seconds=time.monotonic() - start,
        )

    def mismatch(self, kind: str, number: int, reason: str, action: str = "", args: Args = ()) -> Mismatch:
        """A mismatch in a state of the graph."""
        path = tuple(narrate(self.found.path(number)))
        return Mismatch(model=self.name, kind=kind, action=action, arguments=args, reason=reason, path=path)


@define
class _Run:
    """One pass through the states of a graph in their order, each with the edges that leave it."""

    tie: Tie
    report: Report
    states: int = 0
    edges: int = 0
    stutters: int = 0
    guards: int = 0
    exceptions: Counter[str] = field(factory=Counter)
    taken: Counter[str] = field(factory=Counter)

    def mismatches(self) -> Iterator[Mismatch]:
        """Where formulas and graph part."""
        yield from self._beginning()
        waiting = self.tie.edges()
        edge = next(waiting, None)
        for number in range(self.tie.found.distinct):
            taken: set[tuple[str, Args]] = set()
            yield from self._state(number)
            while edge is not None and edge[0] == number:
                moves = self.tie.moves(edge)
                taken.update((move.action, move.args) for move in moves[:1])
                yield from self._edge(edge, moves)
                edge = next(waiting, None)
            yield from self._guards(number, taken)
            self.report(number + 1)
        assert edge is None, "edges are recorded in the order of their sources"

    def _beginning(self) -> Iterator[Mismatch]:
        for axiom in self.tie.formulas.broken_axioms():
            yield self.tie.mismatch("axiom", 0, f"the model does not satisfy {axiom}")
        for number in range(self.tie.found.initial):
            for fact in self.tie.formulas.begun_otherwise(self.tie.facts(number)):
                yield self.tie.mismatch("beginning", number, f"the formulas say otherwise of {fact}")

    def _state(self, number: int) -> Iterator[Mismatch]:
        self.states += 1
        for name in self.tie.formulas.violated(self.tie.facts(number)):
            yield self.tie.mismatch("state", number, f"the invariant {name} does not hold")

    def _edge(self, edge: Edge, moves: tuple[Move, ...]) -> Iterator[Mismatch]:
        self.edges += 1
        source, name, args, target = edge
        if not moves:
            before, after = self.tie.facts(source), self.tie.facts(target)
            self.stutters += 1
            if before != after:
                changed = ", ".join(relation for relation in before if before[relation] != after[relation])
                yield self.tie.mismatch("stutter", source, f"it changes {changed}", name, args)
        for move in moves:
            step = move.action, move.args, move.before, move.after
            derived = self.tie.formulas.leads(*step)
            if derived is None:
                yield self.tie.mismatch("step", source, self.tie.formulas.why_not(*step), name, args)
                return
            self.taken[move.action] += 1
            self.taken.update(name for name, _ in derived)

    def _guards(self, number: int, taken: set[tuple[str, Args]]) -> Iterator[Mismatch]:
        formulas, facts = self.tie.formulas, self.tie.facts(number)
        unfinished = formulas.unfinished(facts)
        if unfinished is not None:
            yield self.tie.mismatch("derived", number, "it is enabled, and was not taken", *unfinished)
        self.guards += formulas.derived_guards
        if not self.tie.reading.guards:
            return
        state = self.tie.found.state(number)
        for name in self.tie.reading.steps:
            act = formulas.actions[name]
            for args in act.arguments(facts):
                self.guards += 1
                # That a guard holds where there is an edge was asked of the edge.
                if (name, args) not in taken:
                    yield from self._without_edge(number, state, name, args, holds=act.enabled(facts, *args))

    def _without_edge(self, number: int, state: Any, name: str, args: Args, *, holds: bool) -> Iterator[Mismatch]:
        declared = self.tie.reading.exception(state, name, args)
        if holds and declared:
            self.exceptions[declared] += 1
        elif holds:
            reason = f"it holds, and there is no edge{self._why_no_edge(state, name, args)}"
            yield self.tie.mismatch("guard", number, reason, name, args)
        elif declared:
            reason = f"it asks for more than what is declared ({declared})"
            yield self.tie.mismatch("guard", number, reason, name, args)

    def _why_no_edge(self, state: Any, name: str, args: Args) -> str:
        """What the machine's own action asks for, if it has one with these arguments."""
        machine = self.tie.reading.machine
        if name not in machine.action_names() or args not in machine.arguments(name):
            return ""
        return f", since in spec/ {explain(machine, state, name, args)}"
