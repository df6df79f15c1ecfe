"""The exact availability is that of brute force, of the published table, and says so where it cannot be exact."""

import gc
from collections import Counter
from math import comb

import pytest
from attrs import evolve

from conformance.placement.brute import availability
from conformance.placement.definition import single_failures
from conformance.placement.sites import Seeded, site, with_probabilities
from physalia.placement.availability import blocks, walk
from physalia.placement.availability import diagram as availability_bdd
from physalia.placement.availability import estimator as module
from physalia.placement.availability.estimator import Estimator, NotExact, devices_that_matter, exact, independent
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.errors import BadQuery
from physalia.placement.site.format import read
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.shipped import example
from physalia.placement.site.topology import Topology

FAILS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

FIGURE_4 = {
    1: (0.99, 0.95, 0.90, 0.80, 0.70, 0.60, 0.5, 0.40, 0.30, 0.20),
    3: (0.9997, 0.9928, 0.972, 0.896, 0.784, 0.648, 0.5, 0.352, 0.216, 0.104),
    5: (0.99999, 0.9988, 0.9914, 0.9421, 0.8369, 0.6826, 0.5, 0.3174, 0.1631, 0.0579),
    7: (1 - 3.4e-7, 0.9998, 0.9973, 0.9667, 0.8740, 0.7102, 0.5, 0.2898, 0.1260, 0.0333),
    9: (1 - 1.2e-8, 0.99997, 0.9991, 0.9804, 0.9012, 0.7334, 0.5, 0.2666, 0.0988, 0.0196),
}
"""P(majority alive) by cell size, as the paper's figure 4 shows it."""


@pytest.mark.parametrize("nodes", FIGURE_4)
def test_independent_nodes_are_the_papers_figure_4(nodes: int) -> None:
    for fails, published in zip(FAILS, FIGURE_4[nodes], strict=True):
        needed = nodes // 2 + 1
        binomial = sum(comb(nodes, up) * (1 - fails) ** up * fails ** (nodes - up) for up in range(needed, nodes + 1))
        found = independent(nodes, fails)
        assert found == pytest.approx(binomial, abs=1e-13)
        # The table is rounded to four or five digits, and to two of what is missing where that is little.
        digits = 1e-9 if published > 0.99999 + 5e-6 else 6e-5
        assert found == pytest.approx(published, abs=digits * (10 if published > 0.99999 + 5e-6 and nodes == 7 else 1))


def uncertain(topology: Topology, instance: str, cell: list[str], choose: Seeded) -> Topology:
    own = [*cell, *(link for name in {instance, *cell} for link, _ in topology.links_of(name))]
    matter = list(dict.fromkeys([*single_failures(topology), *own]))
    made = with_probabilities(choose, topology, matter, 12)
    # Probabilities that are no sums of powers of two, so that rounding is seen.
    given = {device: 0.003 + chance * 0.61 for device, chance in made.device_probability.items()}
    return evolve(made, device_probability=given)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_that_of_brute_force(seed: int) -> None:
    choose = Seeded(f"availability/{seed}")
    made = site(choose)
    instance = choose.some(list(made.servers), 1, 1)[0]
    cell = choose.some(list(made.servers), 5, 5)
    topology = uncertain(made, instance, cell, choose)
    expected = availability(topology, instance, cell)
    assert expected is not None
    assert exact(topology, instance, cell) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("feeding", list(Feeding))
@pytest.mark.parametrize("redundant", [False, True])
def test_small_fabrics_are_walked_and_are_those_of_brute_force(feeding: Feeding, redundant: bool) -> None:
    choose = Seeded(f"fabric/{feeding}/{redundant}")
    fabric = Fabric(
        servers=12, servers_per_rack=2, racks_per_row=3, racks_per_pdu=1, rows_per_ups=1, cores=2, colors=1,
        feeding=feeding, redundant_racks=redundant,
    )  # fmt: skip
    made = generate(fabric)
    names = list(made.servers)
    for cell in (names[1:4], names[1:10:2], [names[2], names[5], names[8]]):
        topology = uncertain(made, names[0], cell, choose)
        found = Estimator(topology).of(names[0], cell)
        assert found.method in {"walk", "whole walk"}
        assert found.value == pytest.approx(availability(topology, names[0], cell), abs=1e-12)


def test_walk_and_diagram_agree_on_a_fabric_with_assumed_probabilities() -> None:
    topology = generate(Fabric(servers=16, servers_per_rack=4, racks_per_row=2, cores=2, colors=1))
    names = list(topology.servers)
    estimator = Estimator(topology)
    for cell in (names[1:4], names[3:16:3]):
        found = availability_bdd.lost(topology, names[0], tuple(cell), topology.failure_probability, Effort())
        assert estimator.of(names[0], cell).unavailability == pytest.approx(found.lost / found.up, rel=1e-12)


