"""Counts for whole sites are those of the definition: for every set of failures of small sites, and for every pair."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from random import Random

import numpy as np
import pytest
from attrs import evolve

from physalia.blast_radius.definition import Living, Volume, fate
from physalia.blast_radius.fates import under
from physalia.blast_radius.four import by_servers, monolith, worst_group
from physalia.blast_radius.pairs import SIDE_BY_SIDE, worst_pair
from physalia.blast_radius.singles import Impact, Volumes, harmed, singles
from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.site.generate import Feeding
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build
from tests.physalia.fleet.fleets import small, topology_of

CELL = 3
FAILING = 16


def tiny(random: Random, count: int = 4, holding: int = 8) -> tuple[Topology, list[str]]:
    """A site made up: crossing links, servers on one switch or two, one feed or two; and sixteen devices that fail."""
    feeds = ("feed-a", "feed-b")
    racks = [Rack(f"rack-{at}", "row", tuple(random.sample(feeds, random.choice((1, 1, 2))))) for at in range(count)]
    tors = [Switch(f"tor-{at}", "rack", f"rack-{at}") for at in range(count)]
    spines = [Switch("agg-1", "aggregation", None, ("feed-a",)), Switch("agg-2", "aggregation", None, feeds)]
    pairs = [(tor.name, spine.name) for tor in tors for spine in spines if random.random() < 0.75]
    pairs += [("agg-1", "agg-2")] if random.random() < 0.5 else []
    links = [Link(link_name(*pair), pair) for pair in pairs]
    servers = [
        Server(f"s{at}", f"rack-{at % count}",
               tuple(random.sample([one.name for one in tors], random.choice((1, 1, 2)))), "any", 9)
        for at in range(holding)
    ]  # fmt: skip
    topology = build(
        name="tiny", rows=["row"], powers=[Power(feed, "feed") for feed in feeds], racks=racks,
        switches=[*tors, *spines], links=links, servers=servers,
    )  # fmt: skip
    own = [link for server in servers for link, _ in topology.links_of(server.name)]
    named_parts = [*topology.racks, *topology.switches, *topology.links, *topology.servers]
    return topology, random.sample([*feeds, *named_parts, *own], FAILING)


def volumes_of(site: Site, random: Random, count: int) -> Fleet:
    clients, cells = [], []
    for _ in range(count):
        servers = random.sample(range(len(site.names)), 3)
        clients.append([servers[0], servers[1], random.choice((servers[2], servers[2], NOBODY))])
        cells.append(random.sample(range(len(site.names)), CELL))
    return Fleet(np.array(clients, dtype=np.int32), np.array(cells, dtype=np.int32))


def named(site: Site, fleet: Fleet) -> list[Volume]:
    names = [*site.names, None]
    return [
        Volume(str(names[i]), str(names[p]), names[r], tuple(site.names[one] for one in cell))
        for (i, p, r), cell in zip(fleet.clients.tolist(), fleet.cells.tolist(), strict=True)
    ]


def by_definition(topology: Topology, failed: Iterable[str], some: list[Volume]) -> tuple[list[bool], list[bool]]:
    living = Living(topology, frozenset(failed))
    found = [fate(living, one) for one in some]
    return [one.blast for one in found], [one.unserved for one in found]


def subsets(devices: list[str], every: int, random: Random) -> Iterator[tuple[str, ...]]:
    """Every set of these devices, or one of so many."""
    for size in range(len(devices) + 1):
        for chosen in combinations(devices, size):
            if every == 1 or random.random() * every < 1:
                yield chosen


@pytest.mark.parametrize(
    ("seed", "every"), [(seed, 24) for seed in range(5)] + [pytest.param(9, 1, marks=pytest.mark.slow)]
)
def test_fates_are_those_of_the_definition_for_every_set_of_failures(seed: int, every: int) -> None:
    random = Random(seed)
    topology, devices = tiny(random)
    site = Site.of(topology)
    fleet = volumes_of(site, random, 6)
    some, network, seen = named(site, fleet), Volumes(site, fleet).network, {"blast": 0, "unserved": 0, "fine": 0}
    for failed in subsets(devices, every, random):
        found = under(site, network.without(failed), fleet, failed, np.arange(len(fleet)))
        blast, unserved = by_definition(topology, failed, some)
        assert found.blast.tolist() == blast, failed
        assert found.unserved.tolist() == unserved, failed
        seen["blast"] += sum(blast)
        seen["unserved"] += sum(unserved) - sum(blast)
        seen["fine"] += len(some) - sum(unserved)
    assert min(seen.values()) > 0


def everything(topology: Topology) -> list[str]:
    own = [link for name in topology.servers for link, _ in topology.links_of(name)]
    return [*topology.racks, *topology.powers, *topology.switches, *topology.links, *topology.servers, *own]


def connected(
    seed: int, *, racks: int = 4, servers: int = 8, volumes: int = 12
) -> tuple[Topology, Site, Fleet]:  # fmt: skip
    """A made-up site on which every volume is served while nothing has failed."""
    for attempt in range(200):
        random = Random(f"{seed} {attempt}")
        topology, _ = tiny(random, racks, servers)
        site = Site.of(topology)
        fleet = volumes_of(site, random, volumes)
        if not any(by_definition(topology, (), named(site, fleet))[1]):
            return topology, site, fleet
    raise AssertionError("no such site")


@pytest.mark.parametrize("seed", range(6))
def test_every_single_device_and_the_worst_pair_are_those_of_the_definition(seed: int) -> None:
    topology, site, fleet = connected(seed)
    volumes, some = Volumes(site, fleet), named(site, fleet)
    assert harmed(volumes) == 0

    def counted(*failed: str) -> Impact:
        blast, unserved = by_definition(topology, failed, some)
        return Impact(sum(unserved), sum(blast), failed)

    real = {device: counted(device) for device in everything(topology)}
    found = {one.devices[0]: one for one in singles(volumes, Effort())}
    assert found == {device: one for device, one in real.items() if one.unserved}
    both = [counted(*pair) for pair in combinations(everything(topology), 2)]
    worst, into = max(one.unserved for one in both), max(one.blast for one in both)
    for side_by_side in (SIDE_BY_SIDE, 0):
        pair = worst_pair(volumes, found, Effort(), side_by_side)
        assert pair.proven
        assert pair.worst.unserved == worst > 0
        assert pair.in_blast.blast == into > 0
        for one in (pair.worst, pair.in_blast):
            assert counted(*one.devices) == one
        assert pair.sets == len(everything(topology)) * (len(everything(topology)) - 1) // 2


@pytest.mark.parametrize("feeding", list(Feeding))
def test_single_devices_of_a_fabric_are_those_of_the_definition(feeding: Feeding) -> None:
    site = Site.of(topology_of(240, feeding=feeding))
    random = Random(4)
    fleet = Fleet(
        np.array([random.sample(range(240), 3) for _ in range(40)], dtype=np.int32),
        np.array([random.sample(range(20 * (at % 3), 20 * (at % 3) + 60), 7) for at in range(40)], dtype=np.int32),
    )
    found = {one.devices[0]: one for one in singles(Volumes(site, fleet), Effort())}
    some, topology = named(site, fleet), site.topology
    for device in [*topology.racks, *topology.powers, *topology.switches, *random.sample(everything(topology), 25)]:
        blast, unserved = by_definition(topology, [device], some)
        expected = Impact(sum(unserved), sum(blast), (device,)) if any(unserved) else None
        assert found.get(device) == expected, device


def test_the_edge_case_of_two_switches() -> None:
    """One failure, in blast, though the cell survives as seen from the instance: the primary alone is cut off."""
    topology = build(
        name="edge", rows=["row"],
        powers=[Power("feed-a", "feed"), Power("feed-b", "feed"), Power("pdu-x", "pdu", ("feed-a",))],
        racks=[Rack("home", "row", ("feed-b",)), Rack("dark", "row", ("pdu-x",)), Rack("cell", "row", ("feed-b",))],
        switches=[Switch("tor-a", "rack", "home"), Switch("tor-b", "rack", "home"), Switch("tor-d", "rack", "dark"),
                  Switch("tor-c", "rack", "cell"), Switch("up-a", "aggregation", None, ("pdu-x",)),
                  Switch("up-b", "aggregation", None, ("feed-b",))],
        links=[Link(link_name(one, to), (one, to)) for one, to in (
            ("tor-a", "up-a"), ("tor-b", "up-b"), ("up-a", "up-b"), ("tor-d", "up-b"), ("tor-c", "up-b"))],
        servers=[Server("instance", "home", ("tor-a", "tor-b"), "any", 9),
                 Server("primary", "home", ("tor-a",), "any", 9),
                 Server("replica", "dark", ("tor-d",), "any", 9),
                 *(Server(f"node-{at}", "cell", ("tor-c",), "any", 9) for at in range(3))],
    )  # fmt: skip
    volume = Volume("instance", "primary", "replica", ("node-0", "node-1", "node-2"))
    under_x = Living(topology, frozenset({"pdu-x"}))
    assert all(under_x.reach("instance", node) for node in volume.cell)
    assert fate(under_x, volume).blast
    assert not fate(Living(topology, frozenset()), volume).unserved
    site = Site.of(topology)
    fleet = Fleet(np.array([[0, 1, 2]], dtype=np.int32), np.array([[3, 4, 5]], dtype=np.int32))
    found = {one.devices[0]: one for one in singles(Volumes(site, fleet), Effort())}
    assert found["pdu-x"] == Impact(1, 1, ("pdu-x",))


# Any four servers.


def test_no_four_servers_are_worse_than_the_group_that_is_shared_most() -> None:
    site, _, fleet = small(40)
    few = fleet.with_cells(fleet.cells.copy())
    few.cells[1, :4] = few.cells[0, :4]  # two cells share four servers: against the rule, so that two can fall
    volumes = Volumes(site, few)
    worst = worst_group(volumes)
    assert worst.cells == 2
    assert by_servers(volumes, worst.servers) == 2
    random = Random(2)
    for _ in range(300):
        cell = few.cells[random.randrange(40)].tolist()
        four = tuple(site.names[one] for one in random.sample(cell, 4))
        assert by_servers(volumes, four) <= 2
    assert worst_group(Volumes(site, fleet)).cells == 1


def test_a_monolith_loses_everybody_by_four_servers() -> None:
    site, _, fleet = small(200)
    for near in (True, False):
        one = monolith(site, 7, fleet, near=near)
        four = tuple(site.names[at] for at in one.cells[0, :4].tolist())
        lost = by_servers(Volumes(site, one), four)
        gone = np.isin(fleet.clients[:, 0], one.cells[0, :4]).sum()
        assert lost == 200 - gone
        rows = set(site.row_of[site.stand_of[one.cells[0]]].tolist())
        assert (len(rows) == 1) == near
        some = fleet.with_cells(np.where(np.arange(200)[:, None] % 3, fleet.cells, NOBODY))
        assert np.array_equal(Volumes(site, monolith(site, 7, some, near=near)).rows, Volumes(site, some).rows)


def test_where_a_node_is_out_of_reach_fewer_may_be_enough_and_nothing_is_claimed() -> None:
    topology = topology_of(480)
    servers = dict(topology.servers)
    alone = Switch("tor-alone", "rack", "rack-1-01")
    servers["server-1-01-01"] = evolve(servers["server-1-01-01"], switches=("tor-alone",))
    site = Site.of(evolve(topology, servers=servers, switches={**topology.switches, "tor-alone": alone}))
    fleet = Fleet(np.array([[50, 60, 70]], dtype=np.int32), np.array([[0, 1, 2, 3, 4, 5, 6]], dtype=np.int32))
    with pytest.raises(BadFleet, match="cell-1 has a copy that does not reach all nodes"):
        worst_group(Volumes(site, fleet))


def test_when_time_is_over_the_bound_still_holds() -> None:
    _, site, fleet = connected(1)
    for side_by_side in (SIDE_BY_SIDE, 0):
        found = worst_pair(Volumes(site, fleet), {}, Effort(deadline=0.0, clock=lambda: 1.0), side_by_side)
        assert not found.proven
        assert found.bound == found.blast_bound == len(fleet)


def test_two_who_put_most_into_blast_are_sought_beside_devices_that_leave_few_unserved() -> None:
    """A rack takes the cells of three volumes and harms no copy; a server is the primary and a node of two volumes.

    The rack leaves three unserved, with whatever else. Of the two others the server and the rack of the one node that
    they have left to spare leave two unserved, which is less, and in blast, which is more than any other two.
    """
    racks = {"a": 7, "b": 4, "c": 6, **{str(at): 1 for at in range(4)}}
    topology = build(
        name="two", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{one}", "row", ("feed",)) for one in racks],
        switches=[*(Switch(f"tor-{one}", "rack", f"rack-{one}") for one in racks),
                  *(Switch(f"agg-{at}", "aggregation") for at in range(3))],
        links=[Link(f"tor-{one}--agg-{at}", (f"tor-{one}", f"agg-{at}")) for one in racks for at in range(3)],
        servers=[Server(f"{one}-{at}", f"rack-{one}", (f"tor-{one}",), "any", 9)
                 for one, servers in racks.items() for at in range(servers)],
    )  # fmt: skip
    site = Site.of(topology)
    number = site.number
    clients = [["a-0", f"a-{at}", f"a-{at + 1}"] for at in (1, 3, 5)] + [["b-3", "0-0", f"b-{at}"] for at in (0, 1)]
    cells = [["c-0", "c-1", "c-2"]] * 3 + [["0-0", "1-0", "2-0"], ["0-0", "1-0", "3-0"]]
    rows = [np.array([[number[one] for one in row] for row in told], dtype=np.int32) for told in (clients, cells)]
    fleet = Fleet(rows[0], rows[1])
    volumes, some = Volumes(site, fleet), named(site, fleet)
    alone = {one.devices[0]: one for one in singles(volumes, Effort())}
    real = {pair: by_definition(topology, pair, some) for pair in combinations(everything(topology), 2)}
    for side_by_side in (SIDE_BY_SIDE, 0):
        found = worst_pair(volumes, alone, Effort(), side_by_side)
        assert found.proven
        assert found.worst.unserved == max(sum(unserved) for _, unserved in real.values()) == 3
        assert found.in_blast.blast == max(sum(blast) for blast, _ in real.values()) == 2
        assert found.in_blast.unserved == 2


def test_a_server_on_one_of_two_planes_is_in_reach_of_copies_on_both() -> None:
    """An instance, its copies and most nodes are on both planes, a node on the second one alone."""
    names = "abcde"
    topology = build(
        name="planes", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{one}", "row", ("feed",)) for one in names],
        switches=[*(Switch(f"tor-{one}{at}", "rack", f"rack-{one}") for one in names for at in (1, 2)),
                  *(Switch(f"agg-{at}", "aggregation") for at in (1, 2))],
        links=[Link(link_name(*pair), pair) for one in names for at in (1, 2)
               for pair in ((f"tor-{one}{at}", f"agg-{at}"),)],
        servers=[Server(f"{one}{at}", f"rack-{one}", (f"tor-{one}1", f"tor-{one}2")[one == "e":], "any", 9)
                 for one in names for at in range(2)],
    )  # fmt: skip
    site = Site.of(topology)
    fleet = Fleet(np.array([[0, 2, 4]], dtype=np.int32), np.array([[3, 6, 8]], dtype=np.int32))
    volumes, some = Volumes(site, fleet), named(site, fleet)
    worst = worst_group(volumes)
    assert worst.cells == 1
    assert by_servers(volumes, worst.servers) == 1
    assert max(sum(by_definition(topology, two, some)[1]) for two in combinations(topology.servers, 2)) == 1
