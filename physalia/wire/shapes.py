"""Shapes: what a value looks like between Python and MessagePack, one small class per kind, each for both directions.

`pack` turns a value into plain lists, integers and strings; `unpack` turns them back and believes nothing. Both raise
`CodecError`, which says what was expected and never repeats the input: that may be huge or hostile.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from physalia.wire.limits import MAX_MEMBERS, MAX_NATURAL, MAX_TEXT_CHARACTERS

T = TypeVar("T")


class CodecError(ValueError):
    """These bytes are no value of the format, or this value is beyond its limits. Drop the message, close the door."""


class Shape(Protocol[T]):
    """Both directions for values of type T."""

    def pack(self, value: T) -> object:
        """The plain form of the value."""

    def unpack(self, plain: object) -> T:
        """The value that has this plain form."""


class Natural:
    """An integer from `least` to `MAX_NATURAL`. A boolean is none."""

    def __init__(self, least: int) -> None:
        self.least = least

    def unpack(self, plain: object) -> int:
        """The integer itself, checked."""
        if type(plain) is not int or not self.least <= plain <= MAX_NATURAL:
            raise CodecError(f"expected an integer from {self.least} to {MAX_NATURAL}")
        return plain

    pack = unpack


class Flag:
    """True or false."""

    def unpack(self, plain: object) -> bool:
        """The boolean itself, checked."""
        if type(plain) is not bool:
            raise CodecError("expected true or false")
        return plain

    pack = unpack


class Text:
    """A string of at most `MAX_TEXT_CHARACTERS`."""

    def unpack(self, plain: object) -> str:
        """The string itself, checked."""
        if type(plain) is not str or len(plain) > MAX_TEXT_CHARACTERS:
            raise CodecError(f"expected a text of at most {MAX_TEXT_CHARACTERS} characters")
        return plain

    pack = unpack


class Many(Generic[T]):
    """At most `limit` values of one shape, in an order in which `key` rises strictly, so that there is only one."""

    def __init__(self, shape: Shape[T], key: Callable[[T], int], limit: int) -> None:
        self.shape = shape
        self.key = key
        self.limit = limit

    def pack(self, values: tuple[T, ...]) -> list[object]:
        """A list."""
        if type(values) is not tuple:
            raise CodecError("expected a tuple")
        plain = [self.shape.pack(value) for value in values]
        self._check(values)
        return plain

    def unpack(self, plain: object) -> tuple[T, ...]:
        """A tuple."""
        if type(plain) is not list:
            raise CodecError("expected a list")
        values = tuple(self.shape.unpack(entry) for entry in plain)
        self._check(values)
        return values

    def _check(self, values: tuple[T, ...]) -> None:
        if len(values) > self.limit:
            raise CodecError(f"expected at most {self.limit} entries")
        keys = [self.key(value) for value in values]
        if any(earlier >= later for earlier, later in pairwise(keys)):
            raise CodecError("expected entries in strictly rising order")


class Members:
    """A set of 1 to `MAX_MEMBERS` node ids, as a rising list."""

    def __init__(self) -> None:
        self.ids = Many(Natural(1), lambda node: node, MAX_MEMBERS)

    def pack(self, members: frozenset[int]) -> list[object]:
        """A rising list."""
        if type(members) is not frozenset or not all(type(node) is int for node in members):
            raise CodecError("expected a set of node ids")
        return self.ids.pack(tuple(sorted(members)))

    def unpack(self, plain: object) -> frozenset[int]:
        """A set that is not empty."""
        members = frozenset(self.ids.unpack(plain))
        if not members:
            raise CodecError("expected at least one member")
        return members


class Row(Generic[T]):
    """A class of values, as a list of its fields in their order; `shapes` has one shape a field."""

    def __init__(self, cls: type[T], **shapes: Shape[Any]) -> None:
        if tuple(shapes) != getattr(cls, "__match_args__", None):
            raise TypeError(f"{cls.__name__} needs one shape for each field, in order")
        self.cls = cls
        self.width = len(shapes)
        self.packs = [(attrgetter(name), shape.pack) for name, shape in shapes.items()]
        self.unpacks = [shape.unpack for shape in shapes.values()]

    def pack(self, value: T) -> list[object]:
        """A list of the packed fields."""
        if type(value) is not self.cls:
            raise CodecError(f"expected a {self.cls.__name__}")
        return [pack(get(value)) for get, pack in self.packs]

    def unpack(self, plain: object) -> T:
        """An instance."""
        if type(plain) is not list or len(plain) != self.width:
            raise CodecError(f"expected a {self.cls.__name__} of {self.width} fields")
        return self.cls(*[unpack(entry) for unpack, entry in zip(self.unpacks, plain, strict=False)])


class Choice(Generic[T]):
    """One of several rows, told apart by the tag before the fields."""

    def __init__(self, rows: Mapping[int, Row[Any]]) -> None:
        self.rows = dict(rows)
        self.tags = {row.cls: tag for tag, row in rows.items()}

    def pack(self, value: T) -> list[object]:
        """The tag, then the fields."""
        tag = self.tags.get(type(value))
        if tag is None:
            raise CodecError(f"{type(value).__name__} is none of the kinds that can be said here")
        return [tag, *self.rows[tag].pack(value)]

    def unpack(self, plain: object) -> T:
        """An instance of the class that the tag names."""
        if type(plain) is not list or not plain or type(plain[0]) is not int or plain[0] not in self.rows:
            raise CodecError(f"expected a list that starts with one of the tags {sorted(self.rows)}")
        value: T = self.rows[plain[0]].unpack(plain[1:])
        return value