def test_on_a_large_fabric_the_rest_of_the_site_is_shown_not_to_matter() -> None:
    topology = generate(Fabric(servers=2_000))
    names = list(topology.servers)
    found = Estimator(topology).of(names[0], names[41:241:30])
    assert found.method == "walk"
    assert module.ROUNDING <= found.error <= module.CLOSE
    assert 1e-9 < found.unavailability < 1e-3


def test_without_the_rest_that_matters_the_whole_site_is_walked() -> None:
    topology = generate(Fabric(servers=12, servers_per_rack=2, racks_per_row=3, racks_per_pdu=1, cores=1, colors=1))
    likely = evolve(topology, probability={"link": 0.3, "switch": 0.2, "rack": 0.0, "server": 0.0})
    names = list(topology.servers)
    found = Estimator(likely).of(names[0], names[2:4] + names[6:7])
    assert found.method == "whole walk"


def test_what_is_given_up_is_accounted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    topology = generate(Fabric(servers=400, servers_per_rack=10, racks_per_row=8, cores=2))
    names = list(topology.servers)
    cell = names[5:400:57]
    expected = Estimator(topology).of(names[0], cell)
    monkeypatch.setattr(walk, "MANY_STATES", 1)
    monkeypatch.setattr(walk, "NEGLIGIBLE", 1e-16)
    monkeypatch.setattr(module, "TOLERANCE", 1e-2)
    found = Estimator(topology).of(names[0], cell)
    assert found.error > module.ROUNDING
    assert (1 - found.error) * found.unavailability <= expected.unavailability
    assert expected.unavailability <= (1 + module.ROUNDING) * found.unavailability


def test_beyond_the_limit_there_is_a_sentence_instead_of_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability_bdd, "MOST_NODES", 30)
    monkeypatch.setattr(walk, "MOST_STATES", 3)
    topology = generate(Fabric(servers=40, servers_per_rack=4))
    names = list(topology.servers)
    with pytest.raises(NotExact, match="more than 30 nodes") as caught:
        exact(topology, names[0], names[4:39:5])
    assert "\n" not in str(caught.value)
    gc.collect()  # what the diagram left behind complains now, if ever


def test_large_sites_that_do_not_decide_say_between_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SWITCHES", 2)
    topology = generate(Fabric(servers=12, servers_per_rack=2, racks_per_row=3, racks_per_pdu=1, cores=1, colors=1))
    likely = evolve(topology, probability={"link": 0.3, "switch": 0.2})
    names = list(topology.servers)
    with pytest.raises(NotExact, match="between 0"):
        exact(likely, names[0], names[2:4] + names[6:7])


def test_an_instance_that_is_never_up_has_no_availability() -> None:
    topology = generate(Fabric(servers=12, servers_per_rack=2))
    names = list(topology.servers)
    with pytest.raises(NotExact, match="never up"):
        exact(evolve(topology, device_probability={names[0]: 1.0}), names[0], names[1:4])


def test_wrong_names_are_refused() -> None:
    topology = generate(Fabric(servers=12, servers_per_rack=2))
    with pytest.raises(BadQuery, match="no server nobody"):
        exact(topology, "nobody", [])


def test_the_devices_that_matter_are_those_whose_loss_would() -> None:
    """Three nodes in one rack: that rack, its power and its switch are down in nearly all of the unavailable time."""
    topology = generate(Fabric(servers=48, servers_per_rack=4, colors=1))
    names = list(topology.servers)
    cell = names[4:7]
    weights = {weight.device: weight for weight in devices_that_matter(topology, names[0], cell, most=50)}
    rack = topology.servers[cell[0]].rack
    tor = topology.servers[cell[0]].switches[0]
    assert weights[rack].conditional == pytest.approx(1.0)
    assert weights[tor].conditional == pytest.approx(1.0)
    # The definition of the share, with brute numbers: P(down) P(lost | down) / P(lost).
    lost = Estimator(topology).of(names[0], cell).unavailability
    assert weights[tor].share == pytest.approx(topology.failure_probability(tor) / lost, rel=1e-9)
    assert next(iter(weights)) in {tor, rack} | topology.single_points(rack)
    assert weights[cell[0]].share < weights[tor].share


