"""The faults of a game day: which there are, which this machine does not allow, and in which order they come."""

import random
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from physalia.colony.faults import Fault

RESTART = "restart"
"""The servers are told to end, and are started again: as at an update, one after the other."""
CLOCK = "clock"
"""The clock of a server is set: its machine's, if it has one of its own."""
NAMES = (*(fault.value for fault in Fault), RESTART, CLOCK)

_NO_CLOCK = "to set the clock of one server takes a machine of its own for each, and the right to do it"
NEVER: Mapping[str, str] = {CLOCK: _NO_CLOCK}
"""Faults that this colony, with all its servers on one machine, cannot have."""


@frozen
class Blow:
    """One fault: what it is, and which servers it strikes."""

    fault: str
    servers: tuple[int, ...]
    lasts_s: float
    peace_s: float

    @property
    def words(self) -> str:
        """It in a phrase."""
        return f"{self.fault}: server{'s' if len(self.servers) > 1 else ''} {', '.join(map(str, self.servers))}"


SHORTEST_S, LONGEST_S = 0.5, 3.0
"""How long a fault lasts, and how long peace after it, at the least and at the most."""


def plan(names: Sequence[str], servers: Sequence[int], seed: int, first: Sequence[Blow] = ()) -> Callable[[], Blow]:
    """What comes next, for ever: first what is given, then each fault once in a random order, and then by chance."""
    rng = random.Random(f"game day {seed}")  # noqa: S311  # repeatable, no secret
    queue = [blow for blow in first if blow.fault in names]
    turn: list[str] = []

    def following() -> Blow:
        if queue:
            return queue.pop(0)
        if not turn:
            turn.extend(rng.sample(list(names), len(names)))
        fault = turn.pop()
        count = 1 if fault == RESTART else rng.choices((1, 2, len(servers)), (6, 2, 1))[0]
        struck = tuple(sorted(rng.sample(list(servers), count)))
        return Blow(fault, struck, rng.uniform(SHORTEST_S, LONGEST_S), rng.uniform(SHORTEST_S, LONGEST_S))

    return following


def allowed(names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The faults that can be had here, and why the others cannot."""
    return tuple(name for name in names if name not in NEVER), {name: NEVER[name] for name in names if name in NEVER}
