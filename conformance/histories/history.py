"""A history: what clients asked for and were told, in the order in which it happened.

An operation begins with an event of type `invoke` and ends with `ok`, `fail` or `info`. `ok` came with an answer.
`fail` certainly did not happen, and is left out. `info` may have happened or not, and may yet: it never ends. Nor does
whatever has no end in the file.
"""

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from attrs import evolve, frozen

Value: TypeAlias = Hashable
"""What stands in a history, as a value: lists are tuples, and what only looks equal (1, true, 1.0) is not."""


@frozen
class Typed:
    """A value that Python takes for equal to one of another type: a boolean, a float, a keyword of EDN."""

    type: str
    value: Hashable

    def __str__(self) -> str:
        if self.type == "keyword":
            return f":{self.value}"
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


TRUE, FALSE = Typed("boolean", True), Typed("boolean", False)


@frozen
class Map:
    """A map, as a value: its entries in a set, since their order says nothing."""

    entries: frozenset[tuple[Value, Value]]

    def get(self, name: str) -> Value:
        """The value under a name, None if there is none."""
        return dict(self.entries).get(name)

    def names(self) -> frozenset[Value]:
        """What has a value here."""
        return frozenset(name for name, _ in self.entries)


MOST_NESTED = 100
"""How deep lists and maps of a file may stand in each other."""
MOST_DIGITS = 100_000
"""How long an integer of a file may be: longer than any that the store lets in."""
_AT_ONCE = 4_000
"""So many digits Python reads at once, whatever its own limit is set to."""


def integer(text: str) -> int:
    """The integer that a text writes down. Raises `ValueError` with a reason for one that is too long."""
    digits = text.lstrip("+-")
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"an integer of {len(digits):,} digits is too long; {MOST_DIGITS:,} are read")
    total = 0
    for start in range(0, len(digits), _AT_ONCE):
        part = digits[start : start + _AT_ONCE]
        total = total * 10 ** len(part) + int(part)
    return -total if text.startswith("-") else total


def value(given: object, room: int = MOST_NESTED) -> Value:
    """What came from a file, as a value. Raises `ValueError` if it is nested too deeply."""
    if room < 0:
        raise ValueError(f"it is nested more than {MOST_NESTED} deep")
    match given:
        case bool():
            return TRUE if given else FALSE
        case float():
            return Typed("float", given)
        case list() | tuple():
            return tuple(value(one, room - 1) for one in given)
        case dict():
            return Map(frozenset((value(name), value(one, room - 1)) for name, one in given.items()))
        case set() | frozenset():
            return Typed("set", frozenset(value(one, room - 1) for one in given))
        case Hashable():
            return given
    raise TypeError(f"{given!r} cannot stand in a history")


@frozen(kw_only=True)
class Operation:
    """One operation: who asked, for what (`f` with `asked`, of `key` if it has one), and how it ended.

    `begin` and `end` are places in the order of events, and `end` is None for one that never ends; `answer` is what
    was told then. `line` and `end_line` say where both stand in the file, 0 where there is none.
    """

    process: Value
    f: str
    asked: Value
    begin: int
    end: int | None
    answer: Value = None
    key: Value = None
    line: int = 0
    end_line: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it never ends: it takes effect at any time after it began, or never."""
        return self.end is None


@frozen(kw_only=True)
class History:
    """Operations by their beginning, without those that certainly failed, of which there were `failed`."""

    operations: tuple[Operation, ...]
    failed: int = 0
    source: str = ""


def before(operations: Sequence[Operation], moment: int) -> tuple[Operation, ...]:
    """What was known at a moment: operations that began by then; those that had not ended are open."""
    return tuple(
        opened(one) if one.end is not None and one.end > moment else one for one in operations if one.begin <= moment
    )


def opened(operation: Operation) -> Operation:
    """The same operation, of whose end nothing is known."""
    return evolve(operation, end=None, answer=None, end_line=0)
