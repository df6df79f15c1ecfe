"""All joint states of the nodes and the network, breadth first, and the three demands on them.

1. Every step of the code is a step of the specification with that name and those arguments, or a declared stutter.
2. Every step that the specification can take is taken by some step of the code.
3. In every state of the code, whatever can happen in its projection is accepted, and each internal step can be reached
   by hidden steps alone, up to the value that is proposed, and counting rejected commands as not asked.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from attrs import define

from conformance.describe import difference, refusal
from conformance.exhaustive.automaton import Automaton, Misstep
from conformance.exhaustive.graph import INTERNAL, Graph, Projected
from conformance.exhaustive.moves import Clients, Mover, Row, Shift, Shifts
from conformance.exhaustive.network import Sent
from conformance.exhaustive.performing import MakeExplorable, Performer, View
from conformance.exhaustive.rows import FIELD_BITS, Rows
from conformance.exhaustive.scopes import Scope
from conformance.exhaustive.translation import NOBODY, Said, Translation, Written
from conformance.refutation import Refuted
from physalia import model
from physalia.cell import Node
from spec.cell import State
from spec.differences import call
from spec.values import function_of, put


@define
class Found:
    """How much was explored: joint states, steps from one to another, and `runs` of real code, each remembered."""

    states: int = 0
    steps: int = 0
    depth: int = 0
    seconds: float = 0.0
    runs: int = 0


class Disagreement(Exception):
    """Code and specification disagree in joint state `joint`; `last` is the event that showed it, if one did."""

    def __init__(self, joint: int, refuted: Refuted, last: str = "") -> None:
        super().__init__(refuted.title)
        self.joint = joint
        self.refuted = refuted
        self.last = last


class NeverTaken(Exception):
    """The code never took steps that the specification can take from a state that the code was in."""

    def __init__(self, projected: Projected, missing: int) -> None:
        super().__init__("some steps are never taken")
        self.projected = projected
        self.missing = missing


Progress: TypeAlias = Callable[[Found, int], None]
"""Is told about once a second what was found, and how many joint states wait."""


class Product:
    """The joint states of one scope."""

    def __init__(self, scope: Scope, graph: Graph, make_node: MakeExplorable = Node) -> None:
        self.scope = scope
        self.graph = graph
        self.translation = Translation(scope.machine)
        nodes, words = scope.machine.nodes, self.translation
        self.sent = Sent(scope, words, FIELD_BITS * len(nodes))
        self.shifts = Shifts()
        asks = {name: Said(NOBODY, model.Submit(words.commands[name]), frozenset()) for name in scope.machine.commands}
        self.beginning = sum(self.sent.bit(said) for name, said in asks.items() if name in scope.machine.early)
        self.nodes = [
            Rows(Automaton(performer, words), self.sent, graph, self.shifts, FIELD_BITS * place)
            for place, performer in enumerate(Performer(scope, words, node, make_node) for node in nodes)
        ]
        later = [asks[name] for name in asks if name not in scope.machine.early]
        self.clients = [Clients(self.sent, graph, self.shifts, later)] if later else []
        self.movers: list[Mover] = [*self.nodes, *self.clients]
        self.found = Found()

    # The exploration

    def explore(self, progress: Progress = lambda _found, _waiting: None) -> Found:
        """Visit every joint state.

        Raises `Disagreement` at the first one, on a shortest path, that is not as it must be, and `NeverTaken`.
        """
        with _no_collection():
            self._explore(progress)
        missing = self.graph.never_taken()
        if missing is not None:
            raise NeverTaken(*missing)
        return self.found

    def _explore(self, progress: Progress) -> None:
        started = looked_at = time.monotonic()
        found, table, steps = self.found, self._table(), 0
        seen = {self.beginning}
        frontier = [(self.beginning, self.first())]
        while frontier:
            found.depth += 1
            following: list[tuple[int, Projected]] = []
            for place, (joint, projected) in enumerate(frontier):
                takes, reaches, after = 0, 0, projected.after
                for known, mask, mover in table:
                    part = joint & mask
                    row = known.get(part)
                    if row is None or row.reaches < 0:
                        row = self._row(joint, mover, part)
                        table = self._table()
                    takes |= row.takes
                    reaches |= row.reaches
                    steps += row.steps
                    for flip, add, shift in row.moves:
                        if shift >= 0 and shift not in after:
                            self._compare(joint, projected, shift)
                        target = (joint ^ flip) | add
                        if target not in seen:
                            seen.add(target)
                            following.append((target, projected if shift < 0 else after[shift]))
                if projected.outside & ~takes or projected.internal & ~reaches:
                    self._must_accept(joint, projected, takes, reaches)
                if not place % 64 and time.monotonic() - looked_at > 1:
                    looked_at = time.monotonic()
                    self._count(len(seen), looked_at - started)
                    progress(found, len(frontier) - place + len(following))
            frontier = following
        self._count(len(seen), time.monotonic() - started)
        found.steps = steps

    def _count(self, states: int, seconds: float) -> None:
        self.found.states, self.found.seconds = states, seconds
        self.found.runs = sum(rows.automaton.runs for rows in self.nodes)

    def _table(self) -> list[tuple[dict[int, Row], int, Mover]]:
        return [(mover.known, mover.mask, mover) for mover in self.movers]

    def _row(self, joint: int, mover: Mover, part: int) -> Row:
        try:
            mover.reaches(part)
        except Misstep as misstep:
            last = "" if misstep.happening is None else mover.words(misstep.happening)
            raise Disagreement(joint, misstep.refuted, last) from None
        return mover.row(part)

    # Projection

    def first(self) -> Projected:
        """The projection of the beginning, which must be the one of the specification."""
        state = self.project(self.beginning)
        (wanted,) = self.graph.machine.init()
        if state != wanted:
            raise Disagreement(self.beginning, Refuted("the code begins in another state", difference(wanted, state)))
        return self.graph.at(0)

    def project(self, joint: int) -> State:
        """The state of the specification that a joint state shows, made from nothing else."""
        views = [rows.automaton.views[rows.automaton.locals[rows.local(joint)].view] for rows in self.nodes]
        make = type(self.graph.found.state(0))
        per_node: dict[str, Any] = {
            name: function_of(getattr(view, name) for view in views) for name in View._fields if name in make._fields
        }
        written = [
            one for said, one in zip(self.sent.said, self.sent.written, strict=True)
            if one is not None and joint & self.sent.bit_of[said]
        ]  # fmt: skip
        empty: dict[str, Any] = {name: frozenset() for name in make._fields if name not in per_node}
        return make(**_with(empty, written), **per_node)

    def shown(self, state: State, shift: Shift) -> State:
        """The state after a step of the code, as the code shows it."""
        changes: dict[str, Any] = {}
        if shift.node != NOBODY:
            view = self.nodes[shift.node - 1].automaton.views[shift.view]
            for name, value in zip(view._fields, view, strict=True):
                before = getattr(state, name, None)  # coming and going is not in every model
                if before is not None and before[shift.node] != value:
                    changes[name] = put(before, shift.node, value)
        variables = {variable: getattr(state, variable) for variable, _ in shift.written}
        return state._replace(**changes, **_with(variables, shift.written))

    # The demands

    def judge(self, joint: int, projected: Projected) -> None:
        """Make the first and the third demand on one joint state. Raises `Disagreement`."""
        takes = reaches = 0
        for mover in self.movers:
            row = self._row(joint, mover, joint & mover.mask)
            takes, reaches = takes | row.takes, reaches | row.reaches
            for _, _, shift in row.moves:
                if shift >= 0 and shift not in projected.after:
                    self._compare(joint, projected, shift)
        if projected.outside & ~takes or projected.internal & ~reaches:
            self._must_accept(joint, projected, takes, reaches)

    def _last(self, joint: int, shift: int) -> str:
        """The event that is this step in a joint state, in words."""
        for mover in self.movers:
            row = mover.row(joint & mover.mask)
            for move, happening in zip(row.moves, row.happenings, strict=True):
                if move.shift == shift:
                    return mover.words(happening)
        raise LookupError(shift)

    def _compare(self, joint: int, projected: Projected, number: int) -> None:
        """The first demand: the step is one of the specification, and leads to the same state."""
        shift, graph = self.shifts.known[number], self.graph
        state = graph.found.state(projected.number)
        label = graph.found.steps[shift.step]
        target = next((target for step, target in graph.edges_from(projected.number) if step == shift.step), None)
        if target is None:
            title = f"the code takes {call(*label)}, which the specification does not allow here"
            raise Disagreement(joint, Refuted(title, refusal(graph.machine, state, *label)), self._last(joint, number))
        shown = self.shown(state, shift)
        if graph.found.number(shown) != target:
            title = f"after {call(*label)} the code is not where the specification is"
            lines = ("- specification, + code:", *difference(graph.found.state(target), shown))
            raise Disagreement(joint, Refuted(title, lines), self._last(joint, number))
        projected.taken |= 1 << shift.step
        projected.after[number] = graph.at(target)

    def _must_accept(self, joint: int, projected: Projected, takes: int, reaches: int) -> None:
        """The third demand, where it is not met at first sight: rejected commands count as not asked."""
        missing = self.graph.calls(projected.outside & ~takes)
        state = self.graph.found.state(projected.number)
        for name, args in self.graph.calls(projected.internal & ~reaches):
            if name != "propose" or self._is_wanted(joint, state, args):
                missing.append((name, args))
        if missing:
            title = f"the specification allows {call(*missing[0])} here, and the code does not"
            if missing[0][0] in INTERNAL:
                title += ", whatever it hears"
            raise Disagreement(joint, Refuted(title, [f"missing: {call(*label)}" for label in missing]))

    def _is_wanted(self, joint: int, state: State, args: tuple[Any, ...]) -> bool:
        """Whether something may be proposed in that slot even if what the proposer rejects counts as not asked."""
        ballot, slot, _ = args
        machine = self.graph.machine
        rows = self.nodes[machine.owner[ballot] - 1]
        rejects = rows.row(joint & rows.mask).rejects
        asked = state._replace(asked=state.asked - rejects)
        return any(machine.propose(asked, ballot, slot, value) is not None for value in machine.values)


def _with(variables: dict[str, Any], written: "list[Written] | frozenset[Written]") -> dict[str, Any]:
    """The variables after all of this was written down."""
    more: dict[str, set[Any]] = {}
    for variable, value in written:
        more.setdefault(variable, set()).add(value)
    return {variable: some | more.get(variable, set()) for variable, some in variables.items()}


@contextmanager
def _no_collection() -> Iterator[None]:
    """No collection of garbage: what is made here stays, and holds no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
