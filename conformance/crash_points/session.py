"""One life of a server's process on a simulated disk: it opens the journal, works, ends at a fault or in the middle.

What it does follows from a seed. It keeps the ledger as it goes, and notes at which step of the disk the ledger
changed, so that for every crash point it is known what must be there.
"""

from bisect import bisect_right
from collections.abc import Callable
from random import Random

from attrs import Factory, define, evolve

from conformance.crash_points.disk import Disk
from conformance.crash_points.ledger import Batch, Ledger, Violation, difference, read_all
from conformance.crash_points.vfs import SimulatedFiles, SimulatedVfs, mount
from physalia.journal import (
    BatchRefused,
    CannotReach,
    FlushFailed,
    Journal,
    JournalError,
    JournalFull,
    JournalMissing,
    NodeKey,
)

SERVER = 7
CELLS = 12
LIFE = 3
MOST_BATCHES = 9
CLOSED_SHARE = 0.3
"""How many of the processes close the journal before they end."""
SMALL_SIZES = (0, 1, 30, 30, 30)
SIZES = (*SMALL_SIZES, 200, 1500, 6000)
"""Sizes of records in bytes: up to more than a page, so that some spill over."""


@define
class Timeline:
    """The ledger at every step: from the step of each entry on, its ledger holds."""

    steps: list[int] = Factory(list)
    ledgers: list[Ledger] = Factory(list)
    opened_at: int | None = None

    def note(self, step: int, ledger: Ledger) -> None:
        """From this step on."""
        self.steps.append(step)
        self.ledgers.append(ledger)

    def at(self, step: int) -> Ledger:
        """What holds when so many steps were carried out."""
        return self.ledgers[bisect_right(self.steps, step) - 1]

    def is_open_at(self, step: int) -> bool:
        """Whether the journal was open by then."""
        return self.opened_at is not None and step >= self.opened_at


