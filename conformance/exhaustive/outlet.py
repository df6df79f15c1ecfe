"""What a node wrote and said and what became of it: the disk, and the queue of what waits for it.

One step leaves one entry: its records, and what it said. Records are safe once they are flushed, and then what was said
is sent, first in, first out. Knowledge is written without waiting, so that a crash may keep some of it; whatever it
keeps is flushed by the restart before anything depends on it (R16). A node that never crashes flushes at once, since to
everyone else a late flush is a slow network.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from attrs import define, evolve, field, frozen

from conformance.exhaustive.translation import NOBODY, TO_WHOEVER_ASKS, Said
from conformance.refutation import Refuted
from physalia import model
from physalia.model import Command, Known, NodeId, Slot
from physalia.wire import CodecError, decode_record, encode_record


@frozen
class Entry:
    """What one step left: its records, whether they must be flushed, how much was known before, and what it said."""

    records: tuple[bytes, ...]
    must_flush: bool
    known: int
    says: tuple[Said, ...]

    def without(self, some: tuple[Said, ...]) -> "Entry":
        """The entry that does not say these things."""
        return evolve(self, says=tuple(said for said in self.says if said not in some)) if some else self


class Lesson(NamedTuple):
    """A snapshot that came, with the log that it stands for."""

    teacher: NodeId
    slot: Slot
    log: tuple[Command, ...]


@frozen
class Outlet:
    """A disk, as the encoded records that are safe and those that a crash may take, and the queue.

    Of a node that comes or goes also its `place`, and the `pointer` that is left of it. Beside that stands what the
    exploration alone remembers: the entries that the log `dropped`, and which logs the node was `taught` by snapshots.
    """

    durable: tuple[bytes, ...] = ()
    loose: tuple[bytes, ...] = ()
    queue: tuple[Entry, ...] = ()
    place: Literal["here", "absent", "lost"] = "here"
    pointer: model.Left | None = None
    dropped: tuple[Command, ...] = ()
    taught: tuple[Lesson, ...] = ()

    @property
    def is_anybody(self) -> bool:
        """Whether there is a node: one that left is there, and does nothing any more."""
        return self.place == "here" or self.pointer is not None

    def take(self, entry: Entry, *, is_mortal: bool) -> "tuple[Outlet, tuple[Said, ...]]":
        """What a step left, and what is sent at once."""
        if not is_mortal:
            durable = (*self.durable, *entry.records) if entry.must_flush else self.durable
            return evolve(self, durable=durable), entry.says
        if self.queue or entry.must_flush:
            return evolve(self, queue=(*self.queue, entry)), ()
        return evolve(self, loose=(*self.loose, *entry.records)), entry.says

    def flush(self) -> "tuple[Outlet, tuple[Said, ...]]":
        """The first entry is on the disk, and what it said is sent."""
        first, *rest = self.queue
        loose = (*self.loose, *first.records)
        if first.must_flush:
            return evolve(self, durable=(*self.durable, *loose), loose=(), queue=tuple(rest)), first.says
        return evolve(self, loose=loose, queue=tuple(rest)), first.says

    def crash(self, keep: int) -> "Outlet":
        """What a restart finds, and makes durable: what was flushed, and the first `keep` of the loose records."""
        return evolve(self, durable=(*self.durable, *self.loose[:keep]), loose=(), queue=(), taught=())


def entry_of(node: NodeId, step: model.Step, known: int, log: tuple[Command, ...], *, with_chatter: bool) -> Entry:
    """The entry of a step of a node that knew so many decisions before it, and this log after it.

    Whoever knows a decision tells whoever asks: so `Known` says it, and that the code tells it to some unasked is the
    same. Raises `Refuted` if something leaves before what was stored is safe.
    """
    draft = _Draft(node, known, log, with_chatter)
    for effect in step.effects:
        draft.take(effect)
    if draft.unsafe:
        raise Refuted(f"node {node} stores and never flushes: {draft.unsafe}")
    said = (Said(node, message, frozenset(to)) for message, to in draft.says.items())
    return Entry(tuple(draft.records), draft.must_flush, known, (*said, *draft.answers))


@define
class _Draft:
    """An entry that is being written. `unsafe` is the last record that is stored and not flushed yet."""

    node: NodeId
    known: int
    log: tuple[Command, ...]
    with_chatter: bool
    records: list[bytes] = field(factory=list)
    says: dict[model.Message, set[NodeId]] = field(factory=dict)
    answers: list[Said] = field(factory=list)
    unsafe: str = ""
    must_flush: bool = False

    def take(self, effect: model.Effect) -> None:
        """The next effect. Raises `Refuted` if it comes too early or too late."""
        match effect:
            case model.Store(record):
                self._store(record)
            case model.Flush():
                self.unsafe, self.must_flush = "", True
            case model.Send(to, message):
                self._must_be_safe(effect)
                if not isinstance(message, model.Decision) and (self.with_chatter or not is_chatter(message)):
                    self.says.setdefault(message, set()).add(to)
            case model.Answer():
                self._must_be_safe(effect)
                self.answers.append(Said(NOBODY, effect, TO_WHOEVER_ASKS))
            case model.Found() | model.Departed():
                self._must_be_safe(effect)
            case model.Reject():
                pass
            case _:
                raise Refuted(f"node {self.node} asks for {effect}, which is no effect")

    def _store(self, record: model.DurableRecord) -> None:
        if self.says or self.answers:
            raise Refuted(f"node {self.node} stores {record} after it has sent what that may be needed for")
        self.records.append(encoded(record))
        if isinstance(record, Known):
            self.says.setdefault(model.Decision(record.slot, record.value), set())
        else:
            self.unsafe = str(record)
        if isinstance(record, model.Snapshot):
            for slot in range(self.known + 1, record.slot + 1):
                self.says.setdefault(model.Decision(slot, self.log[slot - 1]), set())

    def _must_be_safe(self, effect: model.Effect) -> None:
        if self.unsafe:
            title = f"node {self.node} lets something out before what it stored is safe: {self.unsafe}"
            raise Refuted(title, (str(effect),))


def is_chatter(message: object) -> bool:
    """Whether no guard of the specification reads such messages: questions, and refusals."""
    return isinstance(message, model.Ask | model.Refusal | model.HowFar | model.Learned)


@lru_cache(maxsize=65536)
def decoded(data: bytes) -> model.DurableRecord:
    """The record of these bytes."""
    return decode_record(data)


@lru_cache(maxsize=65536)
def encoded(record: model.DurableRecord) -> bytes:
    """The record as it is on disk. Raises `Refuted` if the codec gives back another."""
    try:
        data = encode_record(record)
    except CodecError as error:
        raise Refuted(f"the codec refuses what is stored: {error}", (str(record),)) from error
    if decode_record(data) != record:
        raise Refuted("the codec gives back another record than it was given", (f"- {record}", f"+ {data!r}"))
    return data
