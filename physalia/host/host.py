"""The nodes of one server, on one journal: what stands between the consensus core and a disk, sans-I/O.

A step stores, a flush makes safe, and only then does anything leave: three moments, and a crash may come between any
two. `step` touches memory alone. `gather` takes whatever waits as a batch, `Batch.write` carries it to the disk, in
whatever thread, and `settle` says what may leave. Between `gather` and `settle` the nodes go on, and what they do then
waits for the next batch; there is one batch on its way at a time.

Nothing that a node says leaves before the records that it rests on were flushed, nor before what that node said
earlier (its outbox is first in, first out). A node whose records were refused has a memory that is ahead of the disk:
it is made anew from the journal before its next event. A flush that failed ends the host (design rule R16).
"""

from collections.abc import Iterable

from attrs import define, frozen

from physalia.cell import Border, Node
from physalia.host.batch import Batch, Output, Waiting
from physalia.journal import Journal, JournalError, NodeKey
from physalia.model import (
    DurableRecord,
    Envelope,
    Event,
    Flush,
    NodeId,
    Origin,
    Receive,
    Send,
    Store,
)
from physalia.wire import decode_record


@frozen
class Charter:
    """What is fixed when a cell is created (design rule R1), and stands in no record."""

    first_members: frozenset[NodeId]
    alpha: int


@define
class Hosted:
    """A node, and how many of its steps are awaited: they hold back whatever it says after them."""

    key: NodeKey
    charter: Charter
    node: Node
    border: Border
    awaited: int = 0


class Host:
    """All nodes of a server. `strangers` counts the envelopes for nobody here.

    The journal must encode with `physalia.wire.encode_record`, and is the host's alone.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.strangers = 0
        self.stopped: JournalError | None = None
        """Why nothing leaves this server any more: its flush failed, or its journal is damaged."""
        self._hosted: dict[NodeKey, Hosted] = {}
        self._behind: dict[NodeKey, Charter] = {}
        self._waiting: list[Waiting] = []
        self._awaited = 0
        self._batch: Batch | None = None

    def admit(self, key: NodeKey, charter: Charter) -> None:
        """A node is born: durable before its first message (design rule R15).

        It waits for the disk, and nothing else may be on its way there. Raises what `Journal.admit` and
        `Journal.flush` raise.
        """
        self.journal.admit(key)
        self.journal.flush()
        self._make(key, charter, ())

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

    @property
    def needs_flush(self) -> bool:
        """Whether there is something to gather."""
        return bool(self._waiting or self._behind)

    @property
    def is_awaited(self) -> bool:
        """Whether something that waits holds back what a node says, or a node waits to be read back.

        Otherwise what is to be gathered has time: it is only noted down.
        """
        return self._awaited > 0 or bool(self._behind)

    def receive(self, envelope: Envelope) -> tuple[Output, ...]:
        """A message came: a step of the node that it is meant for, if that is here (design rule R15)."""
        event, hosted = self._let_in(envelope)
        return () if event is None or hosted is None else self._step(hosted, event)

    def step(self, key: NodeKey, event: Event) -> tuple[Output, ...]:
        """Give a node an event; return what may leave at once.

        A node that waits to be read back takes no part, as if the event had been lost. After the end of the journal
        none does.
        """
        hosted = self._hosted.get(key)
        return () if hosted is None else self._step(hosted, event)

    def run(self, key: NodeKey, event: Event) -> tuple[Output, ...]:
        """A step, and every step that is due after it."""
        hosted = self._hosted.get(key)
        return () if hosted is None else self._run(hosted, event)

    def run_envelope(self, envelope: Envelope) -> tuple[Output, ...]:
        """The step that a message makes, and every step that is due after it."""
        event, hosted = self._let_in(envelope)
        return () if event is None or hosted is None else self._run(hosted, event)

    def _let_in(self, envelope: Envelope) -> tuple[Receive | None, Hosted | None]:
        origin = envelope.origin
        hosted = self._hosted.get(NodeKey(origin.cell, origin.life, envelope.to))
        event = None if hosted is None else hosted.border.receive(envelope)
        self.strangers += event is None
        return event, hosted

    def _run(self, hosted: Hosted, event: Event) -> tuple[Output, ...]:
        if self.stopped is not None:
            return ()
        outputs = self._step(hosted, event)
        while due := hosted.node.due():
            outputs += self._step(hosted, due[0])
        return outputs

    def _step(self, hosted: Hosted, event: Event) -> tuple[Output, ...]:
        if self.stopped is not None:
            return ()
        effects = hosted.node.step(event).effects
        if not effects:
            return ()
        records: list[DurableRecord] = []
        outputs: list[Output] = []
        asks_for_flush = False
        for effect in effects:
            if isinstance(effect, Store):
                records.append(effect.record)
            elif isinstance(effect, Send):
                outputs.append(hosted.border.send(effect))
            elif isinstance(effect, Flush):
                asks_for_flush = True
            else:
                outputs.append(effect)
        must_wait = hosted.awaited > 0 or asks_for_flush
        if must_wait:
            hosted.awaited += 1
            self._awaited += 1
        if records or must_wait:
            self._waiting.append(Waiting(hosted.key, records, outputs if must_wait else (), must_wait))
        return () if must_wait else tuple(outputs)

    def gather(self) -> Batch:
        """Take all that waits, to be written; `settle` must come before the next one."""
        assert self._batch is None, "one batch at a time: the one before has not been settled"
        self._batch = Batch(tuple(self._waiting), self._behind)
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
        for each in batch.waiting:
            self._hosted[each.key].awaited -= each.is_awaited
        for key in batch.behind:
            self._begin_anew(key, batch)
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

    def _make(self, key: NodeKey, charter: Charter, records: Iterable[bytes]) -> None:
        node = Node(
            key.incarnation, charter.first_members, charter.alpha, [decode_record(record) for record in records]
        )
        self._hosted[key] = Hosted(key, charter, node, Border(Origin(key.cell, key.life, key.incarnation)))
