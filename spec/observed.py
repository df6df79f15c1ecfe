"""Which fields of a state a step reads, and what follows for remembering what it did.

A step reads few of a state's fields, and the same values of these few come round again and again, so that every action
is run once for each combination of values that it *read*, with all its arguments (`Remembered`). What it reads is
observed while it runs (`Watched`), never declared. Values are numbered by equality (`Numbering`), and a state becomes
the tuple of its fields' numbers. Two states are one if these tuples are equal: nothing relies on Python's `hash` being
without collisions.
"""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")
Numbers: TypeAlias = tuple[int, ...]


class Watched:
    """Stands for a state, and notes which of its fields are read.

    It offers what a `NamedTuple` of fields offers by name, and nothing else: reading it by place or as a whole fails.
    """

    def __init__(self, state: Any, read: set[str]) -> None:
        self._state = state
        self._read = read

    def __getattr__(self, name: str) -> Any:
        if name not in self._state._fields:
            raise AttributeError(f"a state's fields are read by name, and {name!r} is none of them")
        value = getattr(self._state, name)
        self._read.add(name)
        self.__dict__[name] = value
        return value

    def _replace(self, **changes: Any) -> "Changed":
        return Changed(changes)


class Changed(NamedTuple):
    """What an action did: the new values of some fields."""

    fields: dict[str, Any]


def changes_of(after: Any) -> dict[str, Any]:
    """The fields that an action set: those that it replaced, none if it gave its state back, or all of a new state."""
    if isinstance(after, Changed):
        return after.fields
    return {} if isinstance(after, Watched) else dict(after._asdict())


class Numbering:
    """Numbers for the values of each field, by equality, and states as tuples of such numbers."""

    def __init__(self, make: Callable[..., Any], fields: tuple[str, ...]) -> None:
        self._make = make
        self._fields = fields
        self._number_of: tuple[dict[Any, int], ...] = tuple({} for _ in fields)
        self._values: tuple[list[Any], ...] = tuple([] for _ in fields)

    def number(self, place: int, value: Any) -> int:
        """The number of `value` in the field at `place`."""
        number_of, values = self._number_of[place], self._values[place]
        number = number_of.setdefault(value, len(values))
        if number == len(values):
            values.append(value)
        return number

    def pack(self, state: Iterable[Any]) -> Numbers:
        """A state as numbers."""
        return tuple(self.number(place, value) for place, value in enumerate(state))

    def unpack(self, numbers: Numbers) -> Any:
        """The state again."""
        return self._make(*(values[number] for values, number in zip(self._values, numbers, strict=True)))


class Remembered(Generic[T]):
    """A pure function of a state that is evaluated once for each combination of values of the fields that it reads.

    `getter` gives the numbers of the fields that any evaluation has read so far. Whoever agrees on these agrees on
    every read of the evaluation that was remembered, in turn, and so on its result. When an evaluation reads a field
    that none has read before, what was remembered is kept under too few numbers, and is forgotten.
    """

    def __init__(self, numbering: Numbering, fields: tuple[str, ...], evaluate: Callable[[Any], T]) -> None:
        self._numbering = numbering
        self._fields = fields
        self._evaluate = evaluate
        self._read: set[str] = set()
        self.known: dict[Any, T] = {}
        self.getter: Callable[[Numbers], Any] = _constant

    def __call__(self, numbers: Numbers) -> T:
        """The function's value; `known.get(getter(numbers))` first saves a call."""
        key = self.getter(numbers)
        if key in self.known:
            return self.known[key]
        read: set[str] = set()
        value = self._evaluate(Watched(self._numbering.unpack(numbers), read))
        if not read <= self._read:
            self._read |= read
            self.known.clear()
            self.getter = itemgetter(*(place for place, name in enumerate(self._fields) if name in self._read))
            key = self.getter(numbers)
        self.known[key] = value
        return value


def _constant(_: Numbers) -> None:
    """The key of a function that reads nothing."""
