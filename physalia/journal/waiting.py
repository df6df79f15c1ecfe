"""What was appended and waits for a flush: in memory alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from physalia.journal.entries import pack
from physalia.journal.keys import NodeKey


class Packed(NamedTuple):
    """What waited, as the rows that a transaction stores; where the table ends then, and each node's sequence."""

    rows: list[tuple[int, bytes]]
    number: int
    check: int
    sequences: dict[NodeKey, int]


class Waiting:
    """Records in the order in which they were appended."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.nodes: set[NodeKey] = set()
        self._keys: list[NodeKey] = []
        self._records: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def keys(self) -> Sequence[NodeKey]:
        """The node of each record."""
        return self._keys

    def add(self, keys: Iterable[NodeKey], records: Iterable[bytes], size_bytes: int) -> None:
        """Append records, of `size_bytes` together."""
        self._keys += keys
        self._records += records
        self.nodes.update(keys)
        self.size_bytes += size_bytes

    def pack(self, journal: bytes, batch: int, number: int, check: int, sequences: Mapping[NodeKey, int]) -> Packed:
        """The rows after `number`, whose checksum is `check`, of nodes whose last entries have these sequences."""
        rows: list[tuple[int, bytes]] = []
        after = {key: sequences[key] for key in self.nodes}
        for key, record in zip(self._keys, self._records, strict=True):
            number += 1
            sequence = after[key] = after[key] + 1
            entry, check = pack(journal, batch, number, check, key, sequence, record)
            rows.append((number, entry))
        return Packed(rows, number, check, after)
