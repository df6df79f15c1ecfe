"""What a topology derives: ancestor sets, single points of failure, kinds, probabilities, the graph."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.placement.errors import BadTopology
from physalia.placement.site.topology import DEFAULT_PROBABILITY, Power, Rack, Server, Switch, Topology, supplies_first
from physalia.placement.site.validity import build
from tests.physalia.placement.sites import small_site, topology_of


def test_ancestor_sets_cover_every_supply_path() -> None:
    topology = topology_of(small_site())
    assert topology.powers_above("rack-1") == {"pdu": {"pdu-a1"}, "ups": {"ups-a"}, "feed": {"feed-a"}}
    assert topology.powers_above("rack-3") == {
        "pdu": {"pdu-a2", "pdu-b2"}, "ups": {"ups-a", "ups-b"}, "feed": {"feed-a", "feed-b"},
    }  # fmt: skip


def test_single_points_are_what_all_paths_share() -> None:
    topology = topology_of(small_site())
    assert topology.single_points("rack-1") == {"pdu-a1", "ups-a", "feed-a"}
    assert topology.single_points("rack-2") == {"ups-a", "feed-a"}
    assert topology.single_points("rack-3") == frozenset()


def test_probabilities_are_the_devices_own_then_their_kinds_then_assumed() -> None:
    topology = topology_of(small_site())
    assert topology.failure_probability("tor-1") == 0.5
    assert topology.failure_probability("tor-2") == 0.25
    assert topology.failure_probability("server-1a--tor-1") == 0.125
    assert topology.failure_probability("server-1b--tor-1") == DEFAULT_PROBABILITY["link"]
    assert topology.failure_probability("rack-1") == DEFAULT_PROBABILITY["rack"]
    with pytest.raises(BadTopology, match="no device server-1a--tor-2"):
        topology.failure_probability("server-1a--tor-2")


def test_a_device_that_never_fails_is_not_one_that_nothing_is_known_of() -> None:
    site = small_site()
    site["failure_probability"]["devices"]["tor-1"] = 0
    assert topology_of(site).failure_probability("tor-1") == 0


def test_every_device_has_its_kind() -> None:
    topology = topology_of(small_site())
    kinds = {"server-1a": "server", "rack-1": "rack", "pdu-a1": "pdu", "ups-a": "ups", "feed-a": "feed",
             "tor-1": "switch", "tor-1--agg-1": "link", "second trunk": "link", "server-1a--tor-1": "link"}  # fmt: skip
    assert {device: topology.kind_of(device) for device in kinds} == kinds
    with pytest.raises(BadTopology, match="no device row-1"):
        topology.kind_of("row-1")  # a row is a place


def test_the_graph_keeps_parallel_links_apart() -> None:
    graph = topology_of(small_site()).graph()
    assert set(graph) == {"tor-1", "tor-2", "tor-3", "tor-4", "agg-1", "agg-2", "core-1"}
    assert set(graph["agg-2"]["core-1"]) == {"agg-2--core-1", "second trunk"}
    assert graph.number_of_edges() == 7


def test_a_circle_is_named() -> None:
    powers = {
        name: Power(name, "pdu", supplies)
        for name, supplies in {"a": ("b",), "b": ("c", "f"), "c": ("b",), "f": ()}.items()
    }
    with pytest.raises(BadTopology, match="b <- c <- b supply each other in a circle"):
        list(supplies_first(powers))


@st.composite
def power_trees(draw: st.DrawFn) -> Topology:
    feeds = [Power(f"f{at}", "feed") for at in range(draw(st.integers(1, 3)))]
    powers = list(feeds)
    for at in range(draw(st.integers(0, 7))):
        names = draw(st.lists(st.sampled_from([one.name for one in powers]), min_size=1, max_size=3, unique=True))
        powers.append(Power(f"p{at}", draw(st.sampled_from(["pdu", "ups"])), tuple(names)))
    supplies = draw(st.lists(st.sampled_from([one.name for one in powers]), min_size=1, max_size=3, unique=True))
    return build(
        rows=["row"],
        powers=draw(st.permutations(powers)),
        racks=[Rack("rack", "row", tuple(supplies))],
        switches=[Switch("tor", "rack", "rack")],
        servers=[Server("server", "rack", ("tor",), "blue", 1)],
        links=[],
    )


def has_power(topology: Topology, failed: set[str]) -> bool:
    """By definition, from the rack upwards."""

    def lives(name: str) -> bool:
        power = topology.powers[name]
        return name not in failed and (power.kind == "feed" or any(lives(one) for one in power.supplies))

    return any(lives(one) for one in topology.racks["rack"].supplies)


@given(power_trees())
def test_single_points_agree_with_the_definition(topology: Topology) -> None:
    expected = {name for name in topology.powers if not has_power(topology, {name})}
    assert topology.single_points("rack") == expected


@given(power_trees())
def test_only_what_is_above_a_rack_can_matter_to_it(topology: Topology) -> None:
    above = set().union(*topology.powers_above("rack").values())
    relevant = {
        name
        for size in range(3)
        for failed in itertools.combinations(topology.powers, size)
        for name in failed
        if has_power(topology, set(failed) - {name}) and not has_power(topology, set(failed))
    }
    assert relevant <= above
    assert not has_power(topology, above)
