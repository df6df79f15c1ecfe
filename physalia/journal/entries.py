"""The format of one entry: a record as it stands in the append table, and in the pages of SQLite's write-ahead log.

An entry is a header of fixed size, its checksum, and the record's bytes, which are the caller's and never looked into.

| bytes | field | meaning |
|---|---|---|
| 8 | journal | random, given when the journal was made: by it its entries are found in raw pages |
| 8 | batch | the number of the transaction that stored it; each is flushed before the next begins |
| 8 | number | its row: 1 higher than the row before |
| 4 | previous | the checksum of the row before: rows of two histories do not fit together |
| 8, 8, 8 | cell, life, incarnation | the node (design rule R15) |
| 8 | sequence | 0 for the birth of the node, then 1 higher for each of its records |
| 4 | content | CRC-32 of the record's bytes |
| 4 | check | CRC-32 of everything above |

CRC-32 sees every burst of up to 32 bits, and one in 2^32 of other damage slips through; SQLite's own checksums of its
log, the numbers and the chain stand beside it. Nothing here defends against an enemy who can write to the disk.

The header has a checksum of its own so that it can be judged where only the beginning of a large entry is at hand, as
in a page of the log. It begins with bytes that nobody outside can know, so that no value of a client looks like one.
"""

from struct import Struct
from typing import NamedTuple
from zlib import crc32

from physalia.journal.keys import NodeKey

HEADER = Struct(">8sQQIQQQQI")
"""The fields of a header without its checksum, in their order."""
CHECK = Struct(">I")
JOURNAL_BYTES = 8
OVERHEAD_BYTES = HEADER.size + CHECK.size
"""What an entry takes beside its record."""


class Header(NamedTuple):
    """What an entry says beside its record. Whether it fits the entries around it is for the audit to say."""

    journal: bytes
    batch: int
    number: int
    previous: int
    cell: int
    life: int
    incarnation: int
    sequence: int
    content: int
    check: int

    @property
    def key(self) -> NodeKey:
        """The node that it belongs to."""
        return NodeKey(self.cell, self.life, self.incarnation)


def pack(
    journal: bytes, batch: int, number: int, previous: int, key: NodeKey, sequence: int, record: bytes
) -> tuple[bytes, int]:
    """The bytes of an entry, and its checksum, which the next entry carries as `previous`."""
    header = HEADER.pack(journal, batch, number, previous, *key, sequence, crc32(record))
    check = crc32(header)
    return header + CHECK.pack(check) + record, check


def unpack(data: bytes) -> tuple[Header, bytes] | None:
    """The header and the record of an entry; None if it is damaged."""
    header = _header_at(data, 0)
    record = data[OVERHEAD_BYTES:]
    return (header, record) if header is not None and crc32(record) == header.content else None


def largest_batch(journal: bytes, raw: bytes) -> int:
    """The highest batch of which an intact header stands anywhere in raw bytes; 0 if there is none."""
    largest, place = 0, raw.find(journal)
    while place >= 0:
        header = _header_at(raw, place)
        if header is not None:
            largest = max(largest, header.batch)
        place = raw.find(journal, place + 1)
    return largest


def _header_at(data: bytes, start: int) -> Header | None:
    end = start + HEADER.size
    if len(data) < end + CHECK.size:
        return None
    (check,) = CHECK.unpack_from(data, end)
    if crc32(memoryview(data)[start:end]) != check:
        return None
    return Header._make((*HEADER.unpack_from(data, start), check))
