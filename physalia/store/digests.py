"""Digests: 32 bytes that are the same on every node that holds the same, whatever its version and hash seed.

The digest of a table is the sum, modulo 2^256, of the SHA-256 of its entries. So it does not depend on the order in
which they came, and an entry that changes costs two hashes, however many there are. Two tables that differ by accident
have one sum with a chance of 2^-256, as with any hash of that length. Somebody who may choose the entries can make two
tables of one sum with less work than that; a digest compares nodes, and vouches for nobody.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Generic, TypeVar

K = TypeVar("K", str, int)
V = TypeVar("V")

MODULUS = 1 << 256
MOST_UNSUMMED = 1024
"""After so many changed entries they are summed up without being asked for: what is kept for it is bounded."""


def canonical(thing: Any) -> bytes:
    """The one encoding of a thing: of each part a tag, the length, and the content.

    There are tuples, integers, texts, bytes, booleans and None, and values: a tuple of their name and their fields.
    """
    if thing is None:
        return b"n"
    if isinstance(thing, bool):
        return b"t" if thing else b"f"
    if isinstance(thing, int):
        tag, content = b"i", thing.to_bytes(thing.bit_length() // 8 + 1, "big", signed=True)
    elif isinstance(thing, str):
        tag, content = b"s", thing.encode()
    elif isinstance(thing, bytes):
        tag, content = b"b", thing
    elif isinstance(thing, tuple):
        tag, content = b"(", b"".join(map(canonical, thing))
    else:
        fields = (getattr(thing, name) for name in type(thing).__match_args__)
        return canonical((type(thing).__name__, *fields))
    return tag + len(content).to_bytes(8, "big") + content


def digest(thing: Any) -> bytes:
    """The SHA-256 of the canonical encoding."""
    return sha256(canonical(thing)).digest()


class Sum(Generic[K, V]):
    """The digest of a table, kept up to date by what changed since it was last asked for.

    `before` has what those entries were then, None where there was nothing.
    """

    def __init__(self, total: int = 0, before: Mapping[K, V | None] | None = None) -> None:
        self.total = total
        self.before: dict[K, V | None] = {} if before is None else dict(before)

    def copy(self) -> "Sum[K, V]":
        """The same, sharing nothing that can change."""
        return Sum(self.total, self.before)

    def note(self, key: K, old: V | None, table: Mapping[K, V]) -> None:
        """An entry of the table was this until now, or was not there."""
        before = self.before
        if key not in before:
            before[key] = old
            if len(before) > MOST_UNSUMMED:
                self.of(table)

    def of(self, table: Mapping[K, V]) -> int:
        """The sum over the table as it is now."""
        total = self.total
        for key, old in self.before.items():
            new = table.get(key)
            if new is not old:
                total += _entry(key, new) - _entry(key, old)
        self.before.clear()
        self.total = total % MODULUS
        return self.total


def _entry(key: str | int, content: object) -> int:
    return 0 if content is None else int.from_bytes(digest((key, content)), "big")
