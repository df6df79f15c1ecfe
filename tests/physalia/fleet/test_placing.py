"""Fleets are placed under every rule: by the rules as they are defined, cell by cell, and by the judge of arrays."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest
from attrs import evolve

from physalia.fleet.fleet import Fleet, taken_out, written
from physalia.fleet.judge import wrong
from physalia.fleet.placer import Placer
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.errors import BadPolicy
from physalia.placement.rules.judge import Judge
from physalia.placement.rules.policy import Policy, default
from physalia.placement.rules.queries import Query
from physalia.placement.site.generate import Feeding
from tests.physalia.fleet.fleets import placed, planes, small, topology_of
from tests.physalia.placement.questions import policy_of, rack_cap

FAR = policy_of(
    rack_cap(2), {"type": "hop-limit", "client": "instance", "most": 4}, {"type": "anti-affinity"},
    {"type": "minimum", "kind": "row", "least": 5, "of": "instance"}, {"type": "survives"},
    {"type": "overlap", "most": 2}, {"type": "pair-cap", "most": 5, "kind": "pdu"},
)  # fmt: skip


def by_definition(site: Site, policy: Policy, fleet: Fleet, cell: int) -> list[str]:
    """The rules that a cell breaks, judged by name with all other cells in their places."""
    cells = fleet.cells.copy()
    cells[cell] = NOBODY
    without = written(site, fleet.with_cells(cells))
    instance, primary, replica = (None if one == NOBODY else site.names[one] for one in fleet.volume(cell))
    judge = Judge.of(without, policy, Query(str(instance), primary, replica))
    return [one.rule for one in judge.broken([site.names[one] for one in fleet.cells[cell].tolist()])]


@pytest.mark.parametrize("feeding", list(Feeding))
@pytest.mark.parametrize("policy", [default(), FAR], ids=["default", "every rule"])
def test_every_placed_cell_keeps_the_rules_as_they_are_defined(feeding: Feeding, policy: Policy) -> None:
    site = Site.of(topology_of(feeding=feeding, cells=10))
    rules = Rules.of(site, policy)
    fleet = placed(site, rules, 200)
    assert fleet.placed.sum() >= 150
    for cell in np.flatnonzero(fleet.placed).tolist()[::5]:
        assert not by_definition(site, policy, fleet, cell)
    assert not list(wrong(site, rules, fleet))


def test_no_two_cells_share_more_than_the_policy_says_at_any_moment() -> None:
    site, rules, _ = small(0)
    placer, volumes = Placer(site, rules), made_up(site, 400, 5).tolist()
    on: list[frozenset[int]] = []
    for at, volume in enumerate(volumes):
        servers = placer.place(tuple(volume))
        assert servers is not None
        placer.add(at, servers)
        assert max((len(other.intersection(servers)) for other in on), default=0) <= 3
        on.append(frozenset(servers))
    assert max(len(one & other) for one, other in combinations(on, 2)) == 3


def test_without_the_rule_cells_share_more() -> None:
    free = evolve(default(), rules=tuple(rule for rule in default().rules if rule.id != "cell-overlap"))
    site, rules, fleet = small(400, free)
    assert rules.most_shared is None
    assert not list(wrong(site, rules, fleet))
    assert "cell-overlap" in {one.rule for one in wrong(site, Rules.of(site, default()), fleet)}


def test_nothing_may_be_shared() -> None:
    none = policy_of({"type": "overlap", "most": 0})
    _, _, fleet = small(60, none)
    cells = fleet.cells[fleet.placed]
    assert len(cells) >= 50
    assert len(np.unique(cells)) == cells.size


def test_a_site_is_filled_almost_to_the_last_place() -> None:
    site = Site.of(topology_of(960, capacity=16))
    rules = Rules.of(site, default())
    fleet = placed(site, rules, int(site.room.sum() * 0.97) // 7)
    assert fleet.placed.all()
    assert fleet.fill(site) >= 0.965
    assert not list(wrong(site, rules, fleet))


def test_where_there_is_no_room_there_is_no_place_and_nothing_breaks() -> None:
    site = Site.of(topology_of(capacity=2))
    rules = Rules.of(site, default())
    fleet = placed(site, rules, 1_000)
    assert 0 < fleet.placed.sum() < 1_000
    assert not list(wrong(site, rules, fleet))
    assert (fleet.cells[~fleet.placed] == NOBODY).all()


def test_any_number_of_cores_and_any_order_of_rows_give_the_same_fleet() -> None:
    site = Site.of(topology_of(960))
    rules = Rules.of(site, default())
    one, two = placed(site, rules, 500), placed(site, rules, 500, cores=2)
    assert np.array_equal(one.cells, two.cells)
    assert not np.array_equal(one.cells, placed(site, rules, 500, seed=2).cells)


def test_full_and_drained_servers_take_nothing() -> None:
    topology = topology_of()
    names = list(topology.servers)
    servers = dict(topology.servers)
    for name in names[:40]:
        servers[name] = evolve(servers[name], drained=True)
    for name in names[40:80]:
        servers[name] = evolve(servers[name], nodes=servers[name].capacity)
    site = Site.of(evolve(topology, servers=servers))
    fleet = placed(site, Rules.of(site, default()), 300)
    assert fleet.placed.any()
    assert set(range(80)).isdisjoint(fleet.cells.ravel().tolist())


def test_random_cells_keep_the_rules_too() -> None:
    site, rules, _ = small(0)
    placer, volumes, random = Placer(site, rules), made_up(site, 100, 5), Random(2)
    fleet = Fleet.unplaced(volumes, 7)
    for at in range(100):
        servers = placer.by_chance(fleet.volume(at), random)
        if servers is not None:
            placer.add(at, servers)
            fleet.cells[at] = servers
    assert fleet.placed.sum() >= 95
    assert not list(wrong(site, rules, fleet))


# What the judge of arrays must find.


def spoiled(fleet: Fleet, cell: int, servers: Sequence[int]) -> Fleet:
    cells = fleet.cells.copy()
    cells[cell] = servers
    return fleet.with_cells(cells)


def found(site: Site, rules: Rules, fleet: Fleet) -> set[str]:
    return {one.rule for one in wrong(site, rules, fleet)}


def test_each_broken_rule_is_found() -> None:
    site, rules, fleet = small(300, FAR)
    cell = int(np.flatnonzero(fleet.placed)[0])
    own = fleet.cells[cell].tolist()
    alike = [one for one in site.members[int(site.stand_of[own[0]])] if site.color_of[one] == site.color_of[own[0]]]
    assert "size" in found(site, rules, spoiled(fleet, cell, [own[0], *own[:6]]))
    other = next(one for one in range(len(site.names)) if site.color_of[one] != site.color_of[own[0]])
    assert "color" in found(site, rules, spoiled(fleet, cell, [other, *own[1:]]))
    by_id = {type(rule).__name__: rule.id for rule in FAR.rules}
    assert by_id["AntiAffinity"] in found(site, rules, spoiled(fleet, cell, [int(fleet.clients[cell, 0]), *own[1:]]))
    assert by_id["Cap"] in found(site, rules, spoiled(fleet, cell, [*alike[:4], *own[4:]]))
    assert by_id["Overlap"] in found(site, rules, spoiled(fleet, cell, fleet.cells[cell + 1].tolist()))
    far = next(
        one for one in range(len(site.names)) if site.hops(int(site.stand_of[fleet.clients[cell, 0]]))[
            site.stand_of[one]] > 4
    )  # fmt: skip
    assert by_id["HopLimit"] in found(site, rules, spoiled(fleet, cell, [far, *own[1:]]))
    full = evolve(site, held=site.capacity)
    assert "capacity" in found(full, Rules.of(full, FAR), fleet)
    closed = evolve(site, closed=np.ones_like(site.closed))
    assert "drained" in found(closed, Rules.of(closed, FAR), fleet)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_the_link_of_one_server_takes_that_server_and_not_those_that_stand_as_it_does(size: int) -> None:
    """A copy that sees one plane of two: to it each server of the two-switch rack hangs on one link of its own."""
    racks = {"r1": ("one", "other"), "r2": ("one", "other"), "r3": ("other",), "r4": ("one",)}
    site = Site.of(planes(racks, joined=False))
    policy = policy_of({"type": "survives", "client": "replica"}, cell_size=size)
    rules, number = Rules.of(site, policy), site.number
    clients = np.array([[number["s2-r1"], NOBODY, number["s1-r3"]]], dtype=np.int32)
    legal = set()
    for cell in combinations(range(len(site.names)), size):
        fleet = Fleet(clients, np.array([cell], dtype=np.int32))
        expected = by_definition(site, policy, fleet, 0)
        assert bool(found(site, rules, fleet)) == bool(expected), [site.names[one] for one in cell]
        if not expected:
            legal.add(frozenset(site.names[one] for one in cell))
    assert any(sum("r1" in name for name in cell) > size - policy.majority for cell in legal)


def test_cells_of_the_topology_count_for_the_overlap() -> None:
    site, _, fleet = small(100)
    known = written(site, fleet)
    after = Site.of(known)
    rules_after = Rules.of(after, default())
    twin = Fleet(fleet.clients[:1], fleet.cells[:1])
    assert "cell-overlap" in found(after, rules_after, twin)
    more = placed(after, rules_after, 100, seed=9)
    assert not found(after, rules_after, more)


def test_a_fleet_is_written_into_a_topology_and_taken_out_again() -> None:
    site, rules, fleet = small(100)
    topology = written(site, fleet)
    assert len(topology.cells) == fleet.placed.sum()
    assert sum(one.nodes for one in topology.servers.values()) == 7 * fleet.placed.sum()
    again, cells = taken_out(topology, 7)
    assert np.array_equal(again.held, site.held)
    assert np.array_equal(cells.cells, fleet.cells[fleet.placed])
    assert np.array_equal(filled(again, rules, cells).room, filled(site, rules, fleet).room)


def test_a_minimum_of_what_the_site_does_not_have_is_refused() -> None:
    site = Site.of(topology_of())
    with pytest.raises(BadPolicy, match="has no row row-9"):
        Rules.of(site, policy_of({"type": "minimum", "kind": "row", "least": 1, "name": "row-9"}))
