"""What waits for one flush: the steps of all nodes of a server, and what becomes of them.

Writing is all that a batch does, and it touches nothing but the journal: so a server may give it to the thread of its
journal, and let its nodes go on meanwhile. What came of it stands in the batch when `write` returns.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeAlias

from physalia.journal import (
    BatchRefused,
    CannotReach,
    FlushFailed,
    ForeignNode,
    Journal,
    JournalDamaged,
    JournalFull,
    NodeKey,
    UnknownNode,
)
from physalia.model import Answer, DurableRecord, Envelope, Found, Homes, Reject
from physalia.model.value import value


class Safe(NamedTuple):
    """Something that was to be noted is on the disk: whoever waited for it is called."""

    call: Callable[[], None]


class Gone(NamedTuple):
    """A node left its cell for good, and that is on the disk."""

    key: NodeKey


Output: TypeAlias = Envelope | Answer | Found | Reject | Safe | Gone
"""What leaves a server: a message to another node, or a word to a client; and what is to be done after a flush."""


@value
class Waiting:
    """One step of a node that stored something, or that must not overtake one that did.

    `outputs` leave when the `records` are safe.
    """

    key: NodeKey
    records: Sequence[DurableRecord | Homes]
    outputs: Sequence[Output]
    is_awaited: bool
    """Whether the step asked for the flush, or waits behind one that did: not so for a decision that is noted down."""


class Batch:
    """Some steps on their way to the disk, and nodes that are `behind`: their memory is ahead of it.

    `wanted` are nodes to be read that somebody speaks to, and `dropped` are those that left memory.

    After `write`, `safe` has the steps whose outputs may leave, and `read_back` what the disk has of the nodes that
    must begin anew, or are wanted. A node in `behind` or `wanted` that is neither there nor in `unknown`, of which the
    journal never heard, could not be read yet. `failed` ends the journal.
    """

    def __init__(
        self,
        waiting: Collection[Waiting],
        behind: Collection[NodeKey],
        wanted: Collection[NodeKey] = (),
        dropped: Collection[NodeKey] = (),
    ) -> None:
        self.waiting = waiting
        self.behind = set(behind)
        self.wanted = wanted
        self.dropped = dropped
        self.unknown: set[NodeKey] = set()
        self.safe: list[Waiting] = []
        self.read_back: dict[NodeKey, list[bytes]] = {}
        self.failed: FlushFailed | JournalDamaged | None = None

    @property
    def unread(self) -> bool:
        """Whether a node could not be read, and has to be tried again."""
        return bool((self.behind | set(self.wanted)) - self.read_back.keys() - self.unknown)

    def write(self, journal: Journal) -> None:
        """Append all of it and wait for the disk. Whatever the journal says is kept in the batch."""
        try:
            for key in self.dropped:
                journal.forget(key)
            appended = self._append(journal)
            try:
                journal.flush()
            except JournalFull as full:
                self.behind |= full.nodes
                appended = [each for each in appended if each.key not in full.nodes]
            self.safe = appended
            self._read_back(journal)
        except (FlushFailed, JournalDamaged) as error:
            self.failed = error

    def _append(self, journal: Journal) -> list[Waiting]:
        """All of it at once, or, if something is wrong with it, step by step.

        Then one that is refused takes those of its node that come after it along, and no others.
        """
        waiting = [each for each in self.waiting if each.key not in self.behind] if self.behind else list(self.waiting)
        if journal.take([(each.key, record) for each in waiting for record in each.records]):
            return waiting
        appended = []
        for each in waiting:
            if each.key in self.behind:
                continue
            try:
                journal.append([(each.key, record) for record in each.records])
            except BatchRefused:
                self.behind.add(each.key)
            else:
                appended.append(each)
        return appended

    def _read_back(self, journal: Journal) -> None:
        for key in (*sorted(self.behind), *self.wanted):
            try:
                self.read_back[key] = journal.read(key)
            except CannotReach:
                continue
            except (UnknownNode, ForeignNode):
                self.unknown.add(key)
