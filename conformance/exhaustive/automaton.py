"""One node of the real code as an automaton: its local states have numbers, and each step is run once.

A local state is what the node remembers, by its own key, and what it wrote and said that is not out yet. Two nodes with
equal keys are taken for one; `audits.py` looks whether that is true.
"""

from collections.abc import Hashable, Iterator
from typing import Any

from attrs import define, field, frozen

from conformance.exhaustive.events import FlushOne, Give, Happening, Hear, Lose, Make, Restart, Wait
from conformance.exhaustive.forgetting import leavers, students
from conformance.exhaustive.outlet import Outlet
from conformance.exhaustive.performing import Deed, Explorable, Performer, View
from conformance.exhaustive.reading import queries
from conformance.exhaustive.translation import Said, Translation
from conformance.refutation import Refuted
from physalia import model
from spec.cell import Cell
from spec.leaving import Leaving
from spec.service.reads import Reads
from spec.teaching import Teaching

IGNORED = model.Stutter("ignored")

MOST_PRINTS = 4
"""So many nodes that differ somewhere, and have equal keys, are looked at for each local state."""


class Misstep(Exception):
    """The code did what is wrong by itself: what, and the event that showed it, if one did."""

    def __init__(self, happening: Happening | None, refuted: Refuted) -> None:
        super().__init__(refuted.title)
        self.happening = happening
        self.refuted = refuted


@frozen
class Edge:
    """What one event does in one local state, and the local state that it leads to."""

    target: int
    deed: Deed


@define
class Twin:
    """A node that was taken for the one that is remembered under `number`, and holds something else."""

    number: int
    memory: Any
    outlet: Outlet


@define
class Local:
    """A local state: what the node remembers, what is not out yet, and how the specification sees both."""

    memory: Any
    outlet: Outlet
    view: int
    own: tuple[tuple[Happening, Edge], ...] | None = None
    """What can happen to it without a message, once that was run."""
    heard: dict[int, tuple[Happening, Edge]] = field(factory=dict)
    """What the thing said with that bit does to it."""
    prints: set[int] = field(factory=set)
    """Of the nodes that were seen in it, by whatever they hold."""

    def edges(self) -> tuple[tuple[Happening, Edge], ...]:
        """Everything that was run in it."""
        return (*(self.own or ()), *self.heard.values())


