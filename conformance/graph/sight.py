"""What the explorer must see in a machine that is small enough to be counted by hand, before anybody believes it.

An explorer that overlooks violations finds every model right. So each mirror's check begins with this one.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from attrs import frozen

from spec.machine import Limits, Machine, action, explore, invariant, successor, walk

MANY = 3_000
"""So many states are looked at in parts, and limits between the parts."""
STEPS = 3


class At(NamedTuple):
    """How far it is."""

    at: int


@frozen
class Ones(Machine[At]):
    """Counts on by one."""

    most: int

    def init(self) -> Iterator[At]:
        """It begins at 0."""
        yield At(0)

    @action()
    def one(self, s: At) -> At | None:
        """One more."""
        return At(s.at + 1) if s.at < self.most else None


@frozen
class Counting(Machine[At]):
    """Counts on by one or two, which is no refinement of counting by one; and comes by a number that it must not."""

    most: int = 4
    first: int = 0
    never: int = 3
    numbers: tuple[int, ...] = (1, 2)

    def init(self) -> Iterator[At]:
        """It begins somewhere."""
        yield At(self.first)

    @action(n="numbers")
    def add(self, s: At, n: int) -> At | None:
        """So many more, up to the end."""
        return At(s.at + n) if s.at + n <= self.most else None

    @invariant
    def elsewhere(self, s: At) -> bool:
        """It is not where it must not be."""
        return s.at != self.never

    def above(self) -> Ones:
        """What it refines as long as it counts by one."""
        return Ones(self.most)

    def seen_from_above(self, s: At) -> At:
        """The same."""
        return At(s.at)


def overlooked() -> tuple[str, ...]:
    """What the explorer gets wrong; nothing as it should be."""
    return tuple(what for what, is_right in _SIGHTS.items() if not is_right())


def _sees_all() -> bool:
    found = explore(Counting(), invariants=(), record=True)
    there = found.distinct, found.generated, found.depth, dict(found.taken), len(found.edge_sources)
    number = found.number(At(4))
    path = () if number is None else found.path(number)
    states = [At(0)] if len(path) == found.depth else []
    states += [At(step.state.at) for step in path[1:]]
    is_path = all(after.at - before.at in (1, 2) for before, after in pairwise(states)) and states[-1:] == [At(4)]
    return found.whole and is_path and there == (5, 8, 3, {"add": 7}, 7) and found.number(At(5)) is None


def _stops_at(machine: Counting, name: str, states: int, **how: Any) -> bool:
    found = explore(machine, **how)
    if found.violation is None or found.whole:
        return False
    return found.violation.name == name and len(found.violation.path) == states


def _gives_up() -> bool:
    machine = Counting(most=MANY, never=-1)
    found, early = (explore(machine, limits=Limits(states=states)) for states in (MANY // 2, 2 * MANY))
    return bool(found.gave_up_at) and not found.whole and found.distinct < MANY and early.whole


def _walks() -> bool:
    machine = Counting()
    for seed in range(8):
        steps = list(walk(machine, seed, most_steps=STEPS))
        pairs = [
            successor(machine, before.state, after.name, after.args) == after.state for before, after in pairwise(steps)
        ]
        if steps[0].state != At(0) or not all(pairs) or (len(steps) <= STEPS and steps[-1].state != At(4)):
            return False
    return True


_SIGHTS: dict[str, Callable[[], bool]] = {
    "it does not find all states and steps of a small machine": _sees_all,
    "it overlooks a violated invariant": lambda: _stops_at(Counting(), "elsewhere", 3),
    "it overlooks a violation at the beginning": lambda: _stops_at(Counting(first=3), "elsewhere", 1),
    "it overlooks a step that is none above": lambda: _stops_at(
        Counting(), "refines Ones", 2, invariants=(), refinement=True
    ),
    "it overlooks a beginning that is none above": lambda: _stops_at(
        Counting(first=1), "refines Ones", 1, invariants=(), refinement=True
    ),
    "it finds a violation where there is none": lambda: explore(Counting(never=9, numbers=(1,)), refinement=True).whole,
    "it does not give up at a limit": _gives_up,
    "it walks where no step leads": _walks,
}
