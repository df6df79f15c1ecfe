"""Whether a journal holds everything that was ever flushed: read all of it, and compare it with the evidence.

SQLite recovers by cutting its log at the first frame that does not fit. If that frame was the last, unflushed
transaction, it is a torn tail, and cutting is right: nothing depended on it. If it was flushed, something acknowledged
is gone. What tells the two apart is that *a batch is begun only after the one before it is flushed*:

* an intact trace of a later batch, anywhere in the raw log, shows that the batch that is missing was flushed
  (`physalia.journal.evidence`);
* so does the mark, which is written only after a flush (`physalia.journal.marks`, which says what it can miss).

Within what SQLite shows, numbers and checksums are chained from row to row, each node's sequence rises by one, and the
rows of nodes add up to the digest.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import apsw

from physalia.journal.database import damaged
from physalia.journal.entries import Entry, unpack
from physalia.journal.evidence import last_batch
from physalia.journal.folded import DIGEST_MODULUS, Checkpoint, Fold, unpack_checkpoint, unpack_fold
from physalia.journal.keys import NodeKey
from physalia.journal.marks import Mark
from physalia.journal.tail import Tail

UNBORN = -1
"""The sequence before a node's birth, which has sequence 0."""


class Standing(NamedTuple):
    """Where an intact journal stands: its last fold, its last batch and entry, and the entries that are not folded."""

    fold: Fold
    batch: int
    number: int
    check: int
    tail: Tail

    @property
    def mark(self) -> Mark:
        """What vouches for it from now on."""
        return Mark(self.fold.journal, self.fold.server, True, self.batch, self.number, self.check)


def audit(connection: apsw.Connection, where: str, log: bytes, mark: Mark) -> Standing:
    """Read the whole journal. `log` is SQLite's log as it stood before SQLite saw it.

    Raises `JournalDamaged` if anything that was flushed is missing or changed, and `apsw.Error`.
    """
    for (verdict,) in connection.execute("PRAGMA quick_check(1)"):
        if verdict != "ok":
            raise damaged(where, f"SQLite's check says: {verdict}")
    fold = _fold_of(connection, where, mark)
    _check_nodes(connection, where, fold)
    standing = _read_entries(connection, where, fold, {fold.last: fold.last_check, mark.number: mark.check})
    flushed = max(mark.batch, last_batch(fold.journal, log) - 1)
    if standing.batch < flushed:
        raise damaged(where, f"it ends with batch {standing.batch}, and batch {flushed} was flushed")
    return standing


def checkpoint_of(connection: apsw.Connection, where: str, key: NodeKey) -> Checkpoint | None:
    """The folded records of a node; None if there are none. Raises `JournalDamaged` and `apsw.Error`."""
    question = "SELECT sequence, state FROM nodes WHERE cell = ? AND life = ? AND incarnation = ?"
    for sequence, state in connection.execute(question, key):
        found = unpack_checkpoint(key, sequence, state)
        if found is None:
            raise damaged(where, f"the folded records of {key} are not what was written")
        return found
    return None


def entries_of(connection: apsw.Connection, where: str, first: int, last: int) -> Iterator[Entry]:
    """The entries of these rows, each intact and in its place. Raises `JournalDamaged` and `apsw.Error`."""
    expected = first
    question = "SELECT number, entry FROM entries WHERE number BETWEEN ? AND ? ORDER BY number"
    for number, data in connection.execute(question, (first, last)):
        entry = unpack(data)
        if entry is None or number != expected or entry.head.number != number:
            raise damaged(where, f"entry {expected} is not what was written")
        yield entry
        expected += 1


def entry_at(connection: apsw.Connection, where: str, number: int) -> Entry:
    """The entry of one row. Raises `JournalDamaged` and `apsw.Error`."""
    for entry in entries_of(connection, where, number, number):
        return entry
    raise damaged(where, f"entry {number} is missing")


def _fold_of(connection: apsw.Connection, where: str, mark: Mark) -> Fold:
    rows = [unpack_fold(state) for (state,) in connection.execute("SELECT state FROM folded")]
    if len(rows) != 1 or rows[0] is None:
        raise damaged(where, "what says how far it was folded is not what was written")
    if (rows[0].journal, rows[0].server) != (mark.journal, mark.server):
        raise damaged(where, "its files are of two journals")
    return rows[0]


def _check_nodes(connection: apsw.Connection, where: str, fold: Fold) -> None:
    nodes = digest = 0
    for cell, life, incarnation, sequence, state in connection.execute("SELECT * FROM nodes"):
        key = NodeKey(cell, life, incarnation)
        found = unpack_checkpoint(key, sequence, state)
        if found is None:
            raise damaged(where, f"the folded records of {key} are not what was written")
        nodes, digest = nodes + 1, digest + found.check
    if (nodes, digest % DIGEST_MODULUS) != (fold.nodes, fold.digest):
        raise damaged(where, "the folded records of some node are older than the last fold")


def _read_entries(connection: apsw.Connection, where: str, fold: Fold, flushed: Mapping[int, int]) -> Standing:
    """Read the append table. `flushed` has the checks of entries that are known to have been flushed, by number."""
    batch, number, check = 0, fold.number, fold.check
    tail = Tail()
    sequences: dict[NodeKey, int] = {}
    for entry in entries_of(connection, where, fold.number + 1, 2**63 - 1):
        head = entry.head
        if (head.journal, head.previous) != (fold.journal, check) or head.batch < batch:
            raise damaged(where, f"entry {head.number} does not follow the one before it")
        batch, number, check = head.batch, head.number, head.check
        if flushed.get(number, check) != check:
            raise damaged(where, f"entry {number} is not the one that was flushed")
        for key, sequence, _ in entry.lines():
            if key not in sequences:
                folded = checkpoint_of(connection, where, key)
                sequences[key] = UNBORN if folded is None else folded.sequence
            if sequence != sequences[key] + 1:
                raise damaged(where, f"in entry {number} a record of {key} does not follow the one before it")
            sequences[key] = sequence
        tail.add(number, entry.nodes)
    if number < max(flushed):
        raise damaged(where, f"it ends with entry {number}, and entry {max(flushed)} was flushed")
    return Standing(fold, max(batch, fold.batch), number, check, tail)
