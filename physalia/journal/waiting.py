"""What was appended and waits for a flush: in memory alone."""

from collections.abc import Sequence
from typing import NamedTuple

from physalia.journal.entries import ENTRY_RECORDS, pack
from physalia.journal.keys import NodeKey


class Packed(NamedTuple):
    """What waited, as the rows that a transaction stores, and where the table ends then."""

    rows: list[tuple[int, bytes]]
    number: int
    check: int


class Waiting:
    """Records in the order in which they were appended, the node and the sequence of each, and who is born."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.births: dict[int, set[NodeKey]] = {}
        self.keys: list[NodeKey] = []
        self.sequences: list[int] = []
        self.records: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self.keys)

    def add(self, keys: Sequence[NodeKey], sequences: Sequence[int], records: Sequence[bytes], size_bytes: int) -> None:
        """Append records, of `size_bytes` together."""
        self.keys += keys
        self.sequences += sequences
        self.records += records
        self.size_bytes += size_bytes

    def bear(self, key: NodeKey) -> None:
        """Append the birth of a node."""
        self.births.setdefault(key.cell, set()).add(key)
        self.add((key,), (0,), (b"",), 0)

    def pack(self, journal: bytes, batch: int, number: int, check: int) -> Packed:
        """The rows of a batch, after row `number`, whose check is `check`."""
        rows: list[tuple[int, bytes]] = []
        for start in range(0, len(self.keys), ENTRY_RECORDS):
            part = slice(start, start + ENTRY_RECORDS)
            number += 1
            entry, check = pack(
                journal, batch, number, check, self.keys[part], self.sequences[part], self.records[part]
            )
            rows.append((number, entry))
        return Packed(rows, number, check)
