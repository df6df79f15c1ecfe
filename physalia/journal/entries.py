"""The format of an entry: one row of the append table, with up to `ENTRY_RECORDS` records of one batch.

An entry is a head, a table with a line for each record, and the records' own bytes, which are never looked into.

| bytes | field of the head | meaning |
|---|---|---|
| 8 | journal | random, given when the journal was made: by it its entries are found in raw pages |
| 8 | batch | the number of the transaction that stored it; each is flushed before the next begins |
| 8 | number | its row: 1 higher than the row before |
| 4 | previous | the check of the row before: rows of two histories do not fit together |
| 2 | lines | how many records there are |
| 4 | table | CRC-32 of the table |
| 4 | check | CRC-32 of everything above |

The table stands column by column: cell, life and incarnation (8 bytes each) of all records, then their sequences (8: 0
for the birth of the node, then 1 higher for each of its records), their sizes (4), the CRC-32 of each (4).

CRC-32 sees every burst of up to 32 bits, and one in 2^32 of other damage slips through; SQLite's own checksums of its
log, the numbers and the chain stand beside it. Nothing here defends against an enemy who can write to the disk. The
head has a check of its own so that it can be judged where only the beginning of an entry is at hand, as in a page of
the log. It begins with bytes that nobody outside can know, so that no value of a client looks like one.

Many records share an entry because each row costs SQLite and Python more than a small record does.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, chain, pairwise
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from physalia.journal.keys import NodeKey

ENTRY_RECORDS = 32
JOURNAL_BYTES = 8
_HEAD = Struct(">8sQQIHI")
_CHECK = Struct(">I")
_START = _HEAD.size + _CHECK.size


class Head(NamedTuple):
    """What an entry says of itself. Whether it fits the entries around it is for the audit to say."""

    journal: bytes
    batch: int
    number: int
    previous: int
    lines: int
    table: int
    check: int


class Entry(NamedTuple):
    """An entry that is intact by itself: for each record its node, its sequence and its bytes."""

    head: Head
    nodes: tuple[NodeKey, ...]
    sequences: tuple[int, ...]
    records: tuple[bytes, ...]

    def lines(self) -> Iterator[tuple[NodeKey, int, bytes]]:
        """One record after the other."""
        return zip(self.nodes, self.sequences, self.records, strict=True)


def pack(
    journal: bytes,
    batch: int,
    number: int,
    previous: int,
    nodes: Sequence[NodeKey],
    sequences: Sequence[int],
    records: Sequence[bytes],
) -> tuple[bytes, int]:
    """The bytes of an entry of up to `ENTRY_RECORDS` records, and its check, which the next entry carries."""
    count = len(records)
    table = _table(count).pack(*chain.from_iterable(nodes), *sequences, *map(len, records), *map(crc32, records))
    head = _HEAD.pack(journal, batch, number, previous, count, crc32(table))
    check = crc32(head)
    return b"".join((head, _CHECK.pack(check), table, *records)), check


def unpack(data: bytes) -> Entry | None:
    """The entry of these bytes; None if they are damaged."""
    head = head_at(data, 0)
    if head is None:
        return None
    layout = _table(head.lines)
    start = _START + layout.size
    if crc32(data[_START:start]) != head.table:
        return None
    count, fields = head.lines, layout.unpack_from(data, _START)
    keys, rest = fields[: 3 * count], fields[3 * count :]
    sequences, sizes, contents = rest[:count], rest[count : 2 * count], rest[2 * count :]
    records = tuple(data[first:end] for first, end in pairwise(accumulate(sizes, initial=start)))
    if tuple(map(crc32, records)) != contents or start + sum(sizes) != len(data):
        return None
    return Entry(head, tuple(map(NodeKey, keys[::3], keys[1::3], keys[2::3])), sequences, records)


def head_at(data: bytes, start: int) -> Head | None:
    """The head that stands at this place of some bytes; None if there is none, or a damaged one."""
    if len(data) < start + _START:
        return None
    (check,) = _CHECK.unpack_from(data, start + _HEAD.size)
    if crc32(data[start : start + _HEAD.size]) != check:
        return None
    return Head._make((*_HEAD.unpack_from(data, start), check))


@cache
def _table(count: int) -> Struct:
    return Struct(f">{4 * count}Q{2 * count}I")