def test_what_the_devices_take_with_them_is_weighed_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end every state is looked at twice, one walk more gives the bounds: not once for each device there."""
    topology = generate(Fabric(servers=480, servers_per_rack=8, racks_per_row=6, redundant_racks=True, colors=1))
    names = list(topology.servers)
    servers = [names[place] for place in (20, 70, 130, 190, 250, 310, 390)]
    looked: Counter[tuple[blocks.Way, blocks.State]] = Counter()

    def misses(way: blocks.Way, state: blocks.State, itself: bool, needed: int) -> bool:
        looked[way, state] += 1
        return original(way, state, itself, needed)

    original = blocks.misses
    blocks.failure.cache_clear()
    monkeypatch.setattr(blocks, "misses", misses)
    weights = devices_that_matter(topology, names[0], servers, most=200)
    own = {names[0], *topology.servers[names[0]].switches, topology.servers[names[0]].rack}
    assert own <= {weight.device for weight in weights}
    assert len(looked) > 10
    assert max(looked.values()) <= 3


def test_a_cell_over_three_rows_needs_no_more_than_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the site joins what each piece of it touches, and not rows with each other past the cores."""
    site = generate(Fabric(servers=400, servers_per_rack=20, racks_per_row=4, feeding=Feeding.SINGLE, cells=0))
    rows: dict[str, list[str]] = {}
    for server in site.servers.values():
        rows.setdefault(site.row_of(server.rack), []).append(server.name)
    first, second, third, *_ = rows.values()
    cell = (first[1], first[25], second[0], second[30], third[0], third[22], third[45])
    found = Estimator(site).of(first[0], cell)
    assert found.method == "walk"
    assert found.error <= module.TOLERANCE + module.ROUNDING
    monkeypatch.setattr(module, "TOLERANCE", 1e-30)
    whole = Estimator(site).of(first[0], cell)
    assert whole.method == "whole walk"
    assert found.unavailability == pytest.approx(whole.unavailability, rel=found.error)


def test_too_much_shared_power_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every element of power in sight doubles the numbers, whatever the switches are."""
    site = generate(Fabric(servers=400, servers_per_rack=20, racks_per_row=4, feeding=Feeding.SINGLE, cells=0))
    names = list(site.servers)
    monkeypatch.setattr(walk, "MOST_NUMBERS", 10)
    monkeypatch.setattr(availability_bdd, "MOST_NODES", 10)
    with pytest.raises(NotExact, match="too much power is shared"):
        Estimator(site).of(names[0], names[1:350:50])


def test_what_is_given_up_is_between_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    site = generate(Fabric(servers=400, servers_per_rack=20, racks_per_row=4, feeding=Feeding.SINGLE, cells=0))
    names = list(site.servers)
    instance, cell = names[0], names[1:350:50]
    expected = Estimator(site).of(instance, cell).unavailability
    monkeypatch.setattr(walk, "MANY_STATES", 0)
    monkeypatch.setattr(walk, "NEGLIGIBLE", 1e-12)
    monkeypatch.setattr(module, "TOLERANCE", 0.5)
    rough = Estimator(site).of(instance, cell)
    assert 0.5 > rough.error > 1e-7
    assert (1 - rough.error) * rough.unavailability <= expected < rough.unavailability


def test_what_matters_is_told_where_a_lost_device_makes_the_rest_of_the_site_matter() -> None:
    """Without feed-a the rest of the site could help by 2e-12 at most."""
    site = read(example("single-fed.json"))
    instance, cell = "server-3-02-11", ("server-1-06-08", "server-3-02-03", "server-3-02-13", "server-3-02-18",
                                        "server-3-04-11", "server-5-01-15", "server-5-03-18")  # fmt: skip
    heard: list[str] = []
    found, weights = Estimator(site).with_weights(instance, cell, Effort(told=heard.append))
    assert found.error < module.CLOSE
    (lost,) = [weight for weight in weights if weight.device == "feed-a"]
    assert lost.conditional == pytest.approx(1 - 0.99971237350, abs=1e-10)
    assert set(heard) == {"steps of a walk", "steps back"}
    assert heard.index("steps back") > 10


def test_a_walk_stops_when_time_is_over() -> None:
    topology = generate(Fabric(servers=48, servers_per_rack=4, colors=1))
    names, ticks = list(topology.servers), iter(range(1_000_000))
    effort = Effort(deadline=5.0, clock=lambda: float(next(ticks)))
    with pytest.raises(OutOfTime):
        Estimator(topology).with_weights(names[0], names[4:7], effort)
    assert next(ticks) == 6  # asked before every step, and stopped at the first for which there was no time


def test_a_diagram_stops_when_time_is_over() -> None:
    topology = generate(Fabric(servers=16, servers_per_rack=4, racks_per_row=2, cores=2, colors=1))
    names, ticks = list(topology.servers), iter(range(1_000_000))
    effort = Effort(deadline=5.0, clock=lambda: float(next(ticks)))
    with pytest.raises(OutOfTime):
        availability_bdd.lost(topology, names[0], tuple(names[1:4]), topology.failure_probability, effort)
    assert next(ticks) == 6
    gc.collect()  # what the diagram left behind complains now, if ever
