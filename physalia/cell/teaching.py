"""Teaching by snapshot, in chunks: what the log does not hold any more (design rule R9).

A lesson is one snapshot of one teacher. Whoever takes it asks for every chunk: a chunk that is lost ends the transfer,
and the next question for what is lacking takes it up where it stopped. Each chunk is sent to a node once in a tick, so
that a question that arrives twice does not make ever more of them.
"""

from collections import Counter
from collections.abc import Callable

from attrs import Factory, define, evolve, frozen

from physalia.cell.image import BadImage, Landing, digest_of, landing, pieces, weigh
from physalia.cell.log import Log
from physalia.cell.steps import IGNORED, RECORDED, resent
from physalia.model import Ask, Chunk, Head, NodeId, Row, Send, Slot, Step, Take
from physalia.store import Store as Database


def stretch(log: Log, after: Slot, last: Slot, most_bytes: int) -> tuple[Slot, int]:
    """How far to teach of the log, at least one slot and at most up to `last`; and about how many bytes that is."""
    size_bytes = 0
    for slot in range(after + 1, last + 1):
        weighs = weigh(log[slot - 1])
        if size_bytes and size_bytes + weighs > most_bytes:
            return slot - 1, size_bytes
        size_bytes += weighs
    return last, size_bytes


@frozen
class Lesson:
    """The snapshot that is taught: its chunks by the number of their first row."""

    slot: Slot
    chunks: dict[int, Chunk]


@define
class Lessons:
    """What this node teaches. `given` says which chunk each node was sent last since the last tick."""

    lesson: Lesson | None = None
    is_idle: bool = False
    given: dict[NodeId, tuple[Slot, int]] = Factory(dict)

    def copy(self) -> "Lessons":
        """The same, sharing nothing that can change."""
        return Lessons(self.lesson, self.is_idle, self.given.copy())

    def begin(
        self, student: NodeId, prefix: Slot, log: Log, image: Callable[[], tuple[Row, ...]], size_bytes: int
    ) -> Step:
        """The student knows so many slots, and of those that follow the log has dropped some: send the first chunk.

        `image` gives the rows for all that is known now; a chunk is of about `size_bytes`.
        """
        lesson = self.lesson
        if lesson is None or lesson.slot <= prefix or lesson.slot < log.base:
            rows, slot = image(), len(log)
            digest, cut = digest_of(rows), pieces(rows, size_bytes)
            lesson = self.lesson = Lesson(slot, {first: Chunk(slot, digest, first, some) for first, some in cut})
        return self._give(student, lesson, 0)

    def go_on(self, student: NodeId, take: Take) -> Step:
        """The student holds the first rows of a snapshot: send the chunk that follows, if it is the one taught now."""
        lesson = self.lesson
        if lesson is None or lesson.slot != take.slot or take.rows not in lesson.chunks:
            return IGNORED
        return self._give(student, lesson, take.rows)

    def _give(self, student: NodeId, lesson: Lesson, first: int) -> Step:
        if self.given.get(student, (0, -1)) >= (lesson.slot, first):
            return IGNORED
        self.given[student] = (lesson.slot, first)
        self.is_idle = False
        return resent([Send(student, lesson.chunks[first])])

    def tick(self) -> None:
        """Everybody may be sent the same again. A lesson that nobody took since the last tick is over."""
        self.given.clear()
        if self.is_idle:
            self.lesson = None
        self.is_idle = self.lesson is not None


@frozen
class Transfer:
    """What came of one snapshot of one teacher: the first rows, and where it leads when all are there."""

    slot: Slot
    digest: bytes
    rows: tuple[Row, ...] = ()
    landing: Landing | None = None


@define
class Transfers:
    """The snapshots that come in, one for each teacher: two of them never mix.

    `refused` counts what came to nothing.
    """

    coming: dict[NodeId, Transfer] = Factory(dict)
    refused: Counter[str] = Factory(Counter)

    def copy(self) -> "Transfers":
        """The same, sharing nothing that can change."""
        return Transfers(self.coming.copy(), self.refused.copy())

    def record(self, teacher: NodeId, chunk: Chunk, prefix: Slot, alpha: int, empty: Database) -> Step:
        """Take a chunk, in its order, and ask for the next one. One that brings nothing ends the exchange."""
        if chunk.slot <= prefix:
            self.refused["nothing new"] += 1
            return resent([Send(teacher, Ask(prefix))])
        transfer = self.coming.get(teacher)
        if transfer is None or (transfer.slot, transfer.digest) != (chunk.slot, chunk.digest):
            if chunk.first > 0:
                self.refused["another snapshot"] += 1
                return IGNORED
            transfer = Transfer(chunk.slot, chunk.digest)
        held = len(transfer.rows)
        if transfer.landing is not None or chunk.first > held:
            return IGNORED
        if chunk.first < held:
            return resent([Send(teacher, Take(chunk.slot, held))])
        return self._add(teacher, evolve(transfer, rows=transfer.rows + chunk.rows), alpha, empty)

    def _add(self, teacher: NodeId, transfer: Transfer, alpha: int, empty: Database) -> Step:
        head = transfer.rows[0] if transfer.rows else None
        if not isinstance(head, Head) or head.slot != transfer.slot or len(transfer.rows) > head.rows:
            return self._refuse(teacher, "no snapshot")
        if len(transfer.rows) == head.rows:
            if digest_of(transfer.rows) != transfer.digest:
                return self._refuse(teacher, "another digest")
            try:
                there = landing(transfer.rows, alpha, empty)
            except BadImage:
                return self._refuse(teacher, "later version" if head.version > empty.understands else "no snapshot")
            self.coming[teacher] = Transfer(transfer.slot, transfer.digest, landing=there)
            return RECORDED
        self.coming[teacher] = transfer
        return Step(RECORDED.announces, (Send(teacher, Take(transfer.slot, len(transfer.rows))),))

    def _refuse(self, teacher: NodeId, why: str) -> Step:
        self.coming.pop(teacher, None)
        self.refused[why] += 1
        return IGNORED

    def landing(self, teacher: NodeId, slot: Slot) -> Landing | None:
        """Where the snapshot of this teacher at this slot leads, if all of it came."""
        transfer = self.coming.get(teacher)
        return None if transfer is None or transfer.slot != slot else transfer.landing

    def due(self) -> list[tuple[NodeId, Slot]]:
        """All that could be installed."""
        return [(node, transfer.slot) for node, transfer in self.coming.items() if transfer.landing is not None]

    def forget_up_to(self, slot: Slot) -> None:
        """Snapshots up to this slot bring nothing any more."""
        self.coming = {node: transfer for node, transfer in self.coming.items() if transfer.slot > slot}
