"""What a node wrote and said and what became of it: the disk, and the queue of what waits for it.

One step leaves one entry: its records, and what it said. Records are safe once they are flushed, and then what was said
is sent, first in, first out. Knowledge is written without waiting, so that a crash may keep some of it; whatever it
keeps is flushed by the restart before anything depends on it (R16). A node that never crashes flushes at once, since to
everyone else a late flush is a slow network.
"""

from functools import lru_cache

from attrs import evolve, frozen

from conformance.exhaustive.translation import TO_WHOEVER_ASKS, Said
from conformance.refutation import Refuted
from physalia import model
from physalia.model import Known, NodeId
from physalia.wire import decode_record, encode_record


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


@frozen
class Outlet:
    """A disk, as the encoded records that are safe and those that a crash may take, and the queue."""

    durable: tuple[bytes, ...] = ()
    loose: tuple[bytes, ...] = ()
    queue: tuple[Entry, ...] = ()

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
            return Outlet((*self.durable, *loose), (), tuple(rest)), first.says
        return Outlet(self.durable, loose, tuple(rest)), first.says

    def crash(self, keep: int) -> "Outlet":
        """What a restart finds, and makes durable: what was flushed, and the first `keep` of the loose records."""
        return Outlet((*self.durable, *self.loose[:keep]))


def entry_of(node: NodeId, step: model.Step, known: int, *, with_chatter: bool) -> Entry:
    """The entry of a step of a node that knew so many decisions before it.

    Whoever knows a decision tells whoever asks: so `Known` says it, and that the code tells it to some unasked is the
    same. Raises `Refuted` if something leaves before what was stored is safe.
    """
    records: list[bytes] = []
    says: dict[object, set[NodeId]] = {}
    answers: list[Said] = []
    unsafe, must_flush = "", False
    for effect in step.effects:
        match effect:
            case model.Store(record):
                if says or answers:
                    raise Refuted(f"node {node} stores {record} after it has sent what that may be needed for")
                records.append(encoded(record))
                unsafe = unsafe if isinstance(record, Known) else str(record)
                if isinstance(record, Known):
                    says.setdefault(model.Decision(record.slot, record.value), set())
            case model.Flush():
                unsafe, must_flush = "", True
            case model.Send(to, message):
                if unsafe:
                    raise Refuted(f"node {node} sends before what it stored is safe: {unsafe}", (str(message),))
                if not isinstance(message, model.Decision) and (with_chatter or not _is_chatter(message)):
                    says.setdefault(message, set()).add(to)
            case model.Answer():
                if unsafe:
                    raise Refuted(f"node {node} answers before what it stored is safe: {unsafe}", (str(effect),))
                answers.append(Said(0, effect, TO_WHOEVER_ASKS))
            case model.Reject():
                pass
            case _:
                raise Refuted(f"node {node} asks for {effect}, which is no effect")
    if unsafe:
        raise Refuted(f"node {node} stores and never flushes: {unsafe}")
    said = [Said(node, message, frozenset(to)) for message, to in says.items()]  # type: ignore[arg-type]
    return Entry(tuple(records), must_flush, known, (*said, *answers))


def _is_chatter(message: model.Message) -> bool:
    return isinstance(message, model.Ask | model.Refusal)


@lru_cache(maxsize=65536)
def decoded(data: bytes) -> model.DurableRecord:
    """The record of these bytes."""
    return decode_record(data)


@lru_cache(maxsize=65536)
def encoded(record: model.DurableRecord) -> bytes:
    """The record as it is on disk. Raises `Refuted` if the codec gives back another."""
    data = encode_record(record)
    if decode_record(data) != record:
        raise Refuted("the codec gives back another record than it was given", (f"- {record}", f"+ {data!r}"))
    return data