class Session:
    """A process. `run` carries it to its end and returns nothing; the disk and the timeline have all that happened."""

    def __init__(self, vfs: SimulatedVfs, disk: Disk, ledger: Ledger, seed: str) -> None:
        self.disk = disk
        self.files: SimulatedFiles = mount(vfs, disk)
        self.rng = Random(seed)  # noqa: S311  # repeatable, no secret
        self.ledger = ledger
        self.timeline = Timeline()
        self.reached: list[str] = []
        """What happened, in words: a campaign counts them, since what is never reached is never tested."""
        self._note(ledger)

    def run(self, work: int, *, room_bytes: int | None, flushes: int | None) -> None:
        """Open the journal and do so many pieces of work, with so much room, until so many flushes: the last one fails.

        Raises `Violation`.
        """
        journal = open_journal(self.files, self)
        if journal is None:
            return
        if flushes is not None:
            self.disk.failing_sync = self.disk.syncs + flushes
        if room_bytes is not None:
            self.disk.room_bytes = room_bytes + self.disk.size_bytes
        try:
            self._work(journal, work)
        except FlushFailed as error:
            if self.disk.met and all(fault == "full" for _, _, fault in self.disk.met):
                raise Violation(f"a disk without room is taken for one that fails: {error}") from error
            self._expect_latch(journal)
        except CannotReach:
            self.reached.append("a read failed")

    def settle(self, journal: Journal) -> None:
        """Judge what the journal shows, and take it for sure."""
        self._note(self.ledger.settle(read_all(journal)))
        self.timeline.opened_at = len(self.disk.record)

    def made(self) -> None:
        """The journal is made."""
        self._note(evolve(self.ledger, is_made=True))

    def _note(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.timeline.note(len(self.disk.record), ledger)

    def _work(self, journal: Journal, work: int) -> None:
        kinds: list[tuple[int, Callable[[Journal], None]]] = [
            (10, self._append),
            (3, self._fold),
            (2, self._admit),
            (2, self._refused),
            (2, self._read_again),
        ]
        for _ in range(work):
            (kind,) = self.rng.choices([each for _, each in kinds], [weight for weight, _ in kinds])
            kind(journal)
        if self.rng.random() < CLOSED_SHARE:
            journal.close()
            self.reached.append("closed")

    def _admit(self, journal: Journal) -> None:
        known = self.ledger.contents()
        fresh = [NodeKey(cell, LIFE, 100 + cell) for cell in range(1, CELLS + 1)]
        births = [key for key in fresh if key not in known][: self.rng.randint(1, 4)]
        for key in births:
            journal.admit(key)
        self._flush(journal, tuple((key, None) for key in births))

    def _append(self, journal: Journal) -> None:
        nodes = sorted(self.ledger.contents())
        if not nodes:
            self._admit(journal)
            return
        batch: list[tuple[NodeKey, bytes]] = []
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            count = self.rng.choice((1, 1, 2, 5, 40))
            part = [(self.rng.choice(nodes), self._record(count)) for _ in range(count)]
            journal.append(part)
            batch += part
        self._flush(journal, tuple(batch))

    def _record(self, count: int) -> bytes:
        return self.rng.randbytes(self.rng.choice(SIZES if count == 1 else SMALL_SIZES))

    def _flush(self, journal: Journal, batch: Batch) -> None:
        if not batch:
            return
        self._note(self.ledger.begin(batch))
        try:
            journal.flush()
        except JournalFull as full:
            self._note(self.ledger.refuse())
            self._make_room(journal, full.nodes, {key for key, _ in batch})
        else:
            if journal.needs_flush:
                raise Violation("a flush returned, and something still needs one")
            self._note(self.ledger.acknowledge())
            self.reached.append("acknowledged")

    def _make_room(self, journal: Journal, dropped: frozenset[NodeKey], concerned: set[NodeKey]) -> None:
        self.reached.append("full")
        if not journal.full or dropped != concerned:
            raise Violation("a full journal does not say so, or does not name the nodes whose memory is ahead")
        self._read_back(journal, sorted(dropped & self.ledger.contents().keys()))
        self.disk.room_bytes = None

    def _fold(self, journal: Journal) -> None:
        try:
            if journal.fold(self.rng.choice((1, 2, 5, 100))):
                self.reached.append("folded")
        except JournalFull:
            self.reached.append("full")
            self.disk.room_bytes = None

    def _refused(self, journal: Journal) -> None:
        nodes = sorted(self.ledger.contents())
        if not nodes:
            return
        try:
            journal.append([(nodes[0], b"fine"), (nodes[-1], "no bytes")])
        except BatchRefused as refused:
            self._read_back(journal, sorted(refused.nodes))
            self.reached.append("refused")
        else:
            raise Violation("a batch with a record that does not encode was taken")

    def _read_back(self, journal: Journal, dropped: list[NodeKey]) -> None:
        """These nodes are ahead of the disk: they must not append before they were read, and then show what is sure."""
        for key in dropped:
            try:
                journal.append([(key, b"from a memory that is ahead of the disk")])
            except BatchRefused:
                self._compare(journal, key)
            else:
                raise Violation(f"{key} goes on although its memory is ahead of the disk")

    def _read_again(self, journal: Journal) -> None:
        nodes = sorted(self.ledger.contents())
        if nodes:
            key = self.rng.choice(nodes)
            journal.forget(key)
            self._compare(journal, key)

    def _compare(self, journal: Journal, key: NodeKey) -> None:
        expected, shown = self.ledger.contents()[key], journal.read(key)
        if shown != expected:
            raise Violation(difference({key: expected}, {key: shown}))

    def _expect_latch(self, journal: Journal) -> None:
        """A flush failed: nothing may be acknowledged any more, however well the disk behaves."""
        self.reached.append("latched")
        self.disk.faults = {}
        self.disk.room_bytes = None
        if not journal.needs_flush:
            raise Violation("after a failed flush nothing needs a flush")
        key = NodeKey(1, LIFE, 101)
        attempts: dict[str, Callable[[], object]] = {
            "flush": journal.flush,
            "append": lambda: journal.append([]),
            "take": lambda: journal.take([]),
            "fold": lambda: journal.fold(1),
            "cap": lambda: journal.cap(0),
            "nodes": lambda: list(journal.nodes()),
            "admit": lambda: journal.admit(key),
            "read": lambda: journal.read(key),
            "forget": lambda: journal.forget(key),
        }
        for what, attempt in attempts.items():
            try:
                attempt()
            except FlushFailed:
                continue
            except JournalError as error:
                raise Violation(f"after a failed flush the journal says something else to {what}: {error}") from error
            raise Violation(f"after a failed flush the journal goes on to {what}")
        journal.close()


def open_journal(files: SimulatedFiles, session: Session) -> Journal | None:
    """Open the journal, make it if it never was, and judge it. None if the disk failed on the way: nobody may care.

    Raises `Violation` for anything else than the journal that should be there.
    """
    disk = session.disk
    for _ in range(2):
        try:
            journal = _open_or_make(files, session)
            session.settle(journal)
        except (CannotReach, FlushFailed) as error:
            if not disk.met:
                raise Violation(f"an honest disk is said to fail: {error}") from error
            session.reached.append("cannot reach")
            files.unlock()
            disk.faults = {}
            disk.room_bytes = None
        else:
            session.reached.append("opened")
            return journal
    return None


def _open_or_make(files: SimulatedFiles, session: Session) -> Journal:
    try:
        return Journal(files, SERVER)
    except JournalMissing:
        if session.ledger.is_made:
            raise Violation("a journal that was made is said to be missing") from None
    Journal.create(files, SERVER)
    session.made()
    return Journal(files, SERVER)
