"""The record of a lease: what stands in the store under its key, as bytes.

It says who holds the lock for how long, and which version of the record it took the place of; so whoever asked for it
knows its own record from all others. A length of nothing says that the lock was given back. When the time begins is
not in it: each side measures that by itself, and nobody's clock is compared with another's.
"""

from typing import Final

from physalia.model import Item, Slot
from physalia.model.value import value

LONGEST_NS: Final = 24 * 3600 * 10**9
"""The longest lease. Whoever waits for a holder that is gone waits three times that."""
_WORD: Final = "lease"
_PARTS: Final = 4


class NotALease(Exception):
    """What is under the key is no record of a lease: somebody else uses the key for something else."""


@value
class Record:
    """`holder` has the lock for `length_ns` since before it asked; the record before this one was of version `expects`.

    A holder's name is of one process in one life, and has no spaces. Version 0 says that there was no record.
    """

    holder: str
    expects: Slot
    length_ns: int

    def data(self) -> bytes:
        """As it stands in the store."""
        return f"{_WORD} {self.holder} {self.expects} {self.length_ns}".encode()


def read_record(key: str, item: Item) -> Record:
    """The record that stands under the key. Raises `NotALease`."""
    data = item.value
    try:
        parts = data.decode().split(" ") if isinstance(data, bytes) else []
        word, holder, expects, length_ns = parts if len(parts) == _PARTS else ("", "", "0", "0")
        record = Record(holder, int(expects), int(length_ns))
    except ValueError:
        raise NotALease(f"what is under the key {key!r} is no lease: it was put there by something else") from None
    if word != _WORD or record.data() != data or not (0 <= record.length_ns <= LONGEST_NS and record.expects >= 0):
        raise NotALease(f"what is under the key {key!r} is no lease: it was put there by something else")
    return record
