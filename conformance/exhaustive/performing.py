"""One event given to one node of the real code: what it did, in the words of the specification, and what waits then."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from attrs import evolve, frozen

from conformance.exhaustive.events import FlushOne, Give, Happening, Hear, Lose, Make, Restart, Wait
from conformance.exhaustive.forgetting import (
    LEAST_SLOTS,
    ask_for_the_snapshot,
    how_far,
    leavers,
    must_remember,
    must_say_how_far,
    students,
    teach,
)
from conformance.exhaustive.outlet import Entry, Lesson, Outlet, decoded, entry_of, is_chatter
from conformance.exhaustive.reading import must_answer_rightly, notes
from conformance.exhaustive.scopes import Scope
from conformance.exhaustive.translation import Said, Translation
from conformance.refutation import How, Refuted
from conformance.world.cells import Cell
from conformance.world.disk import Journal
from conformance.world.outcomes import RIDE_ALONG
from physalia import model
from physalia.cell import Consultation, CorruptRecords
from physalia.model import NodeId
from spec import cell as spec
from spec import outbox
from spec.commands import Jury
from spec.leaving import Leaving, Nowhere


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
    place: str
    pointer: Jury


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
        self.askers = sorted(leavers(scope.machine) - {node})
        """Who may ask this node how far it has learned."""
        self.pupils = students(scope.machine) - {node}
        """Whom this node may teach by a snapshot."""
        is_absent = isinstance(scope.machine, Leaving) and node in scope.machine.newcomers
        self.beginning = Outlet(place="absent" if is_absent else "here")
        self._lessons: dict[tuple[model.Command, ...], model.Chunk] = {}

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
        if not outlet.is_anybody:
            if isinstance(happening, Make):
                return self.start(Outlet()), Outlet(), Deed(("create", (self.node,)), "")
            return cell, outlet, Deed(None, "ignored")
        match happening:
            case FlushOne():
                flushed, says = outlet.flush()
                return cell, flushed, Deed(("flush", (self.node,)), "", (*says, *self._learned(outlet, flushed)))
            case Restart(keep):
                return self._restart(cell, outlet, keep)
            case Give(event):
                return self._step(cell, outlet, event)
            case Hear(said):
                cell, outlet, deed = self._step(cell, outlet, heard_as(said))
                if isinstance(said.message, model.Chunk) and deed.stutter == "recorded":
                    taught = {lesson.teacher: lesson for lesson in outlet.taught}
                    taught[said.sender] = Lesson(said.sender, said.message.slot, said.log)
                    outlet = evolve(outlet, taught=tuple(taught[teacher] for teacher in sorted(taught)))
                return cell, outlet, deed
            case Lose():
                return cell, evolve(outlet, place="lost"), Deed(("lose", (self.node,)), "")
            case Wait():
                resend_at_ms = cell.snapshot().resend_at_ms
                return self._step(cell, outlet, model.Tick(0 if resend_at_ms is None else resend_at_ms))
            case Make():
                raise ValueError(f"node {self.node} is here already")

    def view(self, cell: Explorable, outlet: Outlet) -> View:
        """A node as the specification sees it."""
        words, journal = self._words, _journal(outlet)
        queue = tuple(
            spec.Entry(self._records(entry), entry.known, words.messages(entry.says)) for entry in outlet.queue
        )
        log, pointer = (*outlet.dropped, *cell.known.entries), outlet.pointer
        return View(
            promised=words.ballot(cell.promised), accepted=words.votes(dict(cell.accepted)),
            active=words.ballot(cell.active), known=tuple(map(words.command, log)),
            queue=queue, disk=words.disk(journal), kept=len(journal.known) if self.is_mortal else 0,
            place=outlet.place, pointer=Nowhere if pointer is None else Jury(pointer.version, pointer.members),
        )  # fmt: skip

    def _records(self, entry: Entry) -> tuple[outbox.Record, ...]:
        """What an entry writes; a flush of decisions alone says how many were learned."""
        records = (self._words.record(decoded(data)) for data in entry.records)
        some = tuple(record for record in records if record is not None)
        return some or ((outbox.Learned(entry.known),) if entry.must_flush else ())

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
        before, reading = (*outlet.dropped, *cell.known.entries), cell.reading
        known = len(before)
        waited = () if reading is None else reading.requests
        step = self.give(cell, event)
        log = self._log(cell, outlet, before, event, step)
        self._must_read_rightly(event, step, waited, cell.reading, log)
        entry = entry_of(self.node, step, known, log, with_chatter=self.scope.chatter)
        self._must_know(cell, step)
        if isinstance(step.announces, model.Stutter):
            kind = step.announces.kind
            if entry.records or entry.must_flush:
                raise Refuted(f"node {self.node} stores something, and announces that the step was {kind}")
            says = tuple(said for said in entry.says if is_chatter(said.message))
            return cell, outlet, Deed(None, kind, says, entry.without(says).says)
        label = self._words.step(step.announces)
        # The proposer that decides answers; whoever learns, and was asked too, answers again.
        again = tuple(said for said in entry.says if isinstance(said.message, model.Answer) and label[0] != "decide")
        entry = entry.without(again)
        if label[0] in RIDE_ALONG:
            found = tuple(effect for effect in step.effects if isinstance(effect, model.Found))
            says = (*entry.says, *self._notes(cell, step.announces, entry))
            return cell, outlet, Deed(label, "", says, found=found)
        entry = evolve(entry, says=(*entry.says, *self._taught(log, known)))
        outlet, says = outlet.take(entry, is_mortal=self.is_mortal)
        lessons = tuple(lesson for lesson in outlet.taught if lesson.slot > len(log))
        outlet = evolve(outlet, dropped=log[: cell.known.base], taught=lessons)
        if label[0] == "erase":
            left = [record for record in map(decoded, entry.records) if isinstance(record, model.Left)]
            outlet = evolve(outlet, place="absent", pointer=left[-1] if left else None)
        if not self.is_mortal and len(log) > known:
            says += how_far(self.scope.machine, self.node, len(log))
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
        self,
        event: model.Event,
        step: model.Step,
        waited: tuple[model.RequestId, ...],
        reading: Consultation | None,
        log: tuple[model.Command, ...],
    ) -> None:
        """Whoever wants to read is in no round that began before, and is answered from what is applied (R7)."""
        volume = self.scope.machine.after(tuple(map(self._words.command, log))).volume
        must_answer_rightly(self.node, step, waited, len(log), volume)
        if isinstance(event, model.Query) and reading is not None and reading.requests != waited:
            raise Refuted(f"node {self.node} lets a read into a round that began before it arrived", (str(event),))

    def _restart(self, cell: Explorable, outlet: Outlet, keep: int) -> tuple[Explorable, Outlet, Deed]:
        """A crash of which nothing can be seen is no step."""
        before, outlet_after = self.view(cell, outlet), outlet.crash(keep)
        restarted = self.start(outlet_after)
        log = (*outlet.dropped, *cell.known.entries)
        outlet_after = evolve(outlet_after, dropped=log[: restarted.known.base])
        if self.view(restarted, outlet_after) == before:
            return restarted, outlet_after, Deed(None, "restarted")
        says = self._learned(outlet, outlet_after)
        return restarted, outlet_after, Deed(("crash", (self.node, len(restarted.known))), "", says)

    def _must_know(self, cell: Explorable, step: model.Step) -> None:
        """Who tells a decision, or writes it down, knows it."""
        for effect in step.effects:
            match effect:
                case model.Send(_, model.Decision(slot, value)) | model.Store(model.Known(slot, value)):
                    if not (1 <= slot <= len(cell.known) and cell.known[slot - 1] == value):
                        raise Refuted(f"node {self.node} tells of a decision that it does not know: {effect}")

    # Forgetting, teaching and leaving

    def _log(
        self, cell: Explorable, outlet: Outlet, before: tuple[model.Command, ...], event: model.Event, step: model.Step
    ) -> tuple[model.Command, ...]:
        """The whole log after a step: what the node has of it, and before that what it had, or what it was taught."""
        base = cell.known.base
        if isinstance(event, model.Install) and isinstance(step.announces, model.Action):
            taught = [lesson.log for lesson in outlet.taught if lesson[:2] == (event.teacher, event.slot)]
            before = taught[0] if taught else ()
        if base > len(before):
            raise Refuted(f"node {self.node} dropped of its log what it never knew", (f"up to slot {base}",))
        return (*before[:base], *cell.known.entries)

    def _taught(self, log: tuple[model.Command, ...], known: int) -> tuple[Said, ...]:
        """The snapshot that the node may be asked for when its log has grown."""
        if not self.pupils or len(log) < max(LEAST_SLOTS, known + 1):
            return ()
        return (Said(self.node, self._lesson(log), self.pupils, log),)

    def _lesson(self, log: tuple[model.Command, ...]) -> model.Chunk:
        """The snapshot of a log, which is the same on every node that has it."""
        if log not in self._lessons:
            fresh = self.start(Outlet())
            self._lessons[log] = teach(lambda event: self.give(fresh, event), log, self.node, self._somebody)
        return self._lessons[log]

    @property
    def _somebody(self) -> NodeId:
        return next(node for node in self.scope.machine.nodes if node != self.node)

    def _learned(self, before: Outlet, after: Outlet) -> tuple[Said, ...]:
        """What a node that may crash says of what it has learned, when more of that is durable than before."""
        durable = len(_journal(after).known)
        more = self.is_mortal and durable > len(_journal(before).known)
        return how_far(self.scope.machine, self.node, durable) if more else ()

    def must_answer(self, cell: Explorable, outlet: Outlet) -> None:
        """What is asked of a node in every state that has no address: what it knows, and how far it has learned."""
        if outlet.place != "here":
            return
        memory, log = cell.snapshot(), (*outlet.dropped, *cell.known.entries)
        if cell.known.base:
            must_remember(lambda event: self.give(cell, event), self.node, log, self.scope.machine, self._words)
            cell.restore(memory)
            for prefix in range(cell.known.base):
                told = ask_for_the_snapshot(lambda event: self.give(cell, event), self._somebody, prefix)
                if told != self._lesson(log):
                    raise Refuted(f"node {self.node} teaches another snapshot than its log leads to")
                cell.restore(memory)
        if self.askers:
            asker, entries = self.askers[0], [entry for entry in outlet.queue if entry.must_flush]
            flushed = max((entry.known for entry in entries), default=len(_journal(outlet).known))
            step = self.give(cell, model.Receive(asker, model.HowFar()))
            settled = not self.is_mortal or flushed >= len(log)
            must_say_how_far(step, asker, self.node, len(log), is_settled=settled)
            cell.restore(memory)
        self._must_teach(cell)

    def _must_teach(self, cell: Explorable) -> None:
        """Whoever knows a decision tells it to whoever asks, once in a tick: so decisions need no address."""
        memory = cell.snapshot()
        asking = self._somebody
        for prefix in range(cell.known.base, len(cell.known)):
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
