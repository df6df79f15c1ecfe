"""Ways: the fewest steps, equal to brute force over all placements; each step keeps the rules; others are refused."""

from collections import deque
from itertools import combinations
from random import Random

import numpy as np
import pytest
from attrs import evolve

from physalia.fleet import moves
from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet, written
from physalia.fleet.judge import wrong
from physalia.fleet.moves import MOST_DETOURS, Step, plan, replay
from physalia.fleet.repair import emptied, repair, way_to, without
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.policy import HopLimit, default
from physalia.placement.rules.queries import Query
from tests.physalia.fleet.fleets import small

SERVERS, NODES = 7, 3


def by_brute_force(start: frozenset[int], goal: frozenset[int], legal: set[frozenset[int]]) -> int | None:
    """The fewest single replacements over legal placements, breadth first over all of them."""
    steps, waiting = {start: 0}, deque([start])
    while waiting:
        state = waiting.popleft()
        for away in state:
            for to in set(range(SERVERS)) - state:
                after = state - {away} | {to}
                if after in legal and after not in steps:
                    steps[after] = steps[state] + 1
                    waiting.append(after)
    return steps.get(goal)


def test_what_is_called_least_is_the_least_of_all() -> None:
    random, said = Random(1), {"counted": 0, "exhausted": 0, "unknown": 0}
    everything = [frozenset(one) for one in combinations(range(SERVERS), NODES)]
    for _ in range(1_000):
        legal = {one for one in everything if random.random() < 0.45}
        start, goal = random.sample(everything, 2)
        found = plan(start, goal, legal.__contains__, range(SERVERS), Effort())
        real = by_brute_force(start, goal, legal | {start})
        if found.steps is None:
            assert goal not in legal or real is None
            assert found.because == ("exhausted" if goal in legal else "unknown")
            continue
        state = start
        for step in found.steps:
            assert step.away in state
            assert step.to not in state
            state = state - {step.away} | {step.to}
            assert state in legal
        assert state == goal
        assert found.least
        assert len(found.steps) == real
        said[found.because] += 1
    assert said["counted"] > 30
    assert said["exhausted"] > 5


def test_where_servers_were_left_out_a_way_over_two_others_is_not_called_least() -> None:
    """Over one server that is not looked at there is a shorter one; where it is looked at that is found."""
    hidden = 5 + MOST_DETOURS
    states = [{0, 1}, {2, 3}, {0, 4}, {4, 5}, {5, 2}, {0, hidden}, {hidden, 2}]
    legal = {frozenset(one) for one in states}
    few = plan({0, 1}, {2, 3}, legal.__contains__, range(hidden + 1), Effort())
    assert few.steps is not None
    assert (len(few.steps), few.least, few.because) == (4, False, "unknown")
    every = plan({0, 1}, {2, 3}, legal.__contains__, reversed(range(hidden + 1)), Effort())
    assert every.steps is not None
    assert (len(every.steps), every.least, every.because) == (3, True, "exhausted")
    all_known = plan({0, 1}, {2, 3}, (legal - {frozenset({0, hidden})}).__contains__, range(9), Effort())
    assert all_known.steps is not None
    assert (len(all_known.steps), all_known.least) == (4, True)


def test_a_search_that_was_given_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    legal = {frozenset({0, 1}), frozenset({2, 3})}
    assert plan({0, 1}, {2, 3}, legal.__contains__, range(9), Effort()).because == "exhausted"
    monkeypatch.setattr(moves, "MOST_JUDGED", 5)
    assert plan({0, 1}, {2, 3}, legal.__contains__, range(9), Effort()).because == "unknown"


def test_a_way_over_another_server_keeps_the_limits_on_hops() -> None:
    """Eight cells bar every straight way; another server would do, but it is farther than the policy lets it be."""
    site, rules, fleet = small(60)
    old, goal, others = _knotted(site, fleet)
    clients = fleet.clients[:1]
    near = int(site.hops(int(site.stand_of[clients[0, 0]]))[site.stand_of[[*old, *goal]]].max())
    knots = [[*stay, a, b] for stay in (old[2:4], old[4:6]) for a in old[:2] for b in goal]
    cells = np.array([old, *[[*one, *others[3 * at : 3 * at + 3]] for at, one in enumerate(knots)]], dtype=np.int32)
    crowd = Fleet(np.tile(clients, (9, 1)), cells)
    far = next(
        at for at, stand in enumerate(site.stand_of.tolist())
        if site.hops(int(site.stand_of[clients[0, 0]]))[stand] > near and site.color_of[at] == site.color_of[old[0]]
    )  # fmt: skip
    open_ones = np.isin(np.arange(len(site.names)), [*old, *goal, far])
    narrow = evolve(site, held=np.where(open_ones, 0, site.capacity))
    new = [*goal, *old[2:]]
    free = way_to(filled(narrow, rules, crowd), crowd, 0, new, Effort())
    assert free.steps is not None
    assert (len(free.steps), free.because) == (3, "exhausted")
    assert far in {one.to for one in free.steps}
    policy = evolve(default(), rules=(*default().rules, HopLimit(id="near", client="instance", most=near)))
    tight = Rules.of(narrow, policy)
    assert way_to(filled(narrow, tight, crowd), crowd, 0, new, Effort()).because == "exhausted"
    assert way_to(filled(narrow, tight, crowd), crowd, 0, new, Effort()).steps is None


