"""Shapes: what a value looks like between Python and MessagePack, one small class per kind, each for both directions.

`pack` turns a value into plain lists, integers and strings; `unpack` turns them back and believes nothing. Both raise
`CodecError`, which says what was expected and never repeats the input: that may be huge or hostile.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Generic, TypeVar

from physalia.wire.limits import MAX_MEMBERS, MAX_NATURAL, MAX_TEXT_CHARACTERS
from physalia.wire.written import CodecError, Shape, Source, Written, packing, unpacking

__all__ = ["Choice", "CodecError", "Flag", "Listed", "Many", "Members", "Natural", "Row", "Shape", "Text", "Two"]

T = TypeVar("T")
U = TypeVar("U")

PAIR = 2


class Natural(Written[int]):
    """An integer from `least` to `MAX_NATURAL`. A boolean is none."""

    def __init__(self, least: int) -> None:
        self.least = least

    def write_unpack(self, source: Source, plain: str) -> str:
        """The integer itself, checked."""
        is_wrong = f"type({plain}) is not int or not {self.least} <= {plain} <= {MAX_NATURAL}"
        source.refuse(is_wrong, f"an integer from {self.least} to {MAX_NATURAL}")
        return plain

    def write_pack(self, source: Source, value: str) -> str:
        """As the other way round."""
        return self.write_unpack(source, value)


class Flag(Written[bool]):
    """True or false."""

    def write_unpack(self, source: Source, plain: str) -> str:
        """The boolean itself, checked."""
        source.refuse(f"type({plain}) is not bool", "true or false")
        return plain

    def write_pack(self, source: Source, value: str) -> str:
        """As the other way round."""
        return self.write_unpack(source, value)


class Text(Written[str]):
    """A string of at most `MAX_TEXT_CHARACTERS`."""

    def write_unpack(self, source: Source, plain: str) -> str:
        """The string itself, checked."""
        is_wrong = f"type({plain}) is not str or len({plain}) > {MAX_TEXT_CHARACTERS}"
        source.refuse(is_wrong, f"a text of at most {MAX_TEXT_CHARACTERS} characters")
        return plain

    def write_pack(self, source: Source, value: str) -> str:
        """As the other way round."""
        return self.write_unpack(source, value)


class Two(Generic[T, U]):
    """A pair, as a list of two."""

    def __init__(self, first: Shape[T], second: Shape[U]) -> None:
        self.first, self.second = first, second

    def pack(self, pair: tuple[T, U]) -> list[object]:
        """A list of two."""
        if type(pair) is not tuple or len(pair) != PAIR:
            raise CodecError("expected a pair")
        return [self.first.pack(pair[0]), self.second.pack(pair[1])]

    def unpack(self, plain: object) -> tuple[T, U]:
        """A tuple of two."""
        if type(plain) is not list or len(plain) != PAIR:
            raise CodecError("expected a pair")
        return self.first.unpack(plain[0]), self.second.unpack(plain[1])


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


class Row(Written[T]):
    """A class of values, as a list of its fields in their order; `shapes` has one shape a field.

    With a `tag`, that stands before them.
    """

    def __init__(self, cls: type[T], **shapes: Shape[Any]) -> None:
        if tuple(shapes) != getattr(cls, "__match_args__", None):
            raise TypeError(f"{cls.__name__} needs one shape for each field, in order")
        self.cls = cls
        self.shapes = shapes
        self.tag: int | None = None

    def tagged(self, tag: int) -> "Row[T]":
        """The same row after a tag, which whoever unpacks has looked at before."""
        row = Row(self.cls, **self.shapes)
        row.tag = tag
        return row

    def write_unpack(self, source: Source, plain: str) -> str:
        """An instance."""
        places = [source.fresh() for _ in self.shapes]
        before = [] if self.tag is None else [source.fresh()]
        width = len(before) + len(places)
        source.refuse(
            f"type({plain}) is not list or len({plain}) != {width}", f"a {self.cls.__name__} of {len(places)} fields"
        )
        if width:
            source.write(f"{', '.join((*before, *places))}, = {plain}")
        values = [unpacking(source, shape, place) for shape, place in zip(self.shapes.values(), places, strict=True)]
        name = source.name(self.cls)
        if issubclass(self.cls, tuple):  # what makes a named tuple is a function of Python, which makes a tuple
            return f"tuple.__new__({name}, ({', '.join(values)},))"
        return f"{name}({', '.join(values)})"

    def write_pack(self, source: Source, value: str) -> str:
        """A list of the packed fields."""
        source.refuse(f"type({value}) is not {source.name(self.cls)}", f"a {self.cls.__name__}")
        plain = [] if self.tag is None else [str(self.tag)]
        for name, shape in self.shapes.items():
            field = source.fresh()
            source.write(f"{field} = {value}.{name}")
            plain.append(packing(source, shape, field))
        return f"[{', '.join(plain)}]"


class Choice(Written[T]):
    """One of several rows, told apart by the tag before the fields. Each row keeps functions of its own."""

    def __init__(self, rows: Mapping[int, Row[Any]]) -> None:
        self.by_tag = {tag: row.tagged(tag) for tag, row in rows.items()}
        self.by_class = {row.cls: row for row in self.by_tag.values()}

    def write_unpack(self, source: Source, plain: str) -> str:
        """An instance of the class that the tag names."""
        tag, row = source.fresh(), source.fresh()
        source.write(f"{tag} = {plain}[0] if type({plain}) is list and {plain} else None")
        source.write(f"{row} = {source.name(self.by_tag)}.get({tag}) if type({tag}) is int else None")
        source.refuse(f"{row} is None", f"a list that starts with one of the tags {sorted(self.by_tag)}")
        return f"{row}.unpack({plain})"

    def write_pack(self, source: Source, value: str) -> str:
        """The tag, then the fields."""
        row = source.fresh()
        source.write(f"{row} = {source.name(self.by_class)}.get(type({value}))")
        said = "' is none of the kinds that can be said here'"
        source.write(f"if {row} is None: raise CodecError(type({value}).__name__ + {said})")
        return f"{row}.pack({value})"


class Listed(Written[tuple[T, ...]]):
    """At most `limit` values of one shape, in the order in which they stand."""

    def __init__(self, shape: Shape[T], limit: int) -> None:
        self.shape = shape
        self.limit = limit

    def write_unpack(self, source: Source, plain: str) -> str:
        """A tuple."""
        source.refuse(f"type({plain}) is not list or len({plain}) > {self.limit}", f"a list of at most {self.limit}")
        return f"tuple({self._each(source, plain, 'unpack')})"

    def write_pack(self, source: Source, value: str) -> str:
        """A list."""
        source.refuse(f"type({value}) is not tuple or len({value}) > {self.limit}", f"a tuple of at most {self.limit}")
        return self._each(source, value, "pack")

    def _each(self, source: Source, those: str, way: str) -> str:
        one = source.fresh()
        source.write(f"{one} = {source.name(self.shape)}.{way}")
        return f"[{one}(entry) for entry in {those}]"
