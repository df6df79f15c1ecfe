"""The journal of a server: one for all its nodes, with one flush for many of them.

What a node stores is appended in memory and flushed with everything that others have stored meanwhile: one transaction
of SQLite, one wait for the disk. `flush` returning is the only acknowledgement there is. Records are bytes to the
journal; it neither knows nor cares what they say.

One thread at a time may call a journal, and any thread may be that one: a server gives it a thread of its own, so that
the wait for the disk is nobody else's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

from physalia.journal import database
from physalia.journal.audit import UNBORN, checkpoint_of, entry_at
from physalia.journal.database import damaged
from physalia.journal.entries import ENTRY_RECORDS
from physalia.journal.errors import BatchRefused, ForeignNode, JournalError, JournalFull, UnknownNode
from physalia.journal.files import Files
from physalia.journal.folding import Compact, carry_out, keep_all, plan_fold
from physalia.journal.keys import NodeKey
from physalia.journal.opening import bring_back, make
from physalia.journal.store import NoRoom, Store
from physalia.journal.waiting import Waiting

MAX_RECORD_BYTES = 1 << 24
"""The largest record, as in `physalia.wire.limits`."""
MAX_WAITING_BYTES = 1 << 28
"""How many bytes of records may wait for one flush. The snapshot of a full cell, with all its sessions, has room."""


class Journal:
    """An open journal. `full` says that the last attempt to write found no room; the next that does ends it.

    `is_capped` says that it may not grow as it wants.

    Once `FlushFailed` or `JournalDamaged` was raised, every method but `close` raises it again.
    """

    def __init__(self, files: Files, server: int, encode: Callable[[Any], bytes] | None = None) -> None:
        """Open the journal of `server`, whose records `encode` turns into bytes; without it they are bytes.

        Everything that it shows was read, judged and made safe before. Raises `JournalMissing`, `JournalInUse`,
        `CannotReach`, `NotAJournal`, `NewerJournal`, `ForeignJournal`, `JournalDamaged` and `OldSqlite`.
        """
        connection, standing = bring_back(files, server)
        self._store = Store(files, files.path(database.NAME), connection)
        self._encode = encode
        self._fold, self._tail, self._mark = standing.fold, standing.tail, standing.mark
        self._waiting = Waiting()
        self._sequences: dict[NodeKey, int] = {}
        self.full = self.is_capped = False

    @staticmethod
    def create(files: Files, server: int) -> None:
        """Make the journal of `server`. Raises `JournalExists`, `JournalInUse`, `CannotReach` and `OldSqlite`."""
        make(files, server)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def needs_flush(self) -> bool:
        """Whether something was appended that no flush has made safe. After a failed flush it is true for ever."""
        return bool(self._waiting) or self._store.flush_failed

    @property
    def name(self) -> bytes:
        """Eight random bytes, given when the journal was made: a server that lost its disk has another one."""
        return self._fold.journal

    @property
    def unfolded(self) -> int:
        """How many entries wait in the append table to be folded."""
        return self._mark.number - self._fold.number

    def nodes(self) -> Iterator[NodeKey]:
        """Every node that was flushed, in no order. Raises `CannotReach`."""
        self._store.require_alive()
        yield from list(self._tail)
        with self._store.reading() as connection:
            for row in connection.execute("SELECT cell, life, incarnation FROM nodes"):
                if NodeKey(*row) not in self._tail:
                    yield NodeKey(*row)

    def admit(self, key: NodeKey) -> None:
        """Append the birth of a node, which is to be flushed before its first message (design rule R15).

        Raises `ForeignNode` if the cell has another life here, and `BatchRefused` if the node is known already.
        """
        self._store.require_alive()
        where = self._store.where
        if not key.is_possible():
            raise BatchRefused(f"{where} cannot hold {key}: each part must be an integer from 0 to 2^63 - 1.", ())
        kin = self._kin(key.cell)
        if key in kin:
            raise BatchRefused(f"{where} holds {key} already: give a new node a new incarnation.", ())
        if any(other.life != key.life for other in kin):
            raise self._foreign(key, kin)
        self._sequences[key] = 0
        self._waiting.bear(key)

    def read(self, key: NodeKey) -> list[bytes]:
        """The records of a node, oldest first; from here on it may append. What waits of it is flushed before.

        Raises `UnknownNode`, `ForeignNode`, `CannotReach`, and whatever `flush` raises.
        """
        self.forget(key)
        records: list[bytes] = []
        sequence = UNBORN
        with self._store.reading() as connection:
            where = self._store.where
            folded = checkpoint_of(connection, where, key)
            if folded is not None:
                records, sequence = list(folded.records), folded.sequence
            for number in self._tail.of(key):
                for other, found, record in entry_at(connection, where, number).lines():
                    if other == key:
                        sequence += 1
                        if found != sequence:
                            raise damaged(where, f"entry {number} is not what was written")
                        records += [record] if sequence else []
        if sequence == UNBORN:
            raise self._unknown(key)
        self._sequences[key] = sequence
        return records

    def forget(self, key: NodeKey) -> None:
        """The node leaves memory, and must be read again before it appends. Raises whatever `flush` raises."""
        self._store.require_alive()
        if key in self._waiting.keys:
            self.flush()
        self._sequences.pop(key, None)

    def take(self, batch: Sequence[tuple[NodeKey, Any]]) -> bool:
        """Take the records of a batch as `append` does, if nothing is wrong with it; else change nothing, and say so.

        So whoever has many small batches that may fail apart from each other can give all of them at once.
        """
        self._store.require_alive()
        keys = [key for key, _ in batch]
        try:
            records = [value if self._encode is None else self._encode(value) for _, value in batch]
            sizes = list(map(len, records))
        except Exception:  # noqa: BLE001  # whatever it is, `append` finds it again and says it
            return False
        is_too_much = self._waiting.size_bytes + sum(sizes) > MAX_WAITING_BYTES
        if is_too_much or max(sizes, default=0) > MAX_RECORD_BYTES or not set(map(type, records)) <= {bytes}:
            return False
        if not self._sequences.keys() >= set(keys):
            return False
        self._waiting.add(keys, self._next_sequences(keys), records, sum(sizes))
        return True

    def append(self, batch: Iterable[tuple[NodeKey, Any]]) -> None:
        """Take the records of a batch, all or none, for the next flush.

        Raises `BatchRefused` if one does not encode, is larger than `MAX_RECORD_BYTES`, belongs to a node that was not
        read, or if more than `MAX_WAITING_BYTES` would wait: then nothing of the batch is stored, and its nodes must be
        read again, since their memory is ahead of the disk.
        """
        self._store.require_alive()
        keys, values = zip(*batch, strict=True) if (batch := list(batch)) else ((), ())
        try:
            records = values if self._encode is None else [self._encode(value) for value in values]
        except Exception as error:
            raise self._refuse(keys, f"a record does not encode ({error})") from error
        if not set(map(type, records)) <= {bytes}:
            raise self._refuse(keys, "a record is not bytes")
        sizes = list(map(len, records))
        if max(sizes, default=0) > MAX_RECORD_BYTES:
            raise self._refuse(keys, f"a record is larger than {MAX_RECORD_BYTES} bytes")
        if self._waiting.size_bytes + sum(sizes) > MAX_WAITING_BYTES:
            raise self._refuse(keys, f"more than {MAX_WAITING_BYTES} bytes would wait for a flush")
        self._waiting.add(keys, self._next_sequences(keys), records, sum(sizes))

    def flush(self) -> None:
        """Make safe whatever was appended. When it returns, it is; if it raises, nothing is acknowledged.

        Raises `JournalFull` if the disk has no room: nothing was stored, and the nodes that waited must be read again.
        Raises `FlushFailed` for any other failure: the journal is latched (design rule R16).
        """
        self._store.require_alive()
        if not self._waiting:
            return
        mark, waiting = self._mark, self._waiting
        packed = waiting.pack(mark.journal, mark.batch + 1, mark.number, mark.check)
        try:
            with self._store.writing() as connection:
                connection.executemany("INSERT INTO entries VALUES (?, ?)", packed.rows)
        except NoRoom:
            self._waiting = Waiting()
            raise self._no_room("the nodes that waited for it must be read again", waiting.keys) from None
        for place, (number, _) in enumerate(packed.rows):
            self._tail.add(number, waiting.keys[place * ENTRY_RECORDS : (place + 1) * ENTRY_RECORDS])
        self._waiting = Waiting()
        self._flushed(packed.number, packed.check)

    def cap(self, most_bytes: int) -> None:
        """Let the database grow to so many bytes, or to what it has if that is more; 0 is no limit but the disk's.

        Beyond, the journal is `full`, as if its disk were, until it may grow again. Raises `CannotReach`.
        """
        self._store.require_alive()
        with self._store.reading() as connection:
            page_bytes = connection.pragma("page_size")
            pages = min(most_bytes // page_bytes, database.MOST_PAGES) if most_bytes else database.MOST_PAGES
            connection.pragma("max_page_count", max(1, pages))
        self.is_capped = bool(most_bytes)
        if not self.is_capped:
            self.full = False  # as far as anybody knows: the next that finds no room says so

    def fold(self, entries: int, compact: Compact = keep_all) -> int:
        """Fold up to so many of the oldest flushed entries into the rows of their nodes; return how many.

        Raises `JournalFull`, which concerns no node, if the disk has no room; `CannotReach`, `JournalDamaged` and
        `FlushFailed`; and whatever `compact` raises. Nothing is folded then.
        """
        self._store.require_alive()
        count = min(entries, self.unfolded)
        if count <= 0:
            return 0
        with self._store.reading() as connection:
            plan = plan_fold(connection, self._store.where, self._fold, self._mark, count, compact)
        try:
            with self._store.writing() as connection:
                carry_out(connection, plan)
        except NoRoom:
            raise self._no_room("nothing was folded", ()) from None
        self._fold = plan.fold
        self._tail.cut(plan.fold.number, [key for key, _, _ in plan.rows])
        self._flushed(self._mark.number, self._mark.check)
        return count

    def close(self) -> None:
        """Let go of the directory; what was appended and not flushed is gone.

        A journal that stopped writes nothing more and keeps the directory until its process ends. Raises `FlushFailed`.
        """
        self._store.close(self._mark)

    def _flushed(self, number: int, check: int) -> None:
        """One more transaction is safe."""
        self._mark = self._mark._replace(batch=self._mark.batch + 1, number=number, check=check)
        self.full = False
        self._store.flushed(self._mark)

    def _no_room(self, what: str, nodes: Iterable[NodeKey]) -> JournalFull:
        self.full = True
        self._drop(nodes)
        return JournalFull(f"{self._store.where} is full, and {what}: make room, and the server goes on.", nodes)

    def _next_sequences(self, keys: Sequence[NodeKey]) -> list[int]:
        last, sequences = self._sequences, []
        try:
            for key in keys:
                last[key] = sequence = last[key] + 1
                sequences.append(sequence)
        except KeyError:
            raise self._refuse(keys, f"{key} was not read") from None
        return sequences

    def _refuse(self, nodes: Sequence[NodeKey], reason: str) -> BatchRefused:
        self._drop(nodes)
        return BatchRefused(f"{self._store.where} takes nothing of a batch: {reason}; read its nodes again.", nodes)

    def _drop(self, nodes: Iterable[NodeKey]) -> None:
        for key in nodes:
            self._sequences.pop(key, None)

    def _kin(self, cell: int) -> set[NodeKey]:
        """The nodes of a cell, safe or waiting for a flush."""
        waiting = self._waiting.births.get(cell, set())
        with self._store.reading() as connection:
            folded = connection.execute("SELECT cell, life, incarnation FROM nodes WHERE cell = ?", (cell,))
            return waiting | set(self._tail.of_cell(cell)) | {NodeKey(*row) for row in folded}

    def _unknown(self, key: NodeKey) -> JournalError:
        kin = self._kin(key.cell)
        if kin:
            return self._foreign(key, kin)
        return UnknownNode(f"{self._store.where} never heard of {key}: admit it first.")

    def _foreign(self, key: NodeKey, kin: set[NodeKey]) -> ForeignNode:
        return ForeignNode(f"{self._store.where} holds {min(kin)}, not {key}: refuse what comes for that one.")
