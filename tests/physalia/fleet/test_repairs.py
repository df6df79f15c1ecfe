"""Repairs against brute force: as few moves as any, also where the placer's own choice finds none; and what is told."""

from collections import Counter
from itertools import combinations, permutations
from random import Random

import numpy as np
from attrs import evolve

from physalia.fleet.fleet import Fleet
from physalia.fleet.judge import wrong
from physalia.fleet.placer import Placer
from physalia.fleet.repair import Moved, repair, without
from physalia.fleet.rules import Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import Cap, Overlap, default
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build
from tests.physalia.fleet.fleets import small

SIZE = 5
POLICY = evolve(
    default(), cell_size=SIZE,
    rules=tuple(evolve(one, most=1) if isinstance(one, Overlap | Cap) else one for one in default().rules),
)  # fmt: skip
"""One node a rack, and two cells share one server at most: what is taken first bars what might be taken next."""


def cramped(random: Random) -> Topology:
    """A few racks, one feed or two each, with servers for a node or two, in two colours."""
    racks = random.choice((6, 7))
    feeds = ("feed-a", "feed-b")
    tors = [Switch(f"tor-{at}", "rack", f"rack-{at}") for at in range(racks)]
    pairs = [(tor.name, spine) for tor in tors for spine in ("agg-1", "agg-2")]
    return build(
        name="cramped", rows=["row"], powers=[Power(feed, "feed") for feed in feeds],
        racks=[Rack(f"rack-{at}", "row", tuple(random.sample(feeds, random.choice((1, 2))))) for at in range(racks)],
        switches=[*tors, Switch("agg-1", "aggregation", None, feeds), Switch("agg-2", "aggregation", None, feeds)],
        links=[Link(link_name(*pair), pair) for pair in pairs],
        servers=[
            Server(f"s{at}{more}", f"rack-{at}", (f"tor-{at}",), random.choice("aaaaaab"), random.choice((1, 2, 3)))
            for at in range(racks) for more in range(3)
        ],
    )  # fmt: skip


def crowd(site: Site, rules: Rules, random: Random) -> Fleet:
    """Some cells put at random, each of which keeps every rule."""
    fleet, everybody = Fleet.unplaced(np.zeros((0, 3), dtype=np.int32), SIZE), range(len(site.names))
    first = [one for one in everybody if site.color_of[one] == site.color_of[0]]
    for _ in range(120 if len(first) >= SIZE else 0):
        clients, cell = random.sample(everybody, 3), random.sample(first, SIZE)
        more = Fleet(
            np.array([*fleet.clients.tolist(), clients], dtype=np.int32),
            np.array([*fleet.cells.tolist(), cell], dtype=np.int32),
        )
        if not list(wrong(site, rules, more)):
            fleet = more
    return fleet


def legal(site: Site, rules: Rules, fleet: Fleet, state: frozenset[int]) -> bool:
    """Whether the first cell may be there while it moves: a node that is not moved yet may be on what is emptied."""
    cells = fleet.cells.copy()
    cells[0] = sorted(state)
    return all(one.rule == "drained" for one in wrong(site, rules, fleet.with_cells(cells)))


def straight_goals(site: Site, rules: Rules, fleet: Fleet, away: tuple[int, ...]) -> bool:
    """Whether some of the open servers can take the place of these nodes, one after the other in some order."""
    old = frozenset(fleet.cells[0].tolist())
    free = [one for one in range(len(site.names)) if one not in old and not site.closed[one]]
    for new in combinations(free, len(away)):
        if not legal(site, rules, fleet, old - set(away) | set(new)):
            continue
        for leave, enter in ((a, b) for a in permutations(away) for b in permutations(new)):
            states = [old - set(leave[:n]) | set(enter[:n]) for n in range(1, len(away))]
            if all(legal(site, rules, fleet, one) for one in states):
                return True
    return False


def cases(seeds: range) -> list[tuple[Site, Rules, Fleet, tuple[int, ...]]]:
    """Sites with one or two servers closed, on which of all cells only the first has nodes."""
    found = []
    for seed in seeds:
        random = Random(seed)
        site = Site.of(cramped(random))
        fleet = crowd(site, Rules.of(site, POLICY), random)
        if not len(fleet):
            continue
        lost = random.sample(fleet.cells[0].tolist(), random.choice((1, 2, 2)))
        some = [at for at in range(len(fleet)) if at == 0 or not set(lost) & set(fleet.cells[at].tolist())]
        closed = without(site, lost)
        found.append((closed, Rules.of(closed, POLICY), Fleet(fleet.clients[some], fleet.cells[some]), tuple(lost)))
    return found


def repaired(site: Site, rules: Rules, fleet: Fleet) -> tuple[Moved, Fleet]:
    after = fleet.with_cells(fleet.cells.copy())
    (moved,) = repair(site, rules, after, Effort())
    return moved, after


def test_a_cell_moves_in_as_few_steps_as_any_could() -> None:
    seen = Counter[str]()
    for site, rules, fleet, lost in cases(range(90)):
        moved, after = repaired(site, rules, fleet)
        if straight_goals(site, rules, fleet, lost):
            assert moved.moves is not None
            assert len(moved.moves) == len(lost)
            assert moved.least
            assert not list(wrong(site, rules, after))
            found = filled(site, rules, fleet).completed(fleet.volume(0), kept(fleet, lost), (0,))
            seen["moved" if found is not None else "moved, though the placer's choice finds no cell"] += 1
            continue
        others = [one for one in kept(fleet, lost) if straight_goals(site, rules, fleet, (*lost, one))]
        if others:
            assert moved.moves is not None
            assert len(moved.moves) == len(lost) + 1
            seen["moved with another node"] += 1
        elif moved.moves is None:
            assert np.array_equal(after.cells, fleet.cells)
            seen[moved.outcome] += 1
        else:
            assert len(moved.moves) > len(lost)
            seen["moved with more"] += 1
    assert seen["moved"] > 20
    assert seen["moved, though the placer's choice finds no cell"]
    assert seen["moved with another node"]
    assert seen["stuck"]


def test_a_server_that_holds_too_much_takes_no_room_from_others_at_its_stand() -> None:
    site, rules, fleet = small(60)
    lost, *others = fleet.cells[0].tolist()
    placer = filled(site, rules, fleet)
    beside = next(
        one for one in placer.stock[placer.color_of(lost)][placer.stand_of(lost)]
        if one not in (*fleet.cells[0].tolist(), *fleet.clients[0].tolist())
    )  # fmt: skip
    everywhere = np.arange(len(site.names)) != beside
    full = evolve(site, held=np.where(everywhere, site.capacity, site.capacity - 1))
    placer = Placer(without(full, [lost]), rules)
    placer.add(0, [lost])
    assert placer.left[placer.color_of(lost)][placer.stand_of(lost)] == placer.room[beside] == 1
    assert placer.completed(fleet.volume(0), others, (0,)) == (*others, beside)
    placer.remove(0, [lost])
    assert placer.left[placer.color_of(lost)][placer.stand_of(lost)] == 1


def kept(fleet: Fleet, lost: tuple[int, ...]) -> list[int]:
    return [one for one in fleet.cells[0].tolist() if one not in lost]
