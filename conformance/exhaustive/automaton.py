"""One node of the real code as an automaton: its local states have numbers, and each step is run once.

A local state is what the node remembers, by its own key, and what it wrote and said that is not out yet. Two nodes with
equal keys are taken for one; `audits.py` looks whether that is true.
"""

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias

from attrs import define, field, frozen

from conformance.exhaustive.events import FlushOne, Give, Happening, Hear, Restart, Wait
from conformance.exhaustive.outlet import Outlet, decoded, entry_of
from conformance.exhaustive.scopes import Scope
from conformance.exhaustive.translation import Said, Translation
from conformance.refutation import Refuted
from conformance.world.disk import Journal
from conformance.world.world import Cell
from physalia import model
from physalia.model import NodeId
from spec import cell as spec


class Explorable(Cell, Protocol):
    """What the exploration asks of a node beside what the suite asks of every cell: to be put aside and compared."""

    def snapshot(self) -> Any:
        """What this node remembers, apart from it."""

    def restore(self, snapshot: Any) -> None:
        """Remember that, and nothing else."""

    def key(self) -> Hashable:
        """What this node remembers, as a value: with equal keys nodes behave alike."""


class MakeExplorable(Protocol):
    """Makes a node, from its id, the first members, alpha, and the records that its disk holds."""

    def __call__(
        self, node_id: NodeId, first_members: frozenset[NodeId], alpha: int, records: list[model.DurableRecord], /
    ) -> Explorable:
        """Make it."""


class View(NamedTuple):
    """One node in the words of the specification: its part of each variable that nodes have."""

    promised: int
    accepted: tuple[spec.Accepted, ...]
    active: int
    known: tuple[str, ...]
    queue: tuple[spec.Entry, ...]
    disk: spec.Disk
    kept: int


Label: TypeAlias = tuple[str, tuple[object, ...]]
"""An action of the specification with its arguments."""


@frozen
class Edge:
    """What one event does in one local state.

    It was the action `label`, or a stutter of the kind `stutter`. It `says` something new; what it `repeats` was said
    before, or the code is wrong. It asks the nodes that it `invites` for their promise.
    """

    target: int
    label: Label | None
    stutter: str
    says: tuple[Said, ...] = ()
    repeats: tuple[Said, ...] = ()
    invites: frozenset[NodeId] = frozenset()


@define
class Local:
    """A local state: what the node remembers, what is not out yet, and how the specification sees both."""

    memory: Any
    outlet: Outlet
    view: int
    own: tuple[tuple[Happening, Edge], ...] | None = None
    """What can happen to it without a message, once that was run."""
    heard: dict[int, Edge] = field(factory=dict)
    """What the thing said with that bit does to it."""


