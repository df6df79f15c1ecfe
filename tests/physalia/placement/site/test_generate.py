"""Generated fabrics: the same for a seed, of the shape that was asked for, and of use to whoever places cells."""

import itertools
from collections import Counter

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physalia.placement.errors import BadTopology
from physalia.placement.site.format import dumps, loads
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.hops import Hops


@st.composite
def fabrics(draw: st.DrawFn) -> Fabric:
    feeding = draw(st.sampled_from(Feeding))
    return Fabric(
        servers=draw(st.integers(1, 300)),
        servers_per_rack=draw(st.integers(1, 20)),
        racks_per_row=draw(st.integers(1, 8)),
        rows_per_ups=draw(st.integers(1, 3)),
        racks_per_pdu=draw(st.integers(1, 3)),
        feeding=feeding,
        feeds=draw(st.none() | st.integers(1 if feeding is Feeding.SINGLE else 2, 4)),
        redundant_racks=draw(st.booleans()),
        aggregation_per_row=draw(st.integers(1, 3)),
        cores=draw(st.integers(1, 3)),
        colors=draw(st.integers(1, 14)),
        capacity=draw(st.integers(0, 50)),
        fill=draw(st.sampled_from([0.0, 0.5, 1.0])),
        seed=draw(st.integers(0, 3)),
    )


@settings(max_examples=60, deadline=None)
@given(fabrics())
def test_a_fabric_has_what_was_asked_for(fabric: Fabric) -> None:
    topology = generate(fabric)
    assert loads(dumps(topology), "again") == topology
    assert len(topology.servers) == fabric.servers
    assert max(Counter(server.rack for server in topology.servers.values()).values()) <= fabric.servers_per_rack
    assert max(Counter(rack.row for rack in topology.racks.values()).values()) <= fabric.racks_per_row
    assert {len(server.switches) for server in topology.servers.values()} == {2 if fabric.redundant_racks else 1}
    assert len({server.color for server in topology.servers.values()}) <= fabric.colors
    assert all(server.nodes <= server.capacity <= fabric.capacity for server in topology.servers.values())
    assert {power.name for power in topology.powers.values() if power.kind == "pdu"} == {
        supply for rack in topology.racks.values() for supply in rack.supplies
    }
    assert networkx.is_connected(topology.graph())


@settings(max_examples=60, deadline=None)
@given(fabrics())
def test_power_domains_nest(fabric: Fabric) -> None:
    topology = generate(fabric)
    above = [topology.powers_above(rack) for rack in topology.racks]
    for inner, outer in (("pdu", "ups"), ("ups", "feed")):
        outers: dict[frozenset[str], set[frozenset[str]]] = {}
        for sets in above:
            outers.setdefault(sets[inner], set()).add(sets[outer])  # type: ignore[index]
        assert all(len(found) == 1 for found in outers.values())


@pytest.mark.parametrize("feeding", Feeding)
def test_a_single_element_of_power_kills_only_what_is_fed_from_one_side(feeding: Feeding) -> None:
    fabric = Fabric(servers=600, servers_per_rack=10, feeding=feeding)
    topology = generate(fabric)
    for rack in topology.racks.values():
        dual = feeding is Feeding.DUAL or (feeding is Feeding.MIXED and topology.rows.index(rack.row) % 2 == 1)
        assert bool(topology.single_points(rack.name)) is not dual
        assert len(rack.supplies) == (2 if dual else 1)


def test_the_racks_of_a_row_are_spread_over_the_feeds() -> None:
    topology = generate(Fabric(servers=480))
    for row in topology.rows:
        feeds = Counter(topology.powers_above(rack.name)["feed"] for rack in topology.racks.values() if rack.row == row)
        assert len(feeds) == 3
        assert max(feeds.values()) - min(feeds.values()) <= 1


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    assert dumps(generate(Fabric(seed=4))) == dumps(generate(Fabric(seed=4)))
    assert generate(Fabric(seed=4)).servers != generate(Fabric(seed=5)).servers


def test_servers_differ_in_capacity_fill_and_state() -> None:
    servers = generate(Fabric(servers=2_000)).servers.values()
    assert {server.capacity for server in servers} >= set(range(110, 190))
    assert 0.55 < sum(server.nodes for server in servers) / sum(server.capacity for server in servers) < 0.65
    assert any(server.drained for server in servers)
    assert any(server.nodes == server.capacity for server in servers)
    assert max(Counter(server.color for server in servers).values()) == 400


def test_distances_have_three_steps() -> None:
    topology = generate(Fabric(servers=480, servers_per_rack=10, racks_per_row=12))
    far = Hops(topology).of("server-1-01-01")
    assert Counter(map(far.to, topology.servers)) == {0: 1, 2: 9, 4: 110, 6: 360}


@pytest.mark.parametrize(("redundant", "aggregations"), list(itertools.product([False, True], [1, 2])))
def test_redundancy_is_an_option(*, redundant: bool, aggregations: int) -> None:
    topology = generate(
        Fabric(servers=480, servers_per_rack=10, redundant_racks=redundant, aggregation_per_row=aggregations)
    )
    single = set(networkx.articulation_points(networkx.Graph(topology.graph())))
    assert single == ({f"agg-{row}-1" for row in range(1, 5)} if aggregations == 1 else set())
    tops = [switch for switch in topology.switches.values() if switch.tier == "rack"]
    assert len(tops) == (96 if redundant else 48)


def test_existing_cells_look_like_cells() -> None:
    topology = generate(Fabric(servers=2_000))
    assert len(topology.cells) == 100
    for cell in topology.cells.values():
        servers = [topology.servers[name] for name in cell.servers]
        assert len(servers) == 7
        assert len({server.color for server in servers}) == 1
        assert len({topology.row_of(server.rack) for server in servers}) == 1
        assert max(Counter(server.rack for server in servers).values()) <= 3
    assert not generate(Fabric(cells=0)).cells


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"servers": 0}, "servers 0: at least 1"),
        ({"colors": 0}, "colors 0: at least 1"),
        ({"capacity": -1}, "capacity -1: at least 0"),
        ({"cells": -1}, "cells -1: at least 0"),
        ({"fill": 1.5}, "fill 1.5: between 0 and 1"),
        ({"feeds": 0}, "single-fed, cannot be generated with feeds 0: between 1 and 26"),
        ({"feeds": 1, "feeding": Feeding.DUAL}, "dual-fed, cannot be generated with feeds 1: between 2 and 26"),
    ],
)
def test_what_cannot_be_generated_is_said(changes: dict[str, object], says: str) -> None:
    with pytest.raises(BadTopology, match=says):
        Fabric(**changes)  # type: ignore[arg-type]


def test_a_large_fabric_is_generated_and_read_whole() -> None:
    topology = loads(dumps(generate(Fabric(servers=100_000))), "large")
    assert (len(topology.servers), len(topology.racks), len(topology.rows)) == (100_000, 2_500, 209)
    assert len(topology.cells) == 5_000