def _knotted(site: Site, fleet: Fleet) -> tuple[list[int], list[int], list[int]]:
    """The first cell, whoever has others of its colour at its stand first; two such others; and more of them."""
    old = fleet.cells[0].tolist()
    alike = [
        at for at in range(len(site.names))
        if site.color_of[at] == site.color_of[old[0]] and at not in (*old, *fleet.clients[0].tolist())
    ]  # fmt: skip
    beside = {int(site.stand_of[at]): at for at in alike}
    leaves = {int(site.stand_of[one]): one for one in old if site.stand_of[one] in beside}
    first = list(leaves.values())[:2]
    goal = [beside[stand] for stand in leaves][:2]
    return [*first, *(one for one in old if one not in first)], goal, [at for at in alike if at not in goal]


def test_no_way_from_where_a_step_breaks_a_rule() -> None:
    found = plan({0, 1}, {2, 3}, {frozenset({2, 3})}.__contains__, range(9), Effort())
    assert (found.steps, found.differ, found.least) == (None, 2, False)


def test_a_way_keeps_the_rules_as_they_are_defined() -> None:
    site, rules, fleet = small(200)
    placer, longest = filled(site, rules, fleet), 0
    for cell in range(0, 200, 20):
        cells = fleet.cells.copy()
        cells[cell] = NOBODY
        rest = filled(site, rules, fleet.with_cells(cells))
        new = rest.place(fleet.volume(cell))
        assert new is not None
        if rest.color_of(new[0]) != rest.color_of(int(fleet.cells[cell, 0])):
            continue
        found = way_to(placer, fleet, cell, new, Effort())
        assert found.steps is not None
        assert found.least
        longest = max(longest, len(found.steps))
        judge, old = judge_of(site, fleet, cell), [site.names[one] for one in fleet.cells[cell].tolist()]
        steps = [(site.names[one.away], site.names[one.to]) for one in found.steps]
        goal = [site.names[one] for one in new]
        assert not replay(judge, old, goal, steps)
        if steps:
            assert "the way ends" in replay(judge, old, goal, steps[:-1])
            assert "replaces" in replay(judge, old, goal, [steps[0], *steps])
    assert longest >= 2


def judge_of(site: Site, fleet: Fleet, cell: int) -> Judge:
    cells = fleet.cells.copy()
    cells[cell] = NOBODY
    instance, primary, replica = (site.names[one] for one in fleet.volume(cell))
    return Judge.of(written(site, fleet.with_cells(cells)), default(), Query(instance, primary, replica))


def test_a_step_that_breaks_a_rule_is_refused_by_the_replay() -> None:
    site, _, fleet = small(50)
    old = [site.names[one] for one in fleet.cells[0].tolist()]
    other = next(one for one in site.topology.servers.values() if one.color != site.topology.servers[old[0]].color)
    said = replay(judge_of(site, fleet, 0), old, [other.name, *old[1:]], [(old[0], other.name)])
    assert said.startswith("after step 1 rule color is broken")


def test_a_repair_empties_with_the_fewest_moves_and_breaks_nothing() -> None:
    site, rules, fleet = small(200)
    for device in ("server-1-01-01", "rack-1-03", "pdu-1-b1", "tor-1-05"):
        servers = emptied(site, device)
        after = fleet.with_cells(fleet.cells.copy())
        closed = without(site, servers)
        moved = list(repair(closed, Rules.of(closed, rules.policy), after, Effort()))
        lost = np.isin(fleet.cells, list(servers))
        assert [one.cell for one in moved] == np.flatnonzero(lost.any(axis=1)).tolist()
        for one in moved:
            assert one.moves is not None
            assert len(one.moves) == len(one.lost) == lost[one.cell].sum()
        assert servers.isdisjoint(after.cells.ravel().tolist())
        assert not list(wrong(closed, rules, after))


def test_a_node_without_a_server_gets_one() -> None:
    site, rules, fleet = small(60)
    hole = fleet.with_cells(fleet.cells.copy())
    hole.cells[3, 2:4] = NOBODY
    (moved,) = repair(site, rules, hole, Effort())
    assert moved.moves is not None
    assert {one.away for one in moved.moves} == {NOBODY}
    assert hole.placed.all()
    assert not list(wrong(site, rules, hole))


def test_where_nothing_is_left_a_cell_is_stuck_and_stays() -> None:
    site, rules, fleet = small(60)
    servers = set(range(len(site.names))) - set(fleet.cells[0].tolist()[1:])
    closed = without(site, servers)
    after = fleet.with_cells(fleet.cells.copy())
    found = {one.cell: one.outcome for one in repair(closed, Rules.of(closed, rules.policy), after, Effort())}
    assert found[0] == "stuck"
    assert np.array_equal(after.cells[0], fleet.cells[0])


@pytest.mark.parametrize(("device", "said"), [("nobody", "called nobody"), ("core-1", "no server depends on core-1")])
def test_what_cannot_be_emptied(device: str, said: str) -> None:
    site, _, _ = small(0)
    with pytest.raises(BadFleet, match=said):
        emptied(site, device)


def test_a_full_server_is_not_moved_to() -> None:
    site, rules, fleet = small(60)
    old = fleet.cells[0].tolist()
    placer = filled(site, rules, fleet)
    new = next(one for one in placer.stock[placer.color_of(old[0])][placer.stand_of(old[0])] if one not in old)
    target = [new, *old[1:]]
    assert way_to(placer, fleet, 0, target, Effort()).steps == (Step(old[0], new),)
    full = evolve(site, held=np.where(np.arange(len(site.names)) == new, site.capacity, 0))
    assert way_to(filled(full, rules, fleet), fleet, 0, target, Effort()).steps is None
