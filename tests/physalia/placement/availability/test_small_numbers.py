"""The unavailability is right to a relative error, however small it is: against sums of exact fractions."""

from fractions import Fraction

import pytest
from attrs import evolve

from conformance.placement.brute import Combinations, exact_unavailability
from conformance.placement.definition import single_failures
from conformance.placement.sites import Seeded, site
from physalia.placement.availability import diagram, walk
from physalia.placement.availability import estimator as module
from physalia.placement.availability.estimator import ROUNDING, Estimator
from physalia.placement.effort import Effort
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.topology import Topology

MOST_DEVICES = 12
SMALL = (1e-12, 3e-12, 7e-11, 1e-9, 2e-6, 1e-3, 0.4)


def reliable(topology: Topology, instance: str, cell: list[str], choose: Seeded, small: tuple[float, ...]) -> Topology:
    """Some devices fail, with small probabilities of many sizes; all others never do."""
    own = [*cell, *(link for name in {instance, *cell} for link, _ in topology.links_of(name))]
    devices = list(dict.fromkeys([*single_failures(topology), *own]))
    return with_failing(topology, choose.some(devices, MOST_DEVICES, MOST_DEVICES), choose, small)


def with_failing(topology: Topology, chosen: list[str], choose: Seeded, small: tuple[float, ...]) -> Topology:
    """These devices fail, and no others."""
    given = dict.fromkeys([*single_failures(topology), *topology.servers], 0.0)
    given |= {device: choose.some(list(small), 1, 1)[0] for device in chosen}
    return evolve(topology, device_probability=given)


def agrees(found: float, truth: Fraction, error: float) -> bool:
    """Whether a double is the truth but for its stated relative error."""
    return abs(Fraction(found) - truth) <= Fraction(error) * truth


def small_fabric(feeding: Feeding, *, redundant: bool) -> Topology:
    return generate(
        Fabric(
            servers=12, servers_per_rack=2, racks_per_row=3, racks_per_pdu=1, rows_per_ups=1, cores=2, colors=1,
            feeding=feeding, redundant_racks=redundant,
        )
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_it_is_that_of_fractions_on_any_site(seed: int) -> None:
    choose = Seeded(f"small/{seed}")
    made = site(choose)
    instance = choose.some(list(made.servers), 1, 1)[0]
    cell = choose.some(list(made.servers), 5, 5)
    topology = reliable(made, instance, cell, choose, SMALL)
    truth = exact_unavailability(topology, instance, cell)
    assert truth is not None
    found = Estimator(topology).of(instance, cell)
    assert agrees(found.unavailability, truth, found.error)


@pytest.mark.parametrize("feeding", list(Feeding))
@pytest.mark.parametrize("redundant", [False, True])
def test_it_is_that_of_fractions_on_fabrics_that_are_walked(feeding: Feeding, redundant: bool) -> None:
    choose = Seeded(f"small fabric/{feeding}/{redundant}")
    made = small_fabric(feeding, redundant=redundant)
    names, sizes = list(made.servers), []
    for cell in (names[1:4], names[1:10:2], [names[2], names[5], names[8]]):
        for topology in (
            reliable(made, names[0], cell, choose, SMALL),
            reliable(made, names[0], cell, choose, (1e-12,)),
            with_failing(made, [*cell, *made.racks], choose, SMALL[:4]),
        ):
            truth = exact_unavailability(topology, names[0], cell)
            found = Estimator(topology).of(names[0], cell)
            assert found.method in {"walk", "whole walk"}
            assert truth is not None
            assert agrees(found.unavailability, truth, found.error)
            sizes.append(truth)
    # What doubles near 1 cannot tell from nothing was reached, and was not nothing.
    assert any(0 < size < Fraction(1e-17) for size in sizes)


def test_the_diagram_tells_small_numbers_too() -> None:
    made = small_fabric(Feeding.DUAL, redundant=True)
    names = list(made.servers)
    topology = evolve(made, device_probability=dict.fromkeys(made.servers, 1e-6), probability=dict.fromkeys(
        ("rack", "pdu", "ups", "feed", "switch", "link"), 0.0))  # fmt: skip
    found = diagram.lost(topology, names[0], tuple(names[1:8]), topology.failure_probability, Effort())
    truth = exact_unavailability(topology, names[0], names[1:8])
    assert truth is not None
    assert agrees(found.lost / found.up, truth, ROUNDING)
    assert 0 < truth < Fraction(1e-22)


@pytest.mark.parametrize("seed", range(12))
def test_what_each_device_matters_is_the_definition(seed: int) -> None:
    """share = P(down) P(up and lost | down) / P(up and lost), with every conditional summed up by fractions."""
    choose = Seeded(f"small devices/{seed}")
    made = small_fabric(list(Feeding)[seed % 3], redundant=seed % 2 == 0) if seed < 6 else site(choose)
    names = list(made.servers)
    instance, cell = names[0], choose.some(names, 5, 5)
    topology = reliable(made, instance, cell, choose, SMALL)
    truth = exact_unavailability(topology, instance, cell)
    weights = {weight.device: weight for weight in Estimator(topology).with_weights(instance, cell)[1]}
    assert truth is not None
    if not truth:
        assert not weights
        return
    for device, fails in topology.device_probability.items():
        if not fails:
            continue
        down = evolve(topology, device_probability={**topology.device_probability, device: 1.0})
        conditional = exact_unavailability(down, instance, cell)
        if conditional is None:  # without it the instance is not up, and nothing is lost
            assert device not in weights or weights[device].share == 0.0
            continue
        up, up_down = (up_chance(one, instance) for one in (topology, down))
        share = Fraction(fails) * conditional * up_down / (truth * up)
        if device not in weights:  # not near the cell, so that it does not matter
            assert abs(conditional - truth) <= Fraction(1e-9) * truth
            continue
        assert abs(Fraction(weights[device].share) - share) <= Fraction(1e-9)
        close = Fraction(1e-7) * conditional + Fraction(1e-15)
        assert abs(Fraction(weights[device].conditional) - conditional) <= close


def up_chance(topology: Topology, instance: str) -> Fraction:
    """P(the instance is up), by fractions."""
    everything = Combinations(topology)
    return everything.exact_chance(everything.up(instance))


def test_a_sieve_that_gives_up_too_much_is_changed_for_a_finer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = small_fabric(Feeding.SINGLE, redundant=False)
    names = list(made.servers)
    topology = evolve(made, device_probability={**dict.fromkeys(made.servers, 1e-9), names[0]: 0.0})
    expected = Estimator(topology).of(names[0], names[1:8])
    monkeypatch.setattr(walk, "MANY_STATES", 0)
    monkeypatch.setattr(walk, "NEGLIGIBLE", 0.5)
    found = Estimator(topology).of(names[0], names[1:8])
    assert found.unavailability == pytest.approx(expected.unavailability, rel=2 * module.TOLERANCE)
