"""The nodes of one server, on one journal: what stands between the consensus core and a disk, sans-I/O.

A step stores, a flush makes safe, and only then does anything leave: three moments, and a crash may come between any
two. `step` touches memory alone. `gather` takes whatever waits as a batch, `Batch.write` carries it to the disk, in
whatever thread, and `settle` says what may leave. Between `gather` and `settle` the nodes go on, and what they do then
waits for the next batch; there is one batch on its way at a time.

Nothing that a node says leaves before the records that it rests on were flushed, nor before what that node said
earlier (its outbox is first in, first out). A node whose records were refused has a memory that is ahead of the disk:
it is made anew from the journal before its next event. A flush that failed ends the host (design rule R16).

Of a node that left its cell only a pointer stands in the journal, and here (R11): it is nobody's to speak to.

Not every node is in memory. `want` has one read with the next batch, by its charter, which is its first record then;
`drop` lets one go. To drop a node is a crash, and to read it again is its restart: the host does it only when nothing
of the node waits, and whoever drives it when nobody owes the node an answer (R14).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from attrs import define

from physalia.cell import Border, Node
from physalia.host.batch import Batch, Gone, Output, Safe, Waiting
from physalia.host.compacting import fewer
from physalia.journal import Journal, JournalError, NodeKey
from physalia.model import (
    Charter,
    Departed,
    DurableRecord,
    Envelope,
    Event,
    Flush,
    Homes,
    Left,
    NodeId,
    Origin,
    Pointer,
    Send,
    Slot,
    Step,
    Store,
    UsedBallot,
)
from physalia.wire import (
    decode_charter,
    decode_homes,
    decode_record,
    encode_charter,
    encode_homes,
    encode_record,
    is_charter,
    is_homes,
    record_kind,
)
from physalia.wire.limits import MAX_HOMES, MAX_NATURAL

MOST_POINTERS = 100_000


@define
class Hosted:
    """A node, where the others of its cell live, as far as it was told, and what of it is on its way to the disk.

    `queued` steps stored something or wait, and so many of them are `awaited`: they hold back whatever it says later.
    What `is_chartered` has its charter in the journal, and can be read again without being told.
    """

    key: NodeKey
    charter: Charter
    node: Node
    border: Border
    homes: dict[NodeId, int]
    is_chartered: bool
    awaited: int = 0
    queued: int = 0
    look_at: Slot = 0
    """From which slot on whoever drives the host looks at the length of its log again."""
    track: Any = None
    """What whoever records it keeps of it."""


class Recording(Protocol):
    """Who writes down what nodes do, as they do it."""

    def began(self, hosted: Hosted, used: Iterable[UsedBallot]) -> None:
        """A node is in memory from now on, and found these records of ballots that it used."""

    def left(self, hosted: Hosted) -> None:
        """A node leaves memory."""

    def stepped(self, hosted: Hosted, event: Event, step: Step, waits: bool, tells: bool) -> None:
        """A node took a step; what comes of it `waits` for the disk, or does not, and it `tells` clients something."""

    def housed(self, hosted: Hosted) -> None:
        """Something is noted down for a node, and what it does next waits behind that."""

    def settled(self, batch: Batch) -> None:
        """What waited for this batch may leave."""

    def write(self) -> None:
        """Something is about to leave, or to reach the disk."""

    def close(self, hosted: Iterable[Hosted]) -> None:
        """The server ends in order, with these nodes in memory."""


class Host:
    """All nodes of a server. `strangers` counts the envelopes for nobody here.

    The journal is the host's alone, and must encode with `encode_kept`; `encode_record` will do where no node has a
    charter.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.strangers = 0
        self.pointers: dict[NodeKey, Pointer] = {}
        """What is left of nodes that left, of those that somebody spoke to lately."""
        self.recording: Recording | None = None
        """Who writes down what the nodes do; nobody, unless somebody is put here before there are any."""
        self.stopped: JournalError | None = None
        """Why nothing leaves this server any more: its flush failed, or its journal is damaged."""
        self._hosted: dict[NodeKey, Hosted] = {}
        self._behind: dict[NodeKey, Charter] = {}
        self._waiting: list[Waiting] = []
        self._awaited = 0
        self._wanted: dict[NodeKey, None] = {}
        self._dropped: list[NodeKey] = []
        self._batch: Batch | None = None

    def admit(self, key: NodeKey, charter: Charter) -> None:
        """A node is born: durable before its first message (design rule R15).

        It waits for the disk, and nothing else may be on its way there. Raises what `Journal.admit` and
        `Journal.flush` raise.
        """
        self.journal.admit(key)
        self.journal.flush()
        self._make(key, charter, ())

    def found(self, key: NodeKey, charter: Charter, homes: Homes | None = None) -> None:
        """A node is born with its charter, durably, and can be read by `want` from now on; it is not in memory yet.

        `homes` says where nodes live that the charter does not name. Waits for the disk as `admit` does. Raises what
        `Journal.admit`, `append` and `flush` raise.
        """
        self.journal.admit(key)
        self.journal.append([(key, charter)] if homes is None else [(key, charter), (key, homes)])
        self.journal.flush()
        self.journal.forget(key)

    def want(self, key: NodeKey) -> None:
        """Somebody speaks to a node that is not in memory: it is read with the next batch, if the journal knows it."""
        if key not in self._hosted and not self.is_coming(key):
            self._wanted[key] = None

    def is_coming(self, key: NodeKey) -> bool:
        """Whether a node that is not in memory is about to be."""
        is_on_its_way = self._batch is not None and key in self._batch.wanted
        return is_on_its_way or key in self._wanted or key in self._behind

    def drop(self, key: NodeKey) -> bool:
        """Let a node leave memory; False if it does not, since something of it waits for the disk, or is on its way.

        Nor does one of which the journal does not hold the charter: nobody could read it again.
        """
        hosted = self._hosted.get(key)
        if hosted is None or hosted.queued or not hosted.is_chartered:
            return False
        if self.recording is not None:
            self.recording.left(hosted)
        del self._hosted[key]
        self._dropped.append(key)
        return True

    def house(self, hosted: Hosted, homes: Mapping[NodeId, int], call: Callable[[], None]) -> None:
        """Nodes of the cell live there as well: note it down, and call when that is safe.

        Of more than can be noted, those are forgotten that are not members, as far as the node knows, and came first.
        """
        hosted.homes |= homes
        needed = hosted.node.jury.members | hosted.node.members | hosted.charter.first_members | homes.keys()
        for node in [node for node in hosted.homes if node not in needed][: max(0, len(hosted.homes) - MAX_HOMES)]:
            del hosted.homes[node]
        hosted.awaited += 1
        hosted.queued += 1
        self._awaited += 1
        if self.recording is not None:
            self.recording.housed(hosted)
        self._waiting.append(Waiting(hosted.key, [Homes(tuple(sorted(hosted.homes.items())))], [Safe(call)], True))

    def lasts(self, key: NodeKey) -> int:
        """How long a node stayed in its cell: up to the version with which it left, or longer than any."""
        if key in self._hosted or key in self.pointers:
            return self.pointers[key].version if key in self.pointers else MAX_NATURAL
        kept = self.journal.read(key)
        self.journal.forget(key)
        left = decode_record(kept[-1]) if kept and record_kind(kept[-1]) is Left else None
        return left.version if isinstance(left, Left) else MAX_NATURAL

    def bury(self, key: NodeKey) -> Pointer:
        """Let a node go that left its cell, durably; what is left of it."""
        hosted = self._hosted.pop(key)
        left = hosted.node.pointer
        assert left is not None, "it did not leave"
        self._dropped.append(key)
        if self.recording is not None:
            self.recording.left(hosted)
        return self._point(key, left, hosted.homes)

    def _point(self, key: NodeKey, left: Left, homes: Mapping[NodeId, int]) -> Pointer:
        members = tuple((node, homes[node]) for node in sorted(left.members) if node in homes)
        pointer = self.pointers[key] = Pointer(left.version, members)
        if len(self.pointers) > MOST_POINTERS:
            del self.pointers[next(iter(self.pointers))]
        return pointer

    def hosted(self, key: NodeKey) -> Hosted | None:
        """The node with all that stands around it; None if it is not in memory, or waits to be read back."""
        return self._hosted.get(key)

    def find(self, origin: Origin, node: NodeId) -> Hosted | None:
        """As `hosted`, of a node of the same cell and life, whose name is not put together to look for it."""
        name = origin.cell, origin.life, node  # equal to a key
        return self._hosted.get(name)  # type: ignore[call-overload, no-any-return]

    def all_hosted(self) -> tuple[Hosted, ...]:
        """All nodes in memory."""
        return tuple(self._hosted.values())

    def __len__(self) -> int:
        """How many nodes are in memory."""
        return len(self._hosted)

    def start(self, key: NodeKey, charter: Charter) -> None:
        """A node comes back, with what the journal has of it.

        Raises what `Journal.read` raises, and `CorruptRecords` or `CodecError` for records that no run of it can have
        left: then the disk counts as lost.
        """
        self._make(key, charter, self.journal.read(key))

    def node(self, key: NodeKey) -> Node | None:
        """The node, to be looked at and asked what is due; None if it is not here, or waits to be read back."""
        hosted = self._hosted.get(key)
        return None if hosted is None else hosted.node

    def fold(self, entries: int) -> int:
        """Fold so many entries of the journal, with fewer records of each node (design rule R10); return how many.

        It touches nothing but the journal, so the thread of that may do it. Raises what `Journal.fold` raises.
        """
        return self.journal.fold(entries, fewer)

    @property
    def needs_flush(self) -> bool:
        """Whether there is something to gather."""
        return bool(self._waiting or self._behind or self._wanted or self._dropped)

    @property
    def is_awaited(self) -> bool:
        """Whether something that waits holds back what a node says, or a node waits to be read back.

        Otherwise what is to be gathered has time: it is only noted down.
        """
        return self._awaited > 0 or bool(self._behind or self._wanted)

    def receive(self, envelope: Envelope) -> tuple[Output, ...]:
        """A message came: a step of the node that it is meant for, if that is here (design rule R15)."""
        origin = envelope.origin
        hosted = self.find(origin, envelope.to)
        event = None if hosted is None else hosted.border.receive(envelope)
        if hosted is None or event is None:
            self.strangers += 1
            return ()
        return self._step(hosted, event)

    def step(self, key: NodeKey, event: Event) -> tuple[Output, ...]:
        """Give a node an event; return what may leave at once.

        A node that waits to be read back takes no part, as if the event had been lost. After the end of the journal
        none does.
        """
        hosted = self._hosted.get(key)
        return () if hosted is None else self._step(hosted, event)

    def run(self, hosted: Hosted, event: Event) -> tuple[Output, ...]:
        """A step of a node that `hosted` has just shown, and every step that is due after it."""
        if self.stopped is not None:
            return ()
        outputs = self._step(hosted, event)
        due_now = hosted.node.due
        while due := due_now():
            outputs += self._step(hosted, due[0])
        return outputs

    def _step(self, hosted: Hosted, event: Event) -> tuple[Output, ...]:
        if self.stopped is not None:
            return ()
        step = hosted.node.step(event)
        effects = step.effects
        if not effects:
            if self.recording is not None:
                self.recording.stepped(hosted, event, step, False, False)
            return ()
        records: list[DurableRecord] = []
        outputs: list[Output] = []
        asks_for_flush = tells = False
        for effect in effects:  # by its very class: to ask whether it is an instance costs four times as much
            if type(effect) is Send:
                outputs.append(hosted.border.send(effect))
            elif type(effect) is Store:
                records.append(effect.record)
            elif type(effect) is Flush:
                asks_for_flush = True
            elif type(effect) is Departed:
                outputs.append(Gone(hosted.key))
            else:  # a word to a client
                outputs.append(effect)  # type: ignore[arg-type]
                tells = True
        must_wait = hosted.awaited > 0 or asks_for_flush
        if self.recording is not None:
            self.recording.stepped(hosted, event, step, must_wait, tells)
        if must_wait:
            hosted.awaited += 1
            self._awaited += 1
        if records or must_wait:
            hosted.queued += 1
            self._waiting.append(Waiting(hosted.key, records, outputs if must_wait else (), must_wait))
        return () if must_wait else tuple(outputs)

    def gather(self) -> Batch:
        """Take all that waits, to be written; `settle` must come before the next one."""
        assert self._batch is None, "one batch at a time: the one before has not been settled"
        if self.recording is not None:
            self.recording.write()
        self._batch = Batch(tuple(self._waiting), self._behind, tuple(self._wanted), self._dropped)
        self._wanted, self._dropped = {}, []
        self._waiting = []
        self._awaited = 0
        return self._batch

    def settle(self) -> tuple[Output, ...]:
        """The batch was written: return what may leave, in order, and begin anew with the nodes that were refused."""
        batch, self._batch = self._batch, None
        assert batch is not None, "there is no batch to settle"
        if batch.failed is not None:
            self.stopped = batch.failed
            return ()
        if self.recording is not None:
            self.recording.settled(batch)
        for each in batch.waiting:
            hosted = self._hosted.get(each.key)
            if hosted is not None:
                if each.is_awaited:
                    hosted.awaited -= 1
                hosted.queued -= 1
        for key in batch.behind:
            self._begin_anew(key, batch)
        for key in batch.wanted:
            self._take_up(key, batch)
        return tuple(output for each in batch.safe for output in each.outputs)

    def _begin_anew(self, key: NodeKey, batch: Batch) -> None:
        """Forget what the node remembers and all that it did meanwhile; go on from the disk, if that can be read."""
        self._waiting = [each for each in self._waiting if each.key != key]
        self._awaited = sum(each.is_awaited for each in self._waiting)
        charter = self._behind.pop(key) if key in self._behind else self._hosted.pop(key).charter
        if key in batch.read_back:
            self._make(key, charter, batch.read_back[key])
        else:
            self._behind[key] = charter

    def _take_up(self, key: NodeKey, batch: Batch) -> None:
        """A wanted node was read, or will be with the next batch; one without a charter is nobody's to start here."""
        records = batch.read_back.get(key)
        if records is None:
            if key not in batch.unknown:
                self._wanted[key] = None
        elif records and is_charter(records[0]):
            self._make(key, decode_charter(records[0]), records)
        else:
            self._dropped.append(key)

    def _make(self, key: NodeKey, charter: Charter, kept: Sequence[bytes]) -> None:
        is_chartered = bool(kept) and is_charter(kept[0])
        homes, records = dict(charter.homes), list[DurableRecord]()
        for record in kept[is_chartered:]:
            if is_homes(record):
                homes = dict(decode_homes(record).homes)
            else:
                records.append(decode_record(record))
        if records and isinstance(records[-1], Left):
            self._dropped.append(key)
            self._point(key, records[-1], homes)
            return
        node = Node(key.incarnation, charter.first_members, charter.alpha, records)
        border = Border(Origin(key.cell, key.life, key.incarnation))
        hosted = self._hosted[key] = Hosted(key, charter, node, border, homes, is_chartered)
        if self.recording is not None:
            self.recording.began(hosted, [record for record in records if isinstance(record, UsedBallot)])


def encode_kept(kept: DurableRecord | Charter | Homes) -> bytes:
    """The bytes of what a journal keeps of a node. Raises `CodecError` if it is beyond a limit."""
    if type(kept) is Charter:
        return encode_charter(kept)
    return encode_homes(kept) if type(kept) is Homes else encode_record(kept)  # type: ignore[arg-type]
