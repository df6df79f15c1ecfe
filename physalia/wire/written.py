"""Functions that are written when they are first needed, one for the whole of a shape instead of one for each part.

A message is taken apart and put together some hundred thousand times a second, and what that costs in Python is calls.
So a shape says in source text how it is checked, a shape that holds others puts their text into its own, and Python
compiles the whole. Nothing of what comes from outside gets into such a text, only what shapes were made of.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class CodecError(ValueError):
    """These bytes are no value of the format, or this value is beyond its limits. Drop the message, close the door."""


class Shape(Protocol[T]):
    """Both directions for values of type T."""

    def pack(self, value: T) -> object:
        """The plain form of the value."""

    def unpack(self, plain: object) -> T:
        """The value that has this plain form."""


class Source:
    """A function of one argument in the making: its lines, and what they call by a name."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._named: dict[str, object] = {"CodecError": CodecError}

    def name(self, thing: object) -> str:
        """A name for a thing that lines may use."""
        name = f"thing{len(self._named)}"
        self._named[name] = thing
        return name

    def fresh(self) -> str:
        """The name of a variable that no other line uses."""
        return self.name(None)

    def write(self, line: str) -> None:
        """One more line."""
        self._lines.append(line)

    def refuse(self, condition: str, expected: str) -> None:
        """What is so, is refused, with what was expected instead."""
        self._lines.append(f"if {condition}: raise CodecError({f'expected {expected}'!r})")

    def function(self, argument: str, result: str) -> Callable[[Any], Any]:
        """The function of `argument` that does what the lines say and returns `result`."""
        body = "\n    ".join((*self._lines, f"return {result}"))
        exec(f"def written({argument}):\n    {body}", self._named)  # noqa: S102  # see above: no text from outside
        made: Callable[[Any], Any] = self._named["written"]  # type: ignore[assignment]
        return made


class Written(ABC, Generic[T]):
    """A shape whose functions are written. It says how; `pack` and `unpack` are there once somebody calls them."""

    @abstractmethod
    def write_unpack(self, source: Source, plain: str) -> str:
        """Write what checks the variable `plain`; return the expression of the value."""

    @abstractmethod
    def write_pack(self, source: Source, value: str) -> str:
        """Write what checks the variable `value`; return the expression of its plain form."""

    def pack(self, value: T) -> Any:
        """The plain form of the value."""
        source = Source()
        self.__dict__["pack"] = source.function("value", self.write_pack(source, "value"))
        return self.pack(value)

    def unpack(self, plain: object) -> T:
        """The value that has this plain form."""
        source = Source()
        self.__dict__["unpack"] = source.function("plain", self.write_unpack(source, "plain"))
        return self.unpack(plain)


def unpacking(source: Source, shape: Shape[Any], plain: str) -> str:
    """The expression of the value that `plain` is in this shape, once the lines for it are written."""
    return shape.write_unpack(source, plain) if isinstance(shape, Written) else f"{source.name(shape.unpack)}({plain})"


def packing(source: Source, shape: Shape[Any], value: str) -> str:
    """The expression of the plain form of `value` in this shape, once the lines for it are written."""
    return shape.write_pack(source, value) if isinstance(shape, Written) else f"{source.name(shape.pack)}({value})"
