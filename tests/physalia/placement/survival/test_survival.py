"""What a failure cuts off, and whether a majority survives: two ways, and both like the definition."""

import pytest
from attrs import evolve

from conformance.placement.definition import World, breaking, harms, single_failures
from conformance.placement.sites import Seeded, site
from physalia.placement.errors import BadQuery
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology
from physalia.placement.site.validity import build
from physalia.placement.survival import prove as both_ways
from physalia.placement.survival.by_cuts import Survival, survives
from physalia.placement.survival.cuts import Cut, cut_sets
from physalia.placement.survival.prove import prove


def cut_by_definition(topology: Topology, instance: str) -> dict[str, set[str]]:
    lost = {device: set(topology.servers) - reached for device, reached in harms(topology, instance).items()}
    return {device: servers for device, servers in lost.items() if servers}


def servers_of(topology: Topology, cut: Cut) -> set[str]:
    return {server.name for server in topology.servers.values() if cut.holds(server)}


def row(*, aggregations: int = 1, links: tuple[tuple[str, str], ...] = (), second_feed: bool = False) -> Topology:
    """Three racks under some aggregation switches, two servers each; rack 3 may have a second feed."""
    racks = ("r1", "r2", "r3")
    above = [f"agg{at}" for at in range(1, aggregations + 1)]
    pairs = [*((f"tor-{rack}", up) for rack in racks for up in above), *links]
    return build(
        rows=["row"],
        powers=[Power("feed1", "feed"), Power("feed2", "feed")],
        racks=[
            Rack("r1", "row", ("feed1",)),
            Rack("r2", "row", ("feed2",)),
            Rack("r3", "row", ("feed2", "feed1") if second_feed else ("feed2",)),
        ],
        switches=[
            *(Switch(f"tor-{rack}", "rack", rack) for rack in racks),
            *(Switch(up, "aggregation") for up in above),
        ],
        links=[Link("--".join(pair), pair) for pair in pairs],
        servers=[Server(f"{rack}{at}", rack, (f"tor-{rack}",), "blue", 1) for rack in racks for at in "ab"],
    )


@pytest.mark.parametrize("seed", range(40))
def test_cuts_are_those_of_the_definition(seed: int) -> None:
    choose = Seeded(f"cuts/{seed}")
    topology = site(choose)
    instance = choose.some(list(topology.servers), 1, 1)[0]
    found = cut_sets(topology, instance)
    expected = cut_by_definition(topology, instance)
    assert {device: servers_of(topology, cut) for device, cut in found.items()} == expected
    assert all(cut.size == len(expected[device]) for device, cut in found.items())
    assert cut_sets(topology, instance, 2) == {device: cut for device, cut in found.items() if cut.size > 2}


@pytest.mark.parametrize("feeding", list(Feeding))
@pytest.mark.parametrize("redundant", [False, True])
def test_cuts_of_a_fabric_are_those_of_the_definition(feeding: Feeding, redundant: bool) -> None:
    fabric = Fabric(
        servers=32, servers_per_rack=4, racks_per_row=3, rows_per_ups=2, cores=2, feeding=feeding,
        redundant_racks=redundant, aggregation_per_row=1, seed=3,
    )  # fmt: skip
    topology = generate(fabric)
    instance = next(iter(topology.servers))
    found = cut_sets(topology, instance)
    assert {device: servers_of(topology, cut) for device, cut in found.items()} == cut_by_definition(topology, instance)


def test_one_aggregation_switch_takes_the_row_and_two_do_not() -> None:
    cell = ["r1b", "r2a", "r3a"]
    alone = survives(row(second_feed=True), "r1a", cell)
    assert (alone.holds, alone.breaks, alone.lost) == (False, "agg1", ("r2a", "r3a"))
    assert "agg1 fails" in alone.sentence
    assert survives(row(aggregations=2), "r1a", cell).breaks == "feed2"
    assert survives(row(aggregations=2, second_feed=True), "r1a", cell).holds


def test_both_ways_say_the_same_and_name_a_device_that_breaks_it() -> None:
    for topology in (row(), row(aggregations=2), row(aggregations=2, second_feed=True)):
        for cell in (["r1b", "r2a", "r3a"], ["r1a", "r1b", "r2a"], ["r2a", "r2b", "r3a", "r3b"]):
            by_graph, by_z3 = prove(topology, "r1a", cell)
            broken = breaking(harms(topology, "r1a"), cell)
            assert by_graph.holds == by_z3.holds == (not broken)
            assert by_graph.failures == by_z3.failures == len(list(single_failures(topology)))
            for found in (by_graph, by_z3):
                assert (found.breaks in broken) if broken else found.breaks is None


def test_an_instances_own_link_is_a_failure_that_leaves_it_up() -> None:
    """Two networks side by side: with its link to the second one the instance loses all that hangs there alone."""
    topology = build(
        rows=["row"],
        powers=[Power("feed", "feed")],
        racks=[Rack(f"r{at}", "row", ("feed",)) for at in (1, 2, 3)],
        switches=[Switch("left", "rack", "r1"), Switch("right", "rack", "r2")],
        links=[],
        servers=[
            Server("instance", "r3", ("left", "right"), "blue", 1),
            Server("a", "r3", ("left",), "blue", 1),
            *(Server(name, "r3", ("right",), "blue", 1) for name in "bc"),
        ],
    )
    found = survives(topology, "instance", ["a", "b", "c"])
    assert (found.holds, found.lost) == (False, ("b", "c"))
    assert servers_of(topology, cut_sets(topology, "instance")["instance--right"]) == {"b", "c"}
    assert "instance--left" in cut_sets(topology, "instance")


def test_an_instance_that_is_a_node_reaches_itself() -> None:
    assert prove(row(), "r1a", ["r1a", "r1b", "r2a"])[0].holds


def test_what_takes_the_instance_down_is_no_harm() -> None:
    topology = row(aggregations=2)
    assert not World(topology, frozenset({"r1"})).is_up("r1a")
    assert not {"r1", "tor-r1", "feed1", "r1a--tor-r1"} & set(cut_sets(topology, "r1a"))


def test_large_sites_are_judged_by_the_graph_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both_ways, "Z3_SERVERS", 5)
    assert [found.method for found in prove(row(), "r1a", ["r1b", "r2a", "r3a"])] == ["graph"]


def test_ways_that_disagree_are_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    real = survives(row(), "r1a", ["r1b", "r2a", "r3a"])
    monkeypatch.setattr(both_ways, "survives", lambda *_: evolve(real, holds=True, breaks=None, lost=()))
    with pytest.raises(RuntimeError, match="disagree"):
        prove(row(), "r1a", ["r1b", "r2a", "r3a"])


def test_z3_that_blames_the_wrong_device_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Survival(holds=False, method="z3", failures=1, breaks="r2", lost=("r2a", "r3a"))
    monkeypatch.setattr("physalia.placement.survival.by_z3.refute", lambda *_: wrong)
    with pytest.raises(RuntimeError, match="disagree"):
        prove(row(), "r1a", ["r1b", "r2a", "r3a"])


@pytest.mark.parametrize(
    ("instance", "cell", "says"),
    [
        ("nobody", ["r1b"], "no server nobody"),
        ("r1a", ["r1b", "r9z"], "no server r9z"),
        ("r1a", [], "at least one node"),
        ("r1a", ["r1b", "r2a", "r1b"], "two nodes on server r1b"),
    ],
)
def test_wrong_names_are_one_sentence(instance: str, cell: list[str], says: str) -> None:
    with pytest.raises(BadQuery, match=says) as caught:
        survives(row(), instance, cell)
    assert "\n" not in str(caught.value)
