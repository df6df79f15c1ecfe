"""The mark: how far the journal was flushed, told outside of SQLite's files.

SQLite cuts its write-ahead log at the first frame that does not fit, and says nothing. The mark is what can contradict
it: it names the last batch that was flushed, is written only after that flush succeeded, and so is never ahead of the
disk. A journal that shows less than its mark lost something that was acknowledged.

There are two slots, in different sectors. `note` writes the second one after every flush and does not wait for the
disk: a power cut may take it, a killed process or a file that somebody cut or exchanged cannot. `settle` makes first
the second slot safe and then the first. Whatever happens, one of them is intact: both damaged is damage.
"""

from struct import Struct
from typing import NamedTuple
from zlib import crc32

from physalia.journal.files import Files

NAME = "marks"
MAGIC = b"Physalia marks\0\0"
FORMAT_VERSION = 1
SLOT_BYTES = 4096
_HEAD = Struct(">16sI")
_MARK = Struct(">16sI8sQ?QQI")
_CHECK = Struct(">I")


class Mark(NamedTuple):
    """How far a journal was flushed.

    `journal` are its random bytes; `server` is whose it is. `is_complete` is false while the journal is being made.
    `batch` and `number` are the last batch and row that were flushed, `check` is the checksum of that row.
    """

    journal: bytes
    server: int
    is_complete: bool
    batch: int
    number: int
    check: int


def note(files: Files, mark: Mark) -> None:
    """Write the mark, and do not wait for the disk. Raises `OSError`."""
    files.write(NAME, _pack(mark), SLOT_BYTES)


def settle(files: Files, mark: Mark) -> None:
    """Write the mark for good. Raises `OSError`."""
    for slot in (1, 0):
        files.write(NAME, _pack(mark), slot * SLOT_BYTES)
        files.sync(NAME)


def renew(files: Files, mark: Mark) -> None:
    """Make the file anew: what an earlier process wrote may never have reached the disk. Raises `OSError`."""
    files.replace(NAME, 2 * _pack(mark).ljust(SLOT_BYTES, b"\0"))


def version_of(data: bytes) -> int | None:
    """The version of the format of a file of marks; None if no slot begins like one."""
    for slot in (data[:SLOT_BYTES], data[SLOT_BYTES:]):
        if len(slot) >= _HEAD.size:
            magic, version = _HEAD.unpack_from(slot)
            if magic == MAGIC:
                return int(version)
    return None


def last_of(data: bytes) -> Mark | None:
    """The mark that is furthest on; None if neither slot is intact."""
    marks = [mark for mark in (_unpack(data[:SLOT_BYTES]), _unpack(data[SLOT_BYTES:])) if mark is not None]
    return max(marks, key=lambda mark: (mark.is_complete, mark.batch, mark.number), default=None)


def _pack(mark: Mark) -> bytes:
    body = _MARK.pack(MAGIC, FORMAT_VERSION, *mark)
    return body + _CHECK.pack(crc32(body))


def _unpack(slot: bytes) -> Mark | None:
    if len(slot) < _MARK.size + _CHECK.size:
        return None
    (check,) = _CHECK.unpack_from(slot, _MARK.size)
    if crc32(slot[: _MARK.size]) != check:
        return None
    magic, version, *fields = _MARK.unpack_from(slot)
    return Mark(*fields) if (magic, version) == (MAGIC, FORMAT_VERSION) else None
