"""One event given to one node of the real code: what it did, in the words of the specification, and what waits then."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from attrs import frozen

from conformance.exhaustive.events import FlushOne, Give, Happening, Hear, Restart, Wait
from conformance.exhaustive.outlet import Entry, Outlet, decoded, entry_of
from conformance.exhaustive.reading import must_answer_rightly, notes
from conformance.exhaustive.scopes import Scope
from conformance.exhaustive.translation import Said, Translation
from conformance.refutation import How, Refuted
from conformance.world.cells import Cell
from conformance.world.disk import Journal
from conformance.world.outcomes import RIDE_ALONG
from physalia import model
from physalia.cell import CorruptRecords
from physalia.model import NodeId
from spec import cell as spec


class Explorable(Cell, Protocol):
    """What the exploration asks of a node beside what the suite asks of every cell: to be put aside and compared."""

    def snapshot(self) -> Any:
        """What this node remembers, apart from it. Its `resend_at_ms` is when it is due to send again, or None."""

    def restore(self, snapshot: Any) -> None:
        """Remember that, and nothing else."""

    def key(self) -> Hashable:
        """What this node remembers, as a value: with equal keys nodes behave alike."""


class MakeExplorable(Protocol):
    """Makes a node, from its id, the first members, alpha, and the records that its disk holds."""

    def __call__(
        self, node_id: NodeId, first_members: frozenset[NodeId], alpha: int, records: Sequence[model.DurableRecord], /
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
class Deed:
    """What an event did.

    It was the action `label`, or a stutter of the kind `stutter`. It `says` something new; what it `repeats` was said
    before, or the code is wrong. It asks the nodes that it `invites` for their promise, and tells readers what was
    `found`.
    """

    label: Label | None
    stutter: str
    says: tuple[Said, ...] = ()
    repeats: tuple[Said, ...] = ()
    invites: frozenset[NodeId] = frozenset()
    found: tuple[model.Found, ...] = ()


class Performer:
    """Gives events to one node of a scope. It remembers nothing."""

    def __init__(self, scope: Scope, translation: Translation, node: NodeId, make_node: MakeExplorable) -> None:
        self.scope = scope
        self.node = node
        self._words = translation
        self._make_node = make_node
        self.is_mortal = node in scope.machine.mortals

    def start(self, outlet: Outlet) -> Explorable:
        """A node that starts from what is durable. Raises `Refuted` if it does not."""
        machine = self.scope.machine
        try:
            return self._make_node(self.node, machine.first, machine.alpha, [decoded(data) for data in outlet.durable])
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            how = How.JUDGED if isinstance(error, CorruptRecords) else How.NOT_STARTED
            raise Refuted(f"node {self.node} cannot start from its own disk: {why}", how=how) from error

    def perform(self, cell: Explorable, outlet: Outlet, happening: Happening) -> tuple[Explorable, Outlet, Deed]:
        """Let it happen to a node that has this outlet; the node (another if it crashed), its outlet, and the deed.

        Raises `Refuted` if the code does what is wrong whatever the specification says.
        """
        match happening:
            case FlushOne():
                outlet, says = outlet.flush()
                return cell, outlet, Deed(("flush", (self.node,)), "", says)
            case Restart(keep):
                return self._restart(cell, outlet, keep)
            case Give(event):
                return self._step(cell, outlet, event)
            case Hear(said):
                return self._step(cell, outlet, heard_as(said))
            case Wait():
                resend_at_ms = cell.snapshot().resend_at_ms
                return self._step(cell, outlet, model.Tick(0 if resend_at_ms is None else resend_at_ms))

    def view(self, cell: Explorable, outlet: Outlet) -> View:
        """A node as the specification sees it."""
        words, journal = self._words, _journal(outlet)
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

    def disk(self, outlet: Outlet) -> spec.Disk:
        """What is durable, as the specification sees it."""
        return self._words.disk(_journal(outlet))

    def give(self, cell: Explorable, event: model.Event) -> model.Step:
        """The step of the node. Raises `Refuted` if it raises anything."""
        try:
            return cell.step(event)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise Refuted(f"node {self.node} raised {why}", (f"given {event}",), How.RAISED) from error

    def due(self, cell: Explorable) -> tuple[model.Internal, ...]:
        """What the node says is due. Raises `Refuted` if it raises anything."""
        try:
            return cell.due()
        except Exception as error:
            title = f"node {self.node}, asked what is due, raised {type(error).__name__}: {error}"
            raise Refuted(title, how=How.RAISED) from error

    def _step(self, cell: Explorable, outlet: Outlet, event: model.Event) -> tuple[Explorable, Outlet, Deed]:
        known, reading = len(cell.known), cell.reading
        waited = () if reading is None else reading.requests
        step = self.give(cell, event)
        self._must_read_rightly(cell, event, step, waited)
        entry = entry_of(self.node, step, known, with_chatter=self.scope.chatter)
        self._must_know(cell, step)
        if isinstance(step.announces, model.Stutter):
            kind = step.announces.kind
            if entry.records or entry.must_flush:
                raise Refuted(f"node {self.node} stores something, and announces that the step was {kind}")
            says = tuple(said for said in entry.says if _is_chatter(said))
            return cell, outlet, Deed(None, kind, says, entry.without(says).says)
        label = self._words.step(step.announces)
        # The proposer that decides answers; whoever learns, and was asked too, answers again.
        again = tuple(said for said in entry.says if isinstance(said.message, model.Answer) and label[0] != "decide")
        entry = entry.without(again)
        if label[0] in RIDE_ALONG:
            found = tuple(effect for effect in step.effects if isinstance(effect, model.Found))
            says = (*entry.says, *self._notes(cell, step.announces, entry))
            return cell, outlet, Deed(label, "", says, found=found)
        outlet, says = outlet.take(entry, is_mortal=self.is_mortal)
        asked = (said.to for said in entry.says if isinstance(said.message, model.Prepare))
        return cell, outlet, Deed(label, "", says, again, frozenset[NodeId]().union(*asked))

    def _notes(self, cell: Explorable, action: model.Action, entry: Entry) -> tuple[Said, ...]:
        """What is noted of a step of a read, of which nothing waits: it depends on no record."""
        if entry.records or entry.must_flush:
            raise Refuted(f"node {self.node} stores something in a step of a read")
        reading = cell.reading
        slot = reading.slot if action.name == "consult" and reading is not None else len(cell.known)
        return notes(self.node, action, slot, entry.says, self._words)

    def _must_read_rightly(
        self, cell: Explorable, event: model.Event, step: model.Step, waited: tuple[model.RequestId, ...]
    ) -> None:
        """Whoever wants to read is in no round that began before, and is answered from what is applied (R7)."""
        log = tuple(map(self._words.command, cell.known))
        must_answer_rightly(self.node, step, waited, len(log), self.scope.machine.after(log).volume)
        reading = cell.reading
        if isinstance(event, model.Query) and reading is not None and reading.requests != waited:
            raise Refuted(f"node {self.node} lets a read into a round that began before it arrived", (str(event),))

    def _restart(self, cell: Explorable, outlet: Outlet, keep: int) -> tuple[Explorable, Outlet, Deed]:
        """A crash of which nothing can be seen is no step."""
        before, outlet_after = self.view(cell, outlet), outlet.crash(keep)
        restarted = self.start(outlet_after)
        if self.view(restarted, outlet_after) == before:
            return restarted, outlet_after, Deed(None, "restarted")
        return restarted, outlet_after, Deed(("crash", (self.node, len(restarted.known))), "")

    def _must_know(self, cell: Explorable, step: model.Step) -> None:
        """Who tells a decision, or writes it down, knows it."""
        for effect in step.effects:
            match effect:
                case model.Send(_, model.Decision(slot, value)) | model.Store(model.Known(slot, value)):
                    if not (1 <= slot <= len(cell.known) and cell.known[slot - 1] == value):
                        raise Refuted(f"node {self.node} tells of a decision that it does not know: {effect}")

    def must_teach(self, cell: Explorable) -> None:
        """Whoever knows a decision tells it to whoever asks, once in a tick: so decisions need no address."""
        memory = cell.snapshot()
        asking = next(node for node in self.scope.machine.nodes if node != self.node)
        for prefix in range(len(cell.known)):
            self.give(cell, model.Tick(0))
            step = self.give(cell, model.Receive(asking, model.Ask(prefix)))
            told = {effect.message for effect in step.effects if isinstance(effect, model.Send)}
            wanted = {model.Decision(slot, cell.known[slot - 1]) for slot in range(prefix + 1, len(cell.known) + 1)}
            if told != wanted:
                raise Refuted(f"node {self.node}, asked what comes after slot {prefix}, does not tell what it knows")
            cell.restore(memory)


def heard_as(said: Said) -> model.Event:
    """The event that something said is to whoever hears it."""
    if isinstance(said.message, model.Submit):
        return said.message
    assert isinstance(said.message, model.Message)
    return model.Receive(said.sender, said.message)


def _journal(outlet: Outlet) -> Journal:
    """The durable records, read in a way that shares nothing with the node's recovery."""
    journal = Journal()
    for data in outlet.durable:
        journal.read(decoded(data))
    return journal


def _is_chatter(said: Said) -> bool:
    return isinstance(said.message, model.Ask | model.Refusal)
