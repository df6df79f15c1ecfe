"""A good journal whose pieces can be written anew, with every checksum and every number right."""

from pathlib import Path

import apsw

from physalia.journal import Directory, Journal, NodeKey, marks
from physalia.journal.entries import pack, unpack
from physalia.journal.folded import Fold, pack_fold, unpack_fold
from physalia.journal.marks import Mark, last_of

SERVER = 7
RESTING, WRITING = NodeKey(1, 3, 101), NodeKey(2, 3, 102)
"""One node has nothing after the fold; the other writes on."""
MANY = 70
"""So many records stand in two entries of one batch."""


class Forger:
    """A good journal in a folder, closed, whose rows and marks can be written anew."""

    def __init__(self, folder: Path) -> None:
        self.files = Directory(folder)
        self.database = str(folder / "journal")
        Journal.create(self.files, SERVER)
        with Journal(self.files, SERVER) as journal:
            for key in (RESTING, WRITING):
                journal.admit(key)
            self.flush(journal, (RESTING, b"first"), (WRITING, b"one"))
            journal.fold(100)
        self.older = self.node(RESTING)
        with Journal(self.files, SERVER) as journal:
            for key in (RESTING, WRITING):
                journal.read(key)
            self.flush(journal, (RESTING, b"second"))
            journal.fold(100)
            self.flush(journal, (WRITING, b"two"))
            self.flush(journal, (WRITING, b"three"))
            self.flush(journal, *((WRITING, b"of many") for _ in range(MANY)))
        self.mark = self._mark()
        self.fold = self._fold()

    @staticmethod
    def flush(journal: Journal, *batch: tuple[NodeKey, bytes]) -> None:
        """Store one batch."""
        journal.append(batch)
        journal.flush()

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Ask SQLite, without the journal."""
        connection = apsw.Connection(self.database)
        try:
            return list(connection.execute(statement, values))
        finally:
            connection.close()

    def node(self, key: NodeKey) -> tuple[object, ...]:
        """The folded row of a node."""
        (row,) = self.execute("SELECT sequence, state FROM nodes WHERE cell = ?", key.cell)
        return row

    def _fold(self) -> Fold:
        ((state,),) = self.execute("SELECT state FROM folded")
        assert isinstance(state, bytes)
        fold = unpack_fold(state)
        assert fold is not None
        return fold

    def _mark(self) -> Mark:
        mark = last_of(self.files.read(marks.NAME))
        assert mark is not None
        return mark

    def write(self, numbers: range, **changes: object) -> None:
        """Write these entries anew, each the right one after the one before it but for the changes of the first.

        Changes are ``journal``, ``batch``, ``previous``, ``skip`` (of a sequence) and ``record``. The mark and the fold
        stay as they are.
        """
        for number in numbers:
            ((data,),) = self.execute("SELECT entry FROM entries WHERE number = ?", number)
            assert isinstance(data, bytes)
            entry = unpack(data)
            assert entry is not None
            head, changed = entry.head, changes if number == numbers.start else {}
            before = self.check(number - 1)
            written, _ = pack(
                changes.get("journal", head.journal), changed.get("batch", head.batch), changed.get("number", number),  # type: ignore[arg-type]
                changed.get("previous", before), entry.nodes,  # type: ignore[arg-type]
                [sequence + int("skip" in changed) for sequence in entry.sequences],
                [changed.get("record", record) for record in entry.records],  # type: ignore[misc]
            )  # fmt: skip
            self.execute("UPDATE entries SET entry = ? WHERE number = ?", written, number)

    def check(self, number: int) -> int:
        """The check of an entry, or that of the last that was folded."""
        if number == self.fold.number:
            return self.fold.check
        ((data,),) = self.execute("SELECT entry FROM entries WHERE number = ?", number)
        assert isinstance(data, bytes)
        entry = unpack(data)
        assert entry is not None
        return entry.head.check

    @property
    def last(self) -> int:
        """The number of the last entry."""
        return self.mark.number

    def vouch(self, **changes: object) -> None:
        """Write the mark anew: for the last entry as it stands now, but for the changes."""
        right = {"check": self.check(self.last)} if "number" not in changes else {}
        marks.renew(self.files, self.mark._replace(**{**right, **changes}))  # type: ignore[arg-type]

    def say_folded(self, **changes: object) -> None:
        """Write anew how far it is folded."""
        self.execute("UPDATE folded SET state = ?", pack_fold(self.fold._replace(**changes)))  # type: ignore[arg-type]
