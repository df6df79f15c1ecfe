"""Hops by breadth-first search, against networkx on graphs that Hypothesis makes."""

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.placement.errors import BadQuery
from physalia.placement.site.hops import Hops
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build
from tests.physalia.placement.sites import small_site, topology_of


def test_hops_in_the_small_site() -> None:
    far = Hops(topology_of(small_site())).of("server-1a")
    assert {name: far.to(name) for name in ("server-1a", "server-1b", "server-2a", "server-3a")} == {
        "server-1a": 0, "server-1b": 2, "server-2a": 4, "server-3a": 6,
    }  # fmt: skip


def test_where_no_path_leads_there_is_no_distance() -> None:
    site = small_site()
    site["links"] = [link for link in site["links"] if "core-1" not in link["ends"]]
    far = Hops(topology_of(site)).of("server-1a")
    assert far.to("server-3a") is None
    assert far.to("server-2b") == 4


def test_an_unknown_client_is_named() -> None:
    with pytest.raises(BadQuery, match=r"^site\.json: there is no server server-9"):
        Hops(topology_of(small_site())).of("server-9")


@st.composite
def networks(draw: st.DrawFn) -> Topology:
    switches = [f"s{at}" for at in range(draw(st.integers(1, 8)))]
    pairs = st.tuples(st.sampled_from(switches), st.sampled_from(switches)).filter(lambda ends: ends[0] < ends[1])
    links = draw(st.sets(pairs, max_size=12)) if len(switches) > 1 else set()
    homes = st.lists(st.sampled_from(switches), min_size=1, max_size=3, unique=True)
    return build(
        rows=["row"],
        powers=[Power("feed", "feed")],
        racks=[Rack("rack", "row", ("feed",))],
        switches=[Switch(name, "rack") for name in switches],
        links=[Link(link_name(*ends), ends) for ends in sorted(links)],
        servers=[Server(f"v{at}", "rack", tuple(draw(homes)), "blue", 1) for at in range(draw(st.integers(1, 5)))],
    )


@given(networks())
def test_hops_are_shortest_paths_that_pass_through_no_server(topology: Topology) -> None:
    hops = Hops(topology)
    for client in topology.servers:
        far = hops.of(client)
        for server in topology.servers:
            graph = networkx.Graph(topology.graph())
            for end in {client, server}:
                graph.add_edges_from((end, switch) for switch in topology.servers[end].switches)
            try:
                expected = networkx.shortest_path_length(graph, client, server)
            except networkx.NetworkXNoPath:
                expected = None
            assert far.to(server) == expected