class Automaton:
    """All that one node can do. Local state 0 is the beginning."""

    def __init__(self, scope: Scope, translation: Translation, node: NodeId, make_node: MakeExplorable) -> None:
        self.node = node
        self.runs = 0
        """How many steps of real code were run."""
        self.views: list[View] = []
        self.locals: list[Local] = []
        self._scope = scope
        self._translation = translation
        self._make_node = make_node
        self._is_mortal = node in scope.machine.mortals
        self._view_numbers: dict[View, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._outlet_keys: dict[Outlet, Hashable] = {}
        self._cell = self.start(Outlet())
        self._number(self._cell, Outlet(), None)

    def start(self, outlet: Outlet) -> Explorable:
        """A node that starts from what is durable. Raises `Refuted` if it does not."""
        machine = self._scope.machine
        try:
            return self._make_node(self.node, machine.first, machine.alpha, [decoded(data) for data in outlet.durable])
        except Exception as error:
            raise Refuted(
                f"node {self.node} cannot start from its own disk: {type(error).__name__}: {error}"
            ) from error

    # Numbers

    def _number(self, cell: Explorable, outlet: Outlet, source: Local | None) -> int:
        """The number of the local state that a node is in."""
        key = (cell.key(), self._outlet_key(outlet))
        number = self._numbers.get(key)
        if number is None:
            view = self.view(cell, outlet)
            if view.known and (source is None or view.known != self.views[source.view].known):
                self._must_teach(cell)
            view_number = self._view_numbers.setdefault(view, len(self.views))
            if view_number == len(self.views):
                self.views.append(view)
            number = self._numbers[key] = len(self.locals)
            self.locals.append(Local(cell.snapshot(), outlet, view_number))
        return number

    def _outlet_key(self, outlet: Outlet) -> Hashable:
        """What there is to tell an outlet from another: what a restart brings back, and what waits."""
        key = self._outlet_keys.get(outlet)
        if key is None:
            restarted = self.start(outlet).key() if self._is_mortal else None
            key = self._outlet_keys[outlet] = (restarted, self._disk(outlet), outlet.loose, outlet.queue)
        return key

    def _disk(self, outlet: Outlet) -> spec.Disk:
        return self._translation.disk(_journal(outlet))

    def view(self, cell: Explorable, outlet: Outlet) -> View:
        """A node as the specification sees it."""
        words, journal = self._translation, _journal(outlet)
        queue = tuple(
            spec.Entry(
                tuple(record for record in map(words.record, map(decoded, entry.records)) if record is not None),
                entry.known,
                words.messages(entry.says),
            )
            for entry in outlet.queue
        )
        return View(
            promised=words.ballot(cell.promised), accepted=words.votes(dict(cell.accepted)),
            active=words.ballot(cell.active), known=tuple(map(words.command, cell.known)),
            queue=queue, disk=words.disk(journal), kept=len(journal.known),
        )  # fmt: skip

    # Steps

    def at(self, number: int) -> Explorable:
        """The node in this local state; the same object each time."""
        self._cell.restore(self.locals[number].memory)
        return self._cell

    def hear(self, number: int, bit: int, said: Said) -> Edge:
        """What something said does in a local state: a message, or what a client asks for."""
        heard = self.locals[number].heard
        edge = heard.get(bit)
        if edge is None:
            edge = heard[bit] = self._step(number, heard_as(said))
        return edge

    def own(self, number: int) -> tuple[tuple[Happening, Edge], ...]:
        """Everything that may happen to a local state without a message, and what it does."""
        local = self.locals[number]
        if local.own is None:
            local.own = tuple((happening, self.run(number, happening)) for happening in self._happenings(number))
        return local.own

    def run(self, number: int, happening: Happening) -> Edge:
        """What an event does in a local state, whether it is remembered or not."""
        outlet = self.locals[number].outlet
        match happening:
            case FlushOne():
                flushed, says = outlet.flush()
                target = self._number(self.at(number), flushed, self.locals[number])
                return Edge(target, ("flush", (self.node,)), "", says)
            case Restart(keep):
                return self._restart(number, outlet.crash(keep))
            case Give(event):
                return self._step(number, event)
            case Hear(said):
                return self._step(number, heard_as(said))
            case Wait():
                resend_at_ms = self.locals[number].memory.resend_at_ms
                return self._step(number, model.Tick(0 if resend_at_ms is None else resend_at_ms))

    def _happenings(self, number: int) -> list[Happening]:
        local, machine = self.locals[number], self._scope.machine
        owned = [ballot for ballot in self._translation.ballots.values() if ballot.node == self.node]
        due = self._due(number)
        happenings: list[Happening] = [Give(model.Campaign(ballot)) for ballot in owned]
        happenings += map(Give, due)
        self._must_ignore(number, [event for event in self._internal(owned) if event not in due])
        if local.outlet.queue:
            happenings.append(FlushOne())
        if self.node in machine.mortals:
            happenings += (Restart(keep) for keep in range(len(local.outlet.loose) + 1))
        if self._scope.ticks:
            happenings.append(Wait())
        return happenings

    def _due(self, number: int) -> list[model.Internal]:
        """What the node says is due, within the slots of the scope."""
        cell = self.at(number)
        try:
            due = cell.due()
        except Exception as error:
            raise Refuted(f"node {self.node} raised {type(error).__name__}: {error}", ("asked what is due",)) from error
        return [event for event in due if event.slot in self._scope.machine.slots]

    def _internal(self, owned: list[model.Ballot]) -> Iterator[model.Internal]:
        """Every internal event of the scope that this node could be given."""
        for slot in self._scope.machine.slots:
            yield model.Learn(slot)
            for ballot in owned:
                yield model.Decide(ballot, slot)
                yield from (model.Propose(ballot, slot, value) for value in self._translation.values.values())

    def _must_ignore(self, number: int, events: list[model.Internal]) -> None:
        """What is not due does nothing."""
        cell = self.at(number)
        before = cell.key()
        for event in events:
            step = self._given(cell, event)
            if step.announces != model.Stutter("ignored") or step.effects:
                raise Refuted(f"node {self.node} acts on {event}, which it did not say was due")
        if cell.key() != before:
            raise Refuted(f"node {self.node} changes because of events that are not due", tuple(map(str, events)))

    def _given(self, cell: Explorable, event: model.Event) -> model.Step:
        self.runs += 1
        try:
            return cell.step(event)
        except Exception as error:
            raise Refuted(
                f"node {self.node} raised {type(error).__name__}: {error}", (f"given {event}",)
            ) from error

    def _step(self, number: int, event: model.Event) -> Edge:
        source = self.locals[number]
        cell = self.at(number)
        known = len(cell.known)
        step = self._given(cell, event)
        entry = entry_of(self.node, step, known, with_chatter=self._scope.chatter)
        self._must_know(cell, step)
        if isinstance(step.announces, model.Stutter):
            if entry.records or entry.must_flush:
                raise Refuted(f"node {self.node} stores in a step that is none: {step.announces.kind}", (str(event),))
            if isinstance(event, model.Propose | model.Decide | model.Learn):
                raise Refuted(f"node {self.node} said that {event} was due, and then it was {step.announces.kind}")
            says = tuple(said for said in entry.says if _is_chatter(said))
            repeats = tuple(said for said in entry.says if not _is_chatter(said))
            target = self._number(cell, source.outlet, source)
            return Edge(target, None, step.announces.kind, says, repeats)
        label = self._translation.step(step.announces)
        # The proposer that decides answers; whoever learns, and was asked too, answers again.
        again = tuple(said for said in entry.says if _is_answer(said) and label[0] != "decide")
        entry = entry.without(again)
        outlet, says = source.outlet.take(entry, is_mortal=self._is_mortal)
        invited = (said.to for said in entry.says if isinstance(said.message, model.Prepare))
        target = self._number(cell, outlet, source)
        return Edge(target, label, "", says, again, frozenset[NodeId]().union(*invited))

    def _restart(self, number: int, outlet: Outlet) -> Edge:
        source = self.locals[number]
        cell = self.start(outlet)
        target = self._number(cell, outlet, source)
        if self.locals[target].view == source.view:
            return Edge(target, None, "restarted")
        return Edge(target, ("crash", (self.node, len(cell.known))), "")

    # What is asked of every step

    def _must_know(self, cell: Explorable, step: model.Step) -> None:
        """Who tells a decision, or writes it down, knows it."""
        for effect in step.effects:
            match effect:
                case model.Send(_, model.Decision(slot, value)) | model.Store(model.Known(slot, value)):
                    if not (1 <= slot <= len(cell.known) and cell.known[slot - 1] == value):
                        raise Refuted(f"node {self.node} tells of a decision that it does not know: {effect}")

    def _must_teach(self, cell: Explorable) -> None:
        """Whoever knows a decision tells it to whoever asks: on this stands that decisions have no address."""
        memory = cell.snapshot()
        asking = next(node for node in self._scope.machine.nodes if node != self.node)
        for prefix in range(len(cell.known)):
            step = self._given(cell, model.Receive(asking, model.Ask(prefix)))
            told = {effect.message for effect in step.effects if isinstance(effect, model.Send)}
            wanted = {model.Decision(slot, cell.known[slot - 1]) for slot in range(prefix + 1, len(cell.known) + 1)}
            if told != wanted:
                raise Refuted(f"node {self.node}, asked what comes after slot {prefix}, does not tell what it knows")
            cell.restore(memory)


def heard_as(said: Said) -> model.Event:
    """The event that something said is to whoever hears it."""
    if isinstance(said.message, model.Submit):
        return said.message
    assert not isinstance(said.message, model.Answer)
    return model.Receive(said.sender, said.message)


def _journal(outlet: Outlet) -> Journal:
    """The durable records, read in a way that shares nothing with the node's recovery."""
    journal = Journal()
    for data in outlet.durable:
        journal.read(decoded(data))
    return journal


def _is_answer(said: Said) -> bool:
    return isinstance(said.message, model.Answer)


def _is_chatter(said: Said) -> bool:
    return isinstance(said.message, model.Ask | model.Refusal)
