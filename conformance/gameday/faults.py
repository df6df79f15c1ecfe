"""What happens on a game day: faults and changes, which this colony cannot have, and in which order they come."""

import random
from collections.abc import Callable, Sequence

from attrs import frozen

from physalia.colony.faults import Fault
from physalia.transport import SPOKEN

RESTART = "restart"
"""The servers are told to end, and are started again: as at an update, one after the other."""
MOVE = "move"
"""Cells get a member on another server, in the place of the one on this; what comes next comes meanwhile."""
REPLACE = "replace"
"""The disk of the server is lost: it comes back with an empty one, and its nodes are replaced by new ones."""
MIXED = "mixed"
"""The servers end and come back speaking an older version of the protocol; afterwards they speak the newest again."""
CHANGES = (MOVE, REPLACE, MIXED)
NAMES = (*(fault.value for fault in Fault), RESTART, *CHANGES)

MEMBERS = 3
"""So many members a cell has, if there are so many servers."""
MOST_MOVED = 3
"""So many cells move at a time."""


@frozen
class Blow:
    """What happens: its name, which servers it strikes; which cells move, to which version servers go back."""

    fault: str
    servers: tuple[int, ...]
    lasts_s: float
    peace_s: float
    cells: tuple[int, ...] = ()
    version: int = 0

    @property
    def words(self) -> str:
        """It in a phrase."""
        servers = f"server{'s' if len(self.servers) > 1 else ''} {', '.join(map(str, self.servers))}"
        if self.fault == MOVE:
            return f"move: cells {', '.join(map(str, self.cells))} leave {servers}"
        if self.fault == MIXED:
            return f"mixed: {servers} with version {self.version} of the protocol"
        return f"{self.fault}: {servers}"


SHORTEST_S, LONGEST_S = 0.5, 2.5
"""How long a fault lasts, and how long peace after it, at the least and at the most."""


def plan(
    names: Sequence[str], servers: Sequence[int], cells: Sequence[int], seed: int, first: Sequence[Blow] = ()
) -> Callable[[], Blow]:
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
        one_alone = fault in (RESTART, MOVE, REPLACE)
        count = 1 if one_alone else rng.choices((1, 2, len(servers)), (6, 2, 1))[0]
        if fault == MIXED:  # with all of them nothing would be mixed
            count = min(count, len(servers) - 1)
        struck = tuple(sorted(rng.sample(list(servers), count)))
        moved = tuple(sorted(rng.sample(list(cells), min(MOST_MOVED, len(cells))))) if fault == MOVE else ()
        version = rng.randrange(SPOKEN.oldest, SPOKEN.newest) if fault == MIXED else 0
        lasts_s, peace_s = rng.uniform(SHORTEST_S, LONGEST_S), rng.uniform(SHORTEST_S, LONGEST_S)
        return Blow(fault, struck, lasts_s, peace_s, moved, version)

    return following


def allowed(names: Sequence[str], servers: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """The faults that can be had with so many servers on one machine, and why the others cannot."""
    least = {
        MOVE: (MEMBERS + 1, f"a cell has {MEMBERS} members, and with {servers} servers there is none to move to"),
        REPLACE: (MEMBERS, f"of {servers} servers none may lose its disk: a majority must be left"),
        MIXED: (2, "of one server there are no two versions"),
    }
    why = {name: least[name][1] for name in names if name in least and servers < least[name][0]}
    return tuple(name for name in names if name not in why), why
