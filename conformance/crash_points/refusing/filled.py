"""Batches that fill entries to the last record, and go beyond: all of what was flushed is shown, or nothing of it.

An entry holds so many records and no more. Here batches end just before its end, at it and behind it, up to several
entries, and of the nodes in a batch some have nothing in an entry but its very last record. They are read back in the
same process, before and after a fold, and after its end, at every step of the flush.
"""

from collections.abc import Iterator

from conformance.crash_points.campaign import stage
from conformance.crash_points.disk import Disk
from conformance.crash_points.ledger import Batch, Ledger, Violation, difference, read_all
from conformance.crash_points.vfs import SimulatedVfs, mount
from physalia.journal import Journal, JournalError, NodeKey
from physalia.journal.entries import ENTRY_RECORDS

SERVER = 7
MANY = tuple(NodeKey(cell, 3, 100 + cell) for cell in range(1, 4))
"""These store most of a batch."""
LAST = tuple(NodeKey(cell, 3, 100 + cell) for cell in range(11, 14))
"""Each of these stores the last record of an entry now and then, and nothing else."""
COUNTS = (
    ENTRY_RECORDS - 1, ENTRY_RECORDS, ENTRY_RECORDS + 1,
    2 * ENTRY_RECORDS, 3 * ENTRY_RECORDS - 1, 5 * ENTRY_RECORDS + 1,
)  # fmt: skip
"""How many records a batch has."""
TRIES = 8
"""How many ends of a process are tried in a flush, at most."""


def wrongly_kept() -> Iterator[str]:
    """What a journal loses or invents where an entry is full, as sentences."""
    with stage() as vfs:
        for count in COUNTS:
            for is_taken in (False, True):
                try:
                    _Filled(vfs, f"filled/{count}/{is_taken}").try_batch(count, is_taken=is_taken)
                except (Violation, JournalError) as error:
                    yield f"of a batch of {count} records: {type(error).__name__}: {error}"


class _Filled:
    """A journal whose nodes were born, and what it must show."""

    def __init__(self, vfs: SimulatedVfs, name: str) -> None:
        self.vfs = vfs
        self.disk = Disk(name)
        files = mount(vfs, self.disk)
        Journal.create(files, SERVER)
        if self.disk.due_names or any(file.due for file in self.disk.names.values()):
            raise Violation("a journal is said to be made, and a power cut could still change what stands there")
        self.journal = Journal(files, SERVER)
        self.ledger = Ledger(is_made=True)
        for key in (*MANY, *LAST):
            self.journal.admit(key)
        self._flush(tuple((key, None) for key in (*MANY, *LAST)))

    def try_batch(self, count: int, *, is_taken: bool) -> None:
        """Flush such a batch, let the process end on the way, and look at it with what came after. May raise."""
        batch = batch_of(count)
        records = [(key, record) for key, record in batch if record is not None]
        before, at = self.disk.copy(), len(self.disk.record)
        unfolded = self.journal.unfolded
        if is_taken and not self.journal.take(records):
            raise Violation("it is not taken")
        if not is_taken:
            self.journal.append(records)
        ends = self.ledger.begin(batch)
        self._flush(batch)
        self._try_ends(before, at, ends)
        self._look("in the process that flushed it")
        entries = self.journal.unfolded - unfolded
        if entries != -(-count // ENTRY_RECORDS):
            raise Violation(f"it stands in {entries} entries")
        self._write_on(b"after the batch")
        for folded in (1, 1, entries):
            self.journal.fold(folded)
            self._look("after a fold")
        self._write_on(b"after the folds")
        self._restart()
        self._write_on(b"after a restart")
        self._look("after a restart")

    def _flush(self, batch: Batch) -> None:
        self.ledger = self.ledger.begin(batch)
        self.journal.flush()
        self.ledger = self.ledger.acknowledge()

    def _write_on(self, record: bytes) -> None:
        """Each node stores one record more, its next."""
        self.journal.append([(key, record) for key in (*LAST, *MANY)])
        self._flush(tuple((key, record) for key in (*LAST, *MANY)))

    def _look(self, when: str) -> None:
        shown, expected = read_all(self.journal), self.ledger.contents()
        if shown != expected:
            raise Violation(f"{when}: {difference(expected, shown)}")

    def _try_ends(self, before: Disk, at: int, ledger: Ledger) -> None:
        """At some steps of the flush the power goes: all of the batch is there then, or nothing of it."""
        steps = self.disk.record[at:]
        for step in sorted({len(steps) * place // TRIES for place in range(TRIES + 1)}):
            disk = before.copy()
            for again in steps[:step]:
                disk.again(again)
            disk.cut_power(f"{self.disk.seed}/{step}")
            must = self.ledger if step == len(steps) else ledger
            must.settle(read_all(Journal(mount(self.vfs, disk), SERVER)))
        self.vfs.disk = self.disk

    def _restart(self) -> None:
        """The process is killed, and the next one shows all of it."""
        self.disk = self.disk.copy()
        self.journal = Journal(mount(self.vfs, self.disk), SERVER)
        self.ledger = self.ledger.settle(read_all(self.journal))


def batch_of(count: int) -> Batch:
    """So many records. The last of each entry is of a node that has none beside it there."""
    return tuple(
        (
            MANY[place % len(MANY)] if (place + 1) % ENTRY_RECORDS else LAST[place // ENTRY_RECORDS % len(LAST)],
            b"%d" % place,
        )
        for place in range(count)
    )
