"""What folding leaves: one row a node that stands for all its records so far, and one row that vouches for all of them.

Lone rows cannot show that they are the newest: an older copy of one is intact too. So the one row of `Fold` carries
the sum of the checksums of all of them, and says up to where the append table was emptied.
"""

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from physalia.journal.keys import NodeKey

DIGEST_MODULUS = 2**64
_FOLD = Struct(">8sQQQIQIQQ")
_NODE = Struct(">QQQQ")
_NUMBER = Struct(">I")
FOLD_BYTES = _FOLD.size + _NUMBER.size


class Fold(NamedTuple):
    """How far the append table was emptied, how far it went on, and what the rows of nodes amount to.

    Entries up to `number`, whose check was `check`, are folded; `batch` is the transaction that did it. The table ended
    with entry `last` then, whose check is `last_check`. There are `nodes` rows of nodes, and `digest` is the sum of
    their checksums.
    """

    journal: bytes
    server: int
    batch: int = 0
    number: int = 0
    check: int = 0
    last: int = 0
    last_check: int = 0
    nodes: int = 0
    digest: int = 0


class Checkpoint(NamedTuple):
    """The records of a node up to `sequence`, as they were folded, and the checksum of the row."""

    sequence: int
    records: tuple[bytes, ...]
    check: int


def pack_fold(fold: Fold) -> bytes:
    """The bytes of the one row."""
    body = _FOLD.pack(*fold)
    return body + _NUMBER.pack(crc32(body))


def unpack_fold(data: bytes) -> Fold | None:
    """What the row says; None if it is damaged."""
    body = data[: _FOLD.size]
    if len(data) != FOLD_BYTES or _NUMBER.unpack_from(data, _FOLD.size) != (crc32(body),):
        return None
    return Fold(*_FOLD.unpack(body))


def pack_checkpoint(key: NodeKey, sequence: int, records: Sequence[bytes]) -> tuple[bytes, int]:
    """The bytes of the row of a node, and its checksum, which covers the key as well."""
    body = b"".join(_NUMBER.pack(len(record)) + record for record in records)
    check = crc32(body, crc32(_NODE.pack(*key, sequence)))
    return _NUMBER.pack(check) + body, check


def unpack_checkpoint(key: NodeKey, sequence: int, data: bytes) -> Checkpoint | None:
    """The records of such a row; None if it is damaged."""
    if sequence < 0 or not key.is_possible():
        return None
    body = data[_NUMBER.size :]
    check = crc32(body, crc32(_NODE.pack(*key, sequence)))
    if data[: _NUMBER.size] != _NUMBER.pack(check):
        return None
    records, place = [], 0
    while place < len(body):
        start = place + _NUMBER.size
        place = start + int(_NUMBER.unpack_from(body, place)[0])
        records.append(body[start:place])
    return Checkpoint(sequence, tuple(records), check)
