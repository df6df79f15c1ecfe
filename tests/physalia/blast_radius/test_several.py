"""The worst three devices are those of the definition; what is to be expected is the sum over every pair."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from attrs import evolve

from physalia.blast_radius.expectation import expectation, heat
from physalia.blast_radius.figures import PUBLISHED, down
from physalia.blast_radius.four import monolith
from physalia.blast_radius.singles import Impact, Volumes
from physalia.blast_radius.triples import volumes_under, worst_triple
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.placement.effort import Effort, OutOfTime
from tests.physalia.blast_radius.test_against_definition import by_definition, connected, everything, named
from tests.physalia.fleet.fleets import small


@pytest.mark.parametrize("seed", [2, pytest.param(0, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
def test_the_worst_three_are_those_of_the_definition(seed: int) -> None:
    topology, site, fleet = connected(seed)
    few = Fleet(fleet.clients[:4], fleet.cells[:4])
    some, devices = named(site, few), everything(topology)
    found = worst_triple(Volumes(site, few), Effort())
    counts = {three: sum(by_definition(topology, three, some)[1]) for three in combinations(devices, 3)}
    assert found.proven
    assert found.worst.unserved == max(counts.values()) > 0
    blast, unserved = by_definition(topology, found.worst.devices, some)
    assert found.worst == Impact(sum(unserved), sum(blast), found.worst.devices)
    assert found.sets == comb(len(devices), 3)


def test_without_time_or_on_a_large_site_the_bound_is_everybody() -> None:
    site, _, fleet = small(40)
    volumes = Volumes(site, fleet)
    late = worst_triple(volumes, Effort(deadline=0.0, clock=lambda: 1.0))
    assert not late.proven
    assert late.bound == 40
    large = worst_triple(volumes, Effort(), most_sets=200)
    assert not large.proven
    assert large.bound == 40
    assert volumes_under(volumes, large.worst.devices) == large.worst
    assert len(large.worst.devices) == 3


@pytest.mark.parametrize("seed", [0, 1])
def test_the_expectation_is_the_sum_over_devices_and_pairs(seed: int) -> None:
    topology, site, fleet = connected(seed)
    some, devices = named(site, fleet), everything(topology)

    def counted(*failed: str) -> np.ndarray:
        blast, unserved = by_definition(topology, failed, some)
        return np.array([sum(unserved), sum(blast)], dtype=np.float64)

    share, alone = {one: down(topology, one) for one in devices}, {one: counted(one) for one in devices}
    total = sum((share[one] * alone[one] for one in devices), np.zeros(2))
    part = {one: share[one] * alone[one][0] for one in devices}
    for one, other in combinations(devices, 2):
        more = share[one] * share[other] * (counted(one, other) - alone[one] - alone[other])
        total += more
        part[one], part[other] = part[one] + more[0], part[other] + more[0]
    found = expectation(Volumes(site, fleet), Effort())
    assert found.at_any_moment == pytest.approx(tuple(total), rel=1e-9)
    assert dict(found.first) == pytest.approx({one: less for one, less in part.items() if less > 0}, rel=1e-9)
    assert next(one for one, _ in found.first) == max(part, key=lambda one: (part[one], one))


def test_what_is_given_a_device_is_down_is_the_mean_over_what_is_down_beside_it() -> None:
    topology, site, fleet = connected(1)
    some, devices = named(site, fleet), everything(topology)
    found = expectation(Volumes(site, fleet), Effort())
    share = {one: down(topology, one) for one in devices}

    def unserved(*failed: str) -> int:
        return sum(by_definition(topology, failed, some)[1])

    given = [
        unserved(rack) + sum(share[one] * (unserved(rack, one) - unserved(rack)) for one in devices if one != rack)
        for rack in topology.racks
    ]
    gray = next(one for one in found.struck if one.event.name == "gray")
    assert gray.mean[0] == pytest.approx(sum(given) / len(given), rel=1e-9)
    assert gray.worst[0] == pytest.approx(max(given), rel=1e-9)


def test_cells_are_better_than_one_database_but_for_heat() -> None:
    site, _, fleet = small(100)
    cells = expectation(Volumes(site, fleet), Effort())
    spread = expectation(Volumes(site, monolith(site, 7, fleet, near=False)), Effort())
    assert 0 < cells.at_any_moment[0] < spread.at_any_moment[0] / 3
    assert cells.struck[-1] == spread.struck[-1]
    half = expectation(Volumes(site, fleet), Effort(), sample=50)
    assert half.looked_at == 50
    assert half.at_any_moment[0] == pytest.approx(cells.at_any_moment[0], rel=0.9)
    with pytest.raises(OutOfTime):
        expectation(Volumes(site, fleet), Effort(deadline=0.0, clock=lambda: 1.0))


def test_heat_is_counted_as_every_order_is() -> None:
    """Against every set of servers that are still on, each half of the time."""
    fleet = Fleet(
        np.array([[0, 1, 2], [0, 1, NOBODY]], dtype=np.int32), np.array([[3, 4, 5], [3, 4, 5]], dtype=np.int32)
    )
    lost = [0, 0]
    for on in range(1 << 6):
        alive = [bool(on >> at & 1) for at in range(6)]
        minority = sum(alive[3:]) < 2
        for replica in (alive[2], None):
            copies = alive[1] or bool(replica)
            whole = alive[1] and replica is not False
            lost[0] += alive[0] and copies and minority
            lost[1] += alive[0] and copies and minority and not whole
    halfway = heat(fleet, 2, moments=2)
    assert halfway.worst == pytest.approx((lost[0] / 64, lost[1] / 64))


def test_figures_of_the_topology_go_before_published_ones() -> None:
    topology, _, _ = connected(0)
    assert down(topology, "s0") == PUBLISHED["server"][0]
    assert down(topology, "tor-0") == PUBLISHED["rack switch"][0]
    assert down(topology, "agg-1") == PUBLISHED["aggregation switch"][0]
    own = evolve(topology, device_probability={"s0": 0.5}, probability={"switch": 0.25})
    assert (down(own, "s0"), down(own, "tor-0"), down(own, "s1")) == (0.5, 0.25, PUBLISHED["server"][0])