class Automaton:
    """All that one node can do. Local state 0 is the beginning."""

    def __init__(self, performer: Performer, translation: Translation) -> None:
        self.performer = performer
        self.node = performer.node
        self.runs = 0
        """How many events were given to real code."""
        self.views: list[View] = []
        self.locals: list[Local] = []
        self.twins: list[Twin] = []
        self._translation = translation
        self._view_numbers: dict[View, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._outlet_keys: dict[Outlet, Hashable] = {}
        self._cell = performer.start(performer.beginning)
        self._number(self._cell, performer.beginning, -1)

    def _number(self, cell: Explorable, outlet: Outlet, source: int) -> int:
        """The number of the local state that a node is in, which comes from local state `source`."""
        key = self.key(cell, outlet)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._add(cell, outlet)
        elif number != source:
            self._look_at(number, cell, outlet)
        return number

    def _add(self, cell: Explorable, outlet: Outlet) -> int:
        self.performer.must_answer(cell, outlet)
        view = self.performer.view(cell, outlet)
        view_number = self._view_numbers.setdefault(view, len(self.views))
        if view_number == len(self.views):
            self.views.append(view)
        memory = cell.snapshot()
        self.locals.append(Local(memory, outlet, view_number, prints={hash((repr(memory), outlet))}))
        return len(self.locals) - 1

    def _look_at(self, number: int, cell: Explorable, outlet: Outlet) -> None:
        """Keep a node that holds something else than those that were seen in this local state."""
        prints = self.locals[number].prints
        if len(prints) < MOST_PRINTS:
            memory = cell.snapshot()
            a_print = hash((repr(memory), outlet))
            if a_print not in prints:
                prints.add(a_print)
                self.twins.append(Twin(number, memory, outlet))

    def key(self, cell: Explorable, outlet: Outlet) -> Hashable:
        """What there is to tell a local state from another: memory, what a restart brings back, and what waits."""
        key = self._outlet_keys.get(outlet)
        if key is None:
            restarted = self.performer.start(outlet).key() if self.performer.is_mortal else None
            waits = (outlet.loose, outlet.queue, outlet.place, outlet.pointer, outlet.dropped, outlet.taught)
            key = self._outlet_keys[outlet] = (restarted, self.performer.disk(outlet), *waits)
        return cell.key(), key

    def at(self, number: int) -> Explorable:
        """The node in this local state; the same object each time."""
        self._cell.restore(self.locals[number].memory)
        return self._cell

    # Edges

    def hear(self, number: int, bit: int, happening: Happening) -> Edge:
        """What something that was said, with that bit, does in a local state. Raises `Misstep`."""
        heard = self.locals[number].heard
        known = heard.get(bit)
        if known is None:
            known = heard[bit] = (happening, self._run(number, happening))
        return known[1]

    def own(self, number: int) -> tuple[tuple[Happening, Edge], ...]:
        """Everything that may happen to a local state without a message, and what it does. Raises `Misstep`."""
        local = self.locals[number]
        if local.own is None:
            local.own = tuple((happening, self._run(number, happening)) for happening in self._happenings(number))
        return local.own

    def _run(self, number: int, happening: Happening) -> Edge:
        self.runs += 1
        try:
            cell, outlet, deed = self.performer.perform(self.at(number), self.locals[number].outlet, happening)
            return Edge(self._number(cell, outlet, number), deed)
        except Refuted as refuted:
            raise Misstep(happening, refuted) from None

    def _happenings(self, number: int) -> list[Happening]:
        scope, outlet = self.performer.scope, self.locals[number].outlet
        if not outlet.is_anybody:
            return [Make()] if outlet.place == "absent" else []
        owned = [ballot for ballot in self._translation.ballots.values() if ballot.node == self.node]
        due = self._due(number, owned)
        happenings: list[Happening] = [*(Give(model.Campaign(ballot)) for ballot in owned), *map(Give, due)]
        happenings += map(Give, queries(scope.machine, self.node, scope.readers))
        happenings += self._changes(scope.machine)
        if outlet.queue:
            happenings.append(FlushOne())
        if self.performer.is_mortal:
            happenings += (Restart(keep) for keep in range(len(outlet.loose) + 1))
        if scope.ticks:
            happenings.append(Wait())
        return happenings

    def _changes(self, machine: Cell) -> Iterator[Happening]:
        """What becomes of the node in models where logs are cut and nodes come and go."""
        if isinstance(machine, Teaching) and self.node in machine.truncators:
            yield from (Give(model.Truncate(slot)) for slot in machine.slots)
        if self.node in leavers(machine):
            yield Give(model.Leave())
        if isinstance(machine, Leaving) and self.node in machine.frail:
            yield Lose()
        if self.performer.is_mortal:
            yield from (Hear(Said(node, model.HowFar(), frozenset({self.node}))) for node in self.performer.askers[:1])

    def _due(self, number: int, owned: list[model.Ballot]) -> list[model.Internal]:
        """The internal events that do something, which must be those that the node says are due."""
        cell = self.at(number)
        slots = self.performer.scope.machine.slots
        try:
            due = [
                event for event in self.performer.due(cell)
                if getattr(event, "slot", 1) in slots and self._is_round(event)
            ]  # fmt: skip
        except Refuted as refuted:
            raise Misstep(None, refuted) from None
        before = cell.key()
        for event in self._internal(owned):
            self.runs += 1
            if event not in due:
                self._must_ignore(cell, event)
        if cell.key() != before:
            title = f"node {self.node} changes because of events that it ignores: they were not due"
            raise Misstep(Give(event), Refuted(title))
        return due

    def _must_ignore(self, cell: Explorable, event: model.Internal) -> None:
        try:
            step = self.performer.give(cell, event)
        except Refuted as refuted:
            raise Misstep(Give(event), refuted) from None
        if step.announces != IGNORED or step.effects:
            title = f"node {self.node} acts on an event that it did not say was due"
            raise Misstep(Give(event), Refuted(title, (str(step.announces),)))

    def _internal(self, owned: list[model.Ballot]) -> Iterator[model.Internal]:
        """Every internal event of the scope that this node could be given."""
        for slot in self.performer.scope.machine.slots:
            for ballot in owned:
                yield model.Decide(ballot, slot)
                yield from (model.Propose(ballot, slot, value) for value in self._translation.values.values())
            yield model.Learn(slot)
            if self.node in students(self.performer.scope.machine):
                yield from (model.Install(teacher, slot) for teacher in self.performer.scope.machine.nodes)
            if self.node in leavers(self.performer.scope.machine):
                yield model.Erase(slot)
        if isinstance(machine := self.performer.scope.machine, Reads):
            for ballot in owned:
                for read in range(1, machine.max_reads[self._translation.ballot(ballot)] + 1):
                    yield from (model.Consult(ballot, read), model.Serve(ballot, read))

    def _is_round(self, event: model.Internal) -> bool:
        """Whether a round of reads is within the bounds of the scope; true of all other events."""
        machine = self.performer.scope.machine
        if not isinstance(event, model.Consult):
            return True
        return isinstance(machine, Reads) and event.read <= machine.max_reads[self._translation.ballot(event.ballot)]
