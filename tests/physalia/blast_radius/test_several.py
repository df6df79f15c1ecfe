"""The worst three devices are those of the definition; what is to be expected is the sum over every pair."""

import json
from itertools import combinations

import numpy as np
import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from physalia.blast_radius.certificates import ground, recount
from physalia.blast_radius.certificates.threes import Threes
from physalia.blast_radius.expectation import expectation, heat
from physalia.blast_radius.figures import PUBLISHED, down
from physalia.blast_radius.four import monolith
from physalia.blast_radius.singles import Volumes
from physalia.blast_radius.together import volumes_under
from physalia.blast_radius.triples import MOST_SETS, _Search, worst_triple
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site
from physalia.placement.certificates.check import Refused
from physalia.placement.certificates.check import Site as Read
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.site import format as files
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, link_name
from physalia.placement.site.validity import build
from tests.physalia.blast_radius.test_against_definition import by_definition, connected, everything, named
from tests.physalia.fleet.fleets import small


@settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10_000))
def test_the_worst_three_are_those_of_the_definition(seed: int) -> None:
    """In both senses, by every three devices of a site made up; and the checker opens every set that is worse."""
    topology, site, fleet = connected(seed, racks=3, servers=6, volumes=4)
    some, devices = named(site, fleet), everything(topology)
    volumes = Volumes(site, fleet)
    found = worst_triple(volumes, Effort())
    counts = {}
    for three in combinations(devices, 3):
        blast, unserved = by_definition(topology, three, some)
        counts[frozenset(three)] = sum(unserved), sum(blast)
    assert found.proven
    assert found.sets == len(counts)
    assert found.worst.unserved == max(unserved for unserved, _ in counts.values()) > 0
    assert found.in_blast.blast == max(blast for _, blast in counts.values())
    for one in (found.worst, found.in_blast):
        assert counts[frozenset(one.devices)] == (one.unserved, one.blast)
    rows = np.concatenate([fleet.clients, fleet.cells], axis=1)
    try:
        where = ground.Ground(Read(json.loads(files.dumps(topology))))
    except Refused:  # in several pieces, of which there is no certificate
        return
    for most in (found.in_blast.blast, found.worst.unserved - 1):
        opened = {frozenset(three): count for three, count in Threes(recount.Volumes(where, rows), most).open()}
        assert all(counts[three] == count for three, count in opened.items())
        worst = max((counts[three] for three in counts if counts[three][0] > most), default=(0, 0))
        assert worst == max((count for count in opened.values() if count[0] > most), default=(0, 0))


def test_who_puts_most_into_blast_is_sought_beside_sets_that_leave_few_unserved() -> None:
    """Ten volumes lose their cells with one rack, and need nobody; four are cut off by two links, and share a primary.

    Three devices leave 14 unserved. The two links leave four, and no server has more than ten: so with one server more
    they leave no more than 14 unserved. But with the primary that the four share they put all four into blast.
    """
    racks = {"rack-a": 21, "rack-b": 3, "rack-0": 5, **{f"rack-{at}": 1 for at in range(1, 6)}}
    spines = ("agg-1", "agg-2", "agg-3")
    ends = [(rack.replace("rack", "tor"), spine) for rack in racks for spine in spines[: 2 if rack == "rack-b" else 3]]
    topology = build(
        name="two cuts", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(rack, "row", ("feed",)) for rack in racks],
        switches=[*(Switch(one.replace("rack", "tor"), "rack", one) for one in racks),
                  *(Switch(one, "aggregation", None, ("feed",)) for one in spines)],
        links=[Link(link_name(*pair), pair) for pair in ends],
        servers=[Server(f"{rack}-s{at}", rack, (rack.replace("rack", "tor"),), "any", 99)
                 for rack, servers in racks.items() for at in range(servers)],
    )  # fmt: skip
    site = Site.of(topology)
    in_racks = {rack: [at for at, name in enumerate(site.names) if name.startswith(f"{rack}-s")] for rack in racks}
    first, *copies = in_racks["rack-a"]
    clients = [[first, copies[2 * at], copies[2 * at + 1]] for at in range(10)] + [in_racks["rack-b"]] * 4
    cells = [in_racks["rack-0"]] * 10 + [[in_racks[f"rack-{at}"][0] for at in range(1, 6)]] * 4
    volumes = Volumes(site, Fleet(np.array(clients, dtype=np.int32), np.array(cells, dtype=np.int32)))
    found = worst_triple(volumes, Effort())
    assert found.proven
    assert (found.worst.unserved, found.in_blast.blast) == (14, 4)
    assert volumes_under(volumes, found.in_blast.devices) == found.in_blast


def test_whoever_stops_early_or_has_a_large_site_tells_a_bound_that_holds() -> None:
    site, _, fleet = small(40)
    volumes = Volumes(site, fleet)
    late = worst_triple(volumes, Effort(deadline=0.0, clock=lambda: 1.0))
    assert not late.proven
    assert (late.bound, late.blast_bound) == (40, 40)
    large = worst_triple(volumes, Effort(), most_sets=200)
    assert not large.proven
    assert (large.bound, large.blast_bound) == (40, 40)
    for one in (large.worst, large.in_blast):
        assert volumes_under(volumes, one.devices) == one
        assert len(one.devices) == 3


def test_once_the_fabric_is_done_what_servers_may_add_bounds_the_rest() -> None:
    """Time runs out a moment after the last set of the fabric: the bound is no longer everybody, and holds."""
    site, _, fleet = small(40)
    volumes = Volumes(site, fleet)
    real = worst_triple(volumes, Effort())
    told: list[str] = []
    at_once = sum(len(list(_Search(volumes, MOST_SETS)._of_fabric(size))) for size in range(4))
    late = worst_triple(volumes, Effort(deadline=1.0, told=told.append, clock=lambda: float(len(told) > at_once)))
    assert real.proven
    assert real.worst.unserved <= late.bound
    assert real.in_blast.blast <= late.blast_bound
    assert late.blast_bound <= late.bound < len(fleet)
    assert not late.proven


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
