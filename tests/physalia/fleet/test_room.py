"""Room for cells that must leave servers, against every sequence of moves of every cell on small sites."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from physalia.fleet.fleet import Fleet
from physalia.fleet.judge import wrong
from physalia.fleet.repair import ENOUGH, Looks, Moved, repair, without
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import AntiAffinity, Cap, Overlap, default
from physalia.placement.site.topology import Cell as Listed
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build

SIZE, SHARED, MOST_CELLS = 3, 1, 4
POLICY = evolve(
    default(), cell_size=SIZE,
    rules=tuple(evolve(one, most=1) for one in default().rules if isinstance(one, Overlap | Cap)),
)  # fmt: skip
"""One node a rack, and two cells share one server at most."""

Where = tuple[frozenset[int], ...]


def narrow(random: Random) -> Topology:
    """A few racks with a server or two each, which take a node or two."""
    racks = random.choice((4, 5))
    tors = [Switch(f"tor-{at}", "rack", f"rack-{at}") for at in range(racks)]
    pairs = [(tor.name, "agg-1") for tor in tors]
    return build(
        name="narrow", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{at}", "row", ("feed",)) for at in range(racks)],
        switches=[*tors, Switch("agg-1", "aggregation", None, ("feed",))],
        links=[Link(link_name(*pair), pair) for pair in pairs],
        servers=[
            Server(f"s{at}{more}", f"rack-{at}", (f"tor-{at}",), random.choice("aaaaab"), random.choice((1, 1, 2)))
            for at in range(racks) for more in range(random.choice((1, 2)))
        ],
    )  # fmt: skip


def legal(site: Site, rules: Rules, clients: Sequence[int]) -> list[frozenset[int]]:
    """Where a cell may be for its own part: who else is there, and what is drained, does not count."""
    free = Rules.of(
        site, evolve(rules.policy, rules=tuple(one for one in rules.policy.rules if not isinstance(one, Overlap)))
    )
    every = list(combinations(range(len(site.names)), SIZE))
    fleet = Fleet(np.tile(np.array(clients, dtype=np.int32), (len(every), 1)), np.array(every, dtype=np.int32))
    bad = {one.what for one in wrong(site, free, fleet) if one.rule != "drained"}
    return [frozenset(cell) for at, cell in enumerate(every) if fleet.name(at) not in bad]


def crowd(site: Site, rules: Rules, random: Random) -> Fleet:
    """Some cells put at random, which keep every rule together."""
    clients, cells, held = list[list[int]](), list[frozenset[int]](), Counter[int]()
    for _ in range(MOST_CELLS):
        own = random.sample(range(len(site.names)), 3)
        fits = [
            one for one in legal(site, rules, own)
            if all(held[at] < site.capacity[at] for at in one) and all(len(one & cell) <= SHARED for cell in cells)
        ]  # fmt: skip
        if fits:
            clients.append(own)
            cells.append(random.choice(fits))
            held.update(cells[-1])
    nodes = [sorted(one) for one in cells]
    return Fleet(np.array(clients, dtype=np.int32).reshape(-1, 3), np.array(nodes, dtype=np.int32).reshape(-1, SIZE))


class Every:
    """Every state of a fleet that moves lead to, one node at a time, by definition."""

    def __init__(self, site: Site, rules: Rules, fleet: Fleet) -> None:
        self.open = [at for at in range(len(site.names)) if not site.closed[at]]
        self.closed = frozenset(range(len(site.names))) - frozenset(self.open)
        self.takes = site.capacity.tolist()
        self.alone = [set(legal(site, rules, clients)) for clients in fleet.clients.tolist()]

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
                    if new in self.alone[at] and all(len(new & one) <= SHARED for one in others):
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
    site = Site.of(narrow(random))
    fleet = crowd(site, Rules.of(site, POLICY), random)
    if not len(fleet):
        return None
    closed = without(site, random.sample(fleet.cells[0].tolist(), random.choice((1, 1, 2))))
    return closed, Rules.of(closed, POLICY), fleet


def where(fleet: Fleet) -> Where:
    return tuple(frozenset(cell) for cell in fleet.cells.tolist())


def judged(site: Site, rules: Rules, fleet: Fleet, most: Looks = ENOUGH) -> Iterator[tuple[Moved, int | None]]:
    """Each repair, which must be a way as it is defined, with the fewest moves that there are."""
    every = Every(site, rules, fleet)
    now = where(fleet)
    for moved in repair(site, rules, fleet, Effort(), most):
        fewest = every.fewest(now, moved.cell)
        for move in moved.moves or ():
            cell = now[move.cell] - {move.away} | {move.to}
            after = (*now[: move.cell], cell, *now[move.cell + 1 :])
            assert after in set(every.after(now))
            now = after
        assert now == where(fleet)
        assert (moved.outcome == "moved") == every.closed.isdisjoint(now[moved.cell])
        yield moved, fewest


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_sequence_of_moves_is_shorter(random: Random) -> None:
    found = case(random)
    for moved, fewest in judged(*found) if found else ():
        assert moved.outcome == ("stuck" if fewest is None else "moved")
        assert moved.moves is None or (moved.least and len(moved.moves) == fewest)


def test_chains_of_several_moves_are_found() -> None:
    """Where two nodes of others make room, where one of its own goes beside them, where all of that is needed."""
    kinds = set()
    for seed in (57, 130, 1068):
        found = case(Random(seed))
        assert found
        for moved, fewest in judged(*found):
            assert moved.moves is None or (moved.least and len(moved.moves) == fewest)
            mine = sum(one.cell == moved.cell for one in moved.moves or ())
            kinds.add((mine - len(moved.lost), len(moved.moves or ()) - mine))
    assert {(0, 2), (1, 1), (1, 2)} <= kinds


PAIRS = ("bd", "be", "bf", "ce", "cf")


def site_of(racks: Sequence[str], pairs: Sequence[str], takes: Mapping[str, int]) -> Site:
    """A rack for each group of servers of one letter; listed cells have these pairs, so that no other cell may."""
    topology = build(
        name="barred pairs", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{at}", "row", ("feed",)) for at, _ in enumerate(racks)],
        switches=[
            Switch("agg", "aggregation"), *(Switch(f"tor-{at}", "rack", f"rack-{at}") for at in range(len(racks))),
        ],
        links=[Link(link_name(*pair), pair) for pair in ((f"tor-{at}", "agg") for at in range(len(racks)))],
        servers=[
            Server(name, f"rack-{at}", (f"tor-{at}",), "any", held + takes.get(name, 1), held)
            for at, rack in enumerate(racks) for name in rack for held in [sum(name in pair for pair in pairs)]
        ],
        cells=[Listed(pair, tuple(pair)) for pair in pairs],
    )  # fmt: skip
    return Site.of(topology)


def case_of(site: Site, closed: str, volumes: Sequence[str], cells: Sequence[str]) -> tuple[Site, Rules, Fleet]:
    """Cells by the letters of their servers; a volume by those of its clients, on which it has no node."""
    after = without(site, [site.number[name] for name in closed])
    clients = [[site.number[one] for one in volume] + [NOBODY] * (3 - len(volume)) for volume in volumes]
    nodes = [[site.number[name] for name in cell] for cell in cells]
    policy = evolve(POLICY, rules=(*POLICY.rules, AntiAffinity(id="apart")))
    return after, Rules.of(after, policy), Fleet(np.array(clients, dtype=np.int32), np.array(nodes, dtype=np.int32))


def barred_pairs(pairs: tuple[str, ...] = PAIRS) -> tuple[Site, Rules, Fleet]:
    """A cell on a, b and c that must leave a: b bars d, e and f, and c bars e and f."""
    return case_of(site_of("abcdefz", pairs, {"z": 0}), "a", ["z"], ["abc"])


def test_a_chain_is_found_whose_first_move_makes_room_for_another_cell_alone() -> None:
    """All that the cell on a may go to is full; of its holders one may go to e alone, whose holder may go to h."""
    site = site_of(["a", "b", "c", "d", "eh", "p", "q", "r", "s", "z"], ("ph", "qh", "dh"), {"z": 0})
    found = case_of(site, "a", ["eh", "z", "z"], ["abc", "dpq", "ers"])
    (moved,) = repair(*found, Effort())
    assert moved.moves is not None
    assert [(one.cell, site.names[one.to]) for one in moved.moves[:2]] == [(2, "h"), (1, "e")]
    assert [one.cell for one in moved.moves[2:]] == [0]
    assert moved.least


def test_a_cell_that_shares_too_much_leaves_where_that_is_shorter() -> None:
    """By itself the cell on a, b and c needs three moves; it may go to g as soon as the other one leaves b or g."""
    site = site_of("abcdefgwxz", (*PAIRS, "gd", "ge", "gf", "bx", "cx"), {"z": 0, "b": 9, "g": 9})
    found = case_of(site, "a", ["z", "z"], ["abc", "bgw"])
    (moved,) = repair(*found, Effort())
    assert moved.moves is not None
    assert [one.cell for one in moved.moves] == [1, 0]
    assert moved.least


def test_two_healthy_nodes_move_where_one_is_not_enough() -> None:
    site, rules, fleet = barred_pairs()
    (moved,) = repair(site, rules, fleet, Effort())
    assert moved.moves is not None
    ways = [(site.names[one.away], site.names[one.to]) for one in moved.moves]
    assert [len(ways), ways[0], moved.least] == [3, ("b", "d"), True]
    assert {site.names[one] for one in fleet.cells[0].tolist()} == {"d", "e", "f"}


def test_where_not_everything_was_tried_nothing_more_is_said() -> None:
    said = Counter[str]()
    for looks in (0, 3, 30, 300):
        most = Looks(own=looks, together=2 * looks, in_all=3 * looks)
        for seed in range(40):
            found = case(Random(seed))
            for moved, fewest in judged(*found, most) if found else ():
                said[moved.outcome] += 1
                if moved.moves is None:
                    assert fewest is None or (moved.outcome == "unknown" and fewest > moved.tried)
                else:
                    assert fewest is not None
                    assert len(moved.moves) == fewest or (len(moved.moves) > fewest and not moved.least)
                    said["longer"] += len(moved.moves) > fewest
    assert said["unknown"]
    assert said["stuck"]


def test_a_node_that_has_no_server_is_put_wherever_that_is_possible() -> None:
    """Its end alone is judged: so it is found if any other moves put fewer, and stuck if nobody's leaving helps."""
    kinds = Counter[str]()
    for seed in range(120):
        found = case(Random(seed))
        if found is None:
            continue
        site, rules, fleet = found
        every, held = Every(site, rules, fleet), fleet.with_cells(fleet.cells[1:]).nodes(len(site.names))
        fleet.cells[0, 0] = NOBODY
        others = where(fleet)[1:]
        ends = [one for one in every.alone[0] if every.closed.isdisjoint(one)]
        free = [
            one for one in ends
            if all(held[at] < every.takes[at] for at in one) and all(len(one & cell) <= SHARED for cell in others)
        ]  # fmt: skip
        old = where(fleet)[0]
        moved = next(repair(site, rules, fleet, Effort()))
        if free:
            assert moved.moves is not None
            assert len(moved.moves) == min(len(one - old) for one in free)
            assert where(fleet)[0] in free
        else:
            assert moved.outcome == ("unknown" if ends else "stuck")
        kinds[moved.outcome] += 1
    assert min(kinds[one] for one in ("moved", "stuck", "unknown")) > 0


@pytest.mark.parametrize(("given_up", "pairs"), [(2, PAIRS), (1, PAIRS[:-1])])
def test_a_node_that_has_no_server_drives_healthy_ones_away(given_up: int, pairs: tuple[str, ...]) -> None:
    """That no way is shorter on which others make room is known up to one move more than nodes are missing."""
    site, rules, fleet = barred_pairs(pairs)
    fleet.cells[0, 0] = NOBODY
    (moved,) = repair(site, rules, fleet, Effort())
    assert moved.moves is not None
    assert [one.away for one in moved.moves].count(NOBODY) == 1
    assert (len(moved.moves), moved.least) == (1 + given_up, given_up == 1)
