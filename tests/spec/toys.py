"""Machines small enough to count by hand."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from spec.machine import Machine, action, invariant


class Jugs(NamedTuple):
    small: int
    big: int


class DieHard(Machine[Jugs]):
    """Two jugs of 3 and 5 gallons. Of the 24 fillings those with a full or an empty jug are reachable: 16.

    Each of the 16 has six moves, and all are taken to be enabled: filling a full jug changes nothing.
    """

    which = ("small", "big")
    capacity = {"small": 3, "big": 5}  # noqa: RUF012  # a constant

    def init(self) -> Iterator[Jugs]:
        yield Jugs(0, 0)

    @action(j="which")
    def fill(self, s: Jugs, j: str) -> Jugs | None:
        return s._replace(**{j: self.capacity[j]})

    @action(j="which")
    def empty(self, s: Jugs, j: str) -> Jugs | None:
        return s._replace(**{j: 0})

    @action()
    def to_big(self, s: Jugs) -> Jugs | None:
        poured = min(s.small, 5 - s.big)
        return Jugs(s.small - poured, s.big + poured)

    @action()
    def to_small(self, s: Jugs) -> Jugs | None:
        poured = min(s.big, 3 - s.small)
        return s._replace(small=s.small + poured, big=s.big - poured)


class Solvable(DieHard):
    @invariant
    def never_four(self, s: Jugs) -> bool:
        return s.big != 4


class Counting(NamedTuple):
    left: int
    right: int


class Counters(Machine[Counting]):
    """Two counters that count to `top` on their own: (top + 1) squared states, 2 top (top + 1) steps."""

    sides = ("left", "right")

    def __init__(self, top: int) -> None:
        self.top = top

    def init(self) -> Iterator[Counting]:
        yield Counting(0, 0)

    @action(side="sides")
    def count(self, s: Counting, side: str) -> Counting | None:
        """Count on."""
        if not (
            side in self.sides
            and getattr(s, side) < self.top
        ):  # fmt: skip
            return None
        return s._replace(**{side: getattr(s, side) + 1})


class OnlyTotal(NamedTuple):
    total: int


class Total(Machine[OnlyTotal]):
    """One counter, in steps of 1: what two counters are from above."""

    top = 2

    def init(self) -> Iterator[OnlyTotal]:
        yield OnlyTotal(0)

    @action()
    def count(self, s: OnlyTotal) -> OnlyTotal | None:
        return s._replace(total=s.total + 1) if s.total < 2 * self.top else None


class RefinedCounters(Counters):
    """Counters whose sum is `Total`."""

    def above(self) -> Total:
        return Total()

    def seen_from_above(self, s: Counting) -> OnlyTotal:
        return OnlyTotal(s.left + s.right)


class SameHash:
    """Values that all have one hash and are different."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, SameHash) and other.number == self.number


class Holds(NamedTuple):
    value: SameHash
    mersenne: int


class Colliding(Machine[Holds]):
    """States whose hashes are all equal: `hash(int)` is taken modulo 2 ** 61 - 1."""

    numbers = range(50)

    def init(self) -> Iterator[Holds]:
        yield Holds(SameHash(0), 0)

    @action(n="numbers")
    def become(self, s: Holds, n: int) -> Holds | None:
        return Holds(SameHash(n), n * (2**61 - 1))
