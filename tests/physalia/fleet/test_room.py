"""Room for cells that must leave servers, against every sequence of moves of every cell on small sites."""

from collections import Counter, deque
from collections.abc import Iterator
from itertools import combinations
from random import Random

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from physalia.fleet import repair as module
from physalia.fleet.fleet import Fleet
from physalia.fleet.judge import wrong
from physalia.fleet.repair import Moved, repair, without
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import Cap, Overlap, default
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build

SIZE = 3
MOST_CELLS = 3
Where = tuple[frozenset[int], ...]


def policy(shared: int):
    """One node a rack, and two cells share so many servers at most."""
    rules = [one for one in default().rules if isinstance(one, Overlap | Cap)]
    said = {Overlap: shared, Cap: 1}
    return evolve(
        default(), cell_size=SIZE, spread=(), rules=tuple(evolve(one, most=said[type(one)]) for one in rules)
    )


def narrow(random: Random) -> Topology:
    """A few racks with a server or two each, which take a node or two."""
    racks = random.choice((3, 4, 4, 5))
    tors = [Switch(f"tor-{at}", "rack", f"rack-{at}") for at in range(racks)]
    pairs = [(tor.name, "agg-1") for tor in tors]
    return build(
        name="narrow", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{at}", "row", ("feed",)) for at in range(racks)],
        switches=[*tors, Switch("agg-1", "aggregation", None, ("feed",))],
        links=[Link(link_name(*pair), pair) for pair in pairs],
        servers=[
            Server(f"s{at}{more}", f"rack-{at}", (f"tor-{at}",), random.choice("aaaaab"), random.choice((1, 1, 2)))
            for at in range(racks) for more in range(random.choice((1, 2, 2)))
        ],
    )  # fmt: skip


def crowd(site: Site, rules: Rules, random: Random) -> Fleet:
    """Some cells put at random, which keep every rule together."""
    fleet, everybody = Fleet.unplaced(np.zeros((0, 3), dtype=np.int32), SIZE), range(len(site.names))
    for _ in range(40):
        more = Fleet(
            np.array([*fleet.clients.tolist(), random.sample(everybody, 3)], dtype=np.int32),
            np.array([*fleet.cells.tolist(), random.sample(everybody, SIZE)], dtype=np.int32),
        )
        if len(fleet) < MOST_CELLS and not list(wrong(site, rules, more)):
            fleet = more
    return fleet


class Every:
    """Every state of a fleet that moves lead to, one node at a time, by definition."""

    def __init__(self, site: Site, rules: Rules, fleet: Fleet) -> None:
        self.site, self.most = site, rules.most_shared
        self.open = [at for at in range(len(site.names)) if not site.closed[at]]
        self.closed = frozenset(range(len(site.names))) - frozenset(self.open)
        self.takes = site.capacity.tolist()
        everybody = [frozenset(one) for one in combinations(range(len(site.names)), SIZE)]
        self.alone = [
            {one for one in everybody if self._legal(rules, fleet.clients[at : at + 1], one)}
            for at in range(len(fleet))
        ]

    def _legal(self, rules: Rules, clients: np.ndarray, cell: frozenset[int]) -> bool:
        one = Fleet(clients, np.array([sorted(cell)], dtype=np.int32))
        return all(found.rule == "drained" for found in wrong(self.site, rules, one))

    def after(self, where: Where) -> Iterator[Where]:
        """What one move leads to."""
        held = Counter(server for cell in where for server in cell)
        for at, cell in enumerate(where):
            for to in self.open:
                if to in cell or held[to] >= self.takes[to]:
                    continue
                for away in cell:
                    new = cell - {away} | {to}
                    others = (*where[:at], *where[at + 1 :])
                    if new in self.alone[at] and all(len(new & one) <= (self.most or 0) for one in others):
                        yield (*where[:at], new, *where[at + 1 :])

    def fewest(self, where: Where, cell: int) -> int | None:
        """How many moves take a cell off what is closed; None if none do."""
        steps, waiting = {where: 0}, deque([where])
        while waiting:
            state = waiting.popleft()
            if self.closed.isdisjoint(state[cell]):
                return steps[state]
            for after in self.after(state):
                if after not in steps:
                    steps[after] = steps[state] + 1
                    waiting.append(after)
        return None


def case(random: Random) -> tuple[Site, Rules, Fleet] | None:
    """A site with a server or two closed that the first cell is on; none if no cell was put there."""
    site, asked = Site.of(narrow(random)), policy(random.choice((1, 1, 2)))
    asked = evolve(asked, rules=tuple(one for one in asked.rules if random.random() > 0.3 or isinstance(one, Overlap)))
    fleet = crowd(site, Rules.of(site, asked), random)
    if not len(fleet):
        return None
    closed = without(site, random.sample(fleet.cells[0].tolist(), random.choice((1, 1, 2))))
    return closed, Rules.of(closed, asked), fleet


def where(fleet: Fleet) -> Where:
    return tuple(frozenset(cell) for cell in fleet.cells.tolist())


def judged(site: Site, rules: Rules, fleet: Fleet) -> Iterator[tuple[Moved, int | None]]:
    """Each repair, which must be a way as it is defined, with the fewest moves that there are."""
    every = Every(site, rules, fleet)
    now = where(fleet)
    for moved in repair(site, rules, fleet, Effort()):
        fewest = every.fewest(now, moved.cell)
        for move in moved.moves or ():
            cell = now[move.cell] - {move.away} | {move.to}
            after = (*now[: move.cell], cell, *now[move.cell + 1 :])
            assert after in set(every.after(now))
            now = after
        assert now == where(fleet)
        assert (moved.outcome == "moved") == every.closed.isdisjoint(now[moved.cell])
        yield moved, fewest


SEEN = Counter[str]()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_no_sequence_of_moves_is_shorter(random: Random) -> None:
    found = case(random)
    for moved, fewest in judged(*found) if found else ():
        assert moved.outcome == ("stuck" if fewest is None else "moved")
        assert moved.moves is None or (moved.least and len(moved.moves) == fewest)


def seen(seeds: range) -> Iterator[tuple[Moved, int | None]]:
    for seed in seeds:
        found = case(Random(seed))
        if found:
            yield from judged(*found)


def test_others_make_room_and_several_nodes_move() -> None:
    kinds = Counter[str]()
    for moved, fewest in seen(range(300)):
        assert (None if moved.moves is None else len(moved.moves)) == fewest
        others = {one.cell for one in moved.moves or () if one.cell != moved.cell}
        kinds[f"{moved.outcome}, {len(moved.moves or ()) - len(moved.lost)} more, {len(others)} others"] += 1
    print(kinds)
    assert 0
