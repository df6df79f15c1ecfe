"""Unavailability by pattern is the estimator's, swaps make a fleet better, and no fleet is below the bound."""

from collections import Counter
from fractions import Fraction
from itertools import count
from random import Random

import numpy as np
import pytest
from attrs import evolve

from physalia.fleet import bounds
from physalia.fleet.bounds import all_near, bound, bound_near, patterns, proven, rooms
from physalia.fleet.fleet import Fleet
from physalia.fleet.judge import wrong
from physalia.fleet.placer import Placer
from physalia.fleet.report import report
from physalia.fleet.rules import Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.fleet.swaps import Swaps
from physalia.fleet.unavailability import Unavailability
from physalia.fleet.volumes import made_up
from physalia.placement.availability.estimator import Estimator, NotExact
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import default
from physalia.placement.site.generate import Fabric, Feeding, generate
from tests.physalia.fleet.fleets import placed, small, topology_of


@pytest.mark.parametrize("feeding", list(Feeding))
def test_patterns_have_the_unavailability_of_their_cells(feeding: Feeding) -> None:
    topology = topology_of(feeding=feeding)
    site = Site.of(evolve(topology, device_probability={"agg-1-1": 3e-3, "server-1-01-05": 0.2, "pdu-1-a1": 5e-3}))
    fleet = placed(site, Rules.of(site, default()), 300)
    unavailability, estimator = Unavailability(site), Estimator(site.topology)
    values = unavailability.of_fleet(fleet, range(300))
    assert 5 < unavailability.computed < 200
    assert len(set(values)) > 5
    for at in Random(1).sample(range(300), 40):
        instance = site.names[fleet.clients[at, 0]]
        exact = estimator.of(instance, [site.names[one] for one in fleet.cells[at].tolist()]).unavailability
        assert values[at] == pytest.approx(exact, rel=1e-8)


def test_what_matters_makes_another_pattern() -> None:
    topology = topology_of()
    site, rules, fleet = small(1)
    cell, instance = fleet.cells[0].tolist(), int(fleet.clients[0, 0])
    before = Unavailability(site).of(instance, cell)
    for device in (site.names[cell[0]], topology.servers[site.names[cell[-1]]].rack, "feed-a", "agg-1-1"):
        other = Unavailability(Site.of(evolve(topology, device_probability={device: 0.3})))
        other.share(dict(Unavailability(site)._by_pattern))
        assert other.of(instance, cell) != before
    assert rules.limits


def test_no_more_patterns_than_asked_for() -> None:
    site, _, fleet = small(100)
    with pytest.raises(NotExact, match="more than 2 patterns"):
        Unavailability(site, most_patterns=2).of_fleet(fleet, range(100))


def test_swaps_make_a_random_fleet_better_and_keep_every_rule() -> None:
    site = Site.of(topology_of(240))  # one row, so that every cell is near
    rules = Rules.of(site, default())
    placer, random = Placer(site, rules), Random(1)
    fleet = placed(site, rules, 0)
    volumes = placed(site, rules, 200).clients
    fleet = Fleet.unplaced(volumes, 7)
    for at in range(200):
        servers = placer.by_chance(fleet.volume(at), random)
        if servers is not None:
            placer.add(at, servers)
            fleet.cells[at] = servers
    taken = np.sort(fleet.cells[fleet.placed].ravel())
    unavailability = Unavailability(site)
    swaps = Swaps(filled(site, rules, fleet), fleet, unavailability, Random(2))
    before = sum(unavailability.of_fleet(fleet, np.flatnonzero(fleet.placed).tolist()))
    done = [swaps.round(Effort()) for _ in range(2)]
    after = sum(unavailability.of_fleet(fleet, np.flatnonzero(fleet.placed).tolist()))
    assert done[0].swapped > 20
    assert done[0].tried == 20 * fleet.placed.sum()
    assert after < 0.7 * before
    assert done[-1].mean_after == pytest.approx(after / fleet.placed.sum())
    assert done[1].mean_before == pytest.approx(done[0].mean_after)
    assert not list(wrong(site, rules, fleet))
    assert len(taken) == len(fleet.cells[fleet.placed].ravel())


def test_no_swap_takes_more_from_the_partner_than_the_cell_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site is nearly full of random cells, so that swaps have partners; each must be better for both summed."""
    site = Site.of(topology_of(240, capacity=6))
    rules = Rules.of(site, default())
    placer, random = Placer(site, rules), Random(1)
    fleet = Fleet.unplaced(made_up(site, int(site.room.sum()) // 7, 1), 7)
    for at in range(len(fleet)):
        servers = placer.by_chance(fleet.volume(at), random)
        if servers is not None:
            placer.add(at, servers)
            fleet.cells[at] = servers
    swaps, real, changes = Swaps(placer, fleet, Unavailability(site), Random(2)), Swaps._try, Counter[int]()

    def judged(self: Swaps, cell: int, place: int, server: int, known: dict[int, float]) -> bool:
        before = dict(known)
        done = real(self, cell, place, server, known)
        changed = [at for at in known if known[at] != before[at]]
        assert bool(changed) == done
        if done:
            assert sum(known[at] - before[at] for at in changed) < 0
        changes[len(changed)] += 1
        return done

    monkeypatch.setattr(Swaps, "_try", judged)
    swaps.round(Effort())
    assert changes[1] + changes[2] > 20
    assert changes[2] > 5


def test_time_ends_a_round_between_two_cells_and_between_two_candidates() -> None:
    site, rules, fleet = small(100)
    swaps = Swaps(filled(site, rules, fleet), fleet, Unavailability(site), Random(2))
    assert swaps.round(Effort(deadline=0.0, clock=lambda: 1.0)).tried == 0
    clock = count()
    assert 0 < swaps.round(Effort(deadline=10.0, clock=lambda: next(clock))).tried < 10


# The bound.


@pytest.mark.parametrize("feeding", list(Feeding))
def test_no_cell_and_no_fleet_is_below_the_bound(feeding: Feeding) -> None:
    site = Site.of(topology_of(feeding=feeding))
    rules = Rules.of(site, default())
    fleet = placed(site, rules, 300)
    lowest = bound(site, rules, fleet)
    found = report(site, rules, fleet)
    assert found.mean is not None
    assert found.gap is not None
    assert 0 < lowest.mean <= found.mean
    assert found.gap < (1.0 if feeding is Feeding.SINGLE else 5.0)
    choices = patterns(site, rules, dict.fromkeys(fleet.clients[:, 0].tolist(), 1))
    unavailability = Unavailability(site)
    for at in range(0, 300, 7):
        least = min(one.unavailability for one in choices[int(fleet.clients[at, 0])])
        assert least <= unavailability.of(int(fleet.clients[at, 0]), fleet.cells[at].tolist()) * (1 + 1e-8)


def test_scarce_room_has_a_price_and_raises_the_bound() -> None:
    site, rules, fleet = small(300)
    free = bound(site, rules, fleet)
    # All instances in one rack of a row with room for few nodes: most nodes must be far from what is best for them.
    tight = evolve(site, held=np.where(site.row_of[site.stand_of] == 0, site.capacity - 1, 0))
    here = np.tile(fleet.clients[fleet.clients[:, 0] < 20][:1], (300, 1))
    crowded = fleet.with_cells(fleet.cells)
    crowded = Fleet(here, crowded.cells)
    lowest = bound(tight, Rules.of(tight, default()), crowded)
    alone = bound(site, rules, Fleet(here, crowded.cells))
    assert any(price > 0 for price in lowest.prices.values())
    assert lowest.mean > alone.mean
    assert free.patterns > 0


def test_any_prices_prove_something_and_none_more_than_the_truth() -> None:
    site, rules, fleet = small(300)
    cells = Counter(fleet.clients[:, 0].tolist())
    choices = patterns(site, rules, cells)
    room = rooms(site, choices)
    real = sum(Unavailability(site).of_fleet(fleet, range(300)))
    random, best = Random(3), proven(cells, choices, room, bound(site, rules, fleet).prices)
    for _ in range(10):
        prices = {domain: random.random() * 1e-9 for domain in room}
        assert proven(cells, choices, room, prices) <= best * (1 + Fraction(1, 10**6))
    assert best <= real
    with pytest.raises(ValueError, match="below 0"):
        proven(cells, choices, room, dict.fromkeys(room, -1e-9))


def test_cells_that_are_near_have_a_bound_of_their_own_which_knows_the_price_of_nearness() -> None:
    """One feed has four racks of ten: some cells must have three nodes on it, or go far, which the first bound lets."""
    fabric = Fabric(
        servers=400, servers_per_rack=20, racks_per_row=10, rows_per_ups=1, capacity=6, fill=0.0, full=0.0,
        drained=0.0, cells=0,
    )  # fmt: skip
    site = Site.of(generate(fabric))
    rules = Rules.of(site, default())
    fleet = placed(site, rules, int(site.room.sum() * 0.97) // 7)
    found = report(site, rules, fleet)
    assert found.near is not None
    assert found.bound is not None
    assert found.mean is not None
    near = all_near(site, fleet)
    for at in range(0, len(fleet), 11):
        hops = site.hops(int(site.stand_of[fleet.clients[at, 0]]))[site.stand_of[fleet.cells[at]]]
        assert near[at] == (hops.max() <= 4)
    assert found.near.cells == int(near.sum()) > len(fleet) // 2
    assert found.near.bound <= found.near.mean
    assert found.near.bound > found.bound.mean * 1.1  # nearness has its price
    assert found.near.gap == pytest.approx(found.near.mean / found.near.bound - 1)
    nobody = fleet.with_cells(np.full_like(fleet.cells, -1))
    assert bound_near(site, rules, nobody, all_near(site, nobody)) is None


def test_a_bound_that_forgets_capacity_would_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test above: with prices of nothing the crowded fleet is bounded as if there were room."""
    site, _, fleet = small(300)
    tight = evolve(site, held=np.where(site.row_of[site.stand_of] == 0, site.capacity - 1, 0))
    rules = Rules.of(tight, default())
    here = Fleet(np.tile(fleet.clients[fleet.clients[:, 0] < 20][:1], (300, 1)), fleet.cells)
    real = bound(tight, rules, here).mean
    monkeypatch.setattr(bounds, "_prices", lambda *_: {})
    assert bound(tight, rules, here).mean < real


def test_a_sample_is_proven_by_certificates_that_are_checked() -> None:
    site, rules, fleet = small(100)
    found = report(site, rules, fleet, sample=3, seed=4)
    assert len(found.sample) == 3
    assert all(one.certified for one in found.sample)
    assert all(one.best is not None and one.cost is not None and one.best <= one.cost for one in found.sample)
    assert 0 <= found.at_their_best <= 3
    assert (found.placed, found.computed, found.unknown) == (100, 100, 0)


def test_a_report_whose_time_is_over_says_so() -> None:
    site, rules, fleet = small(50)
    found = report(site, rules, fleet, effort=Effort(deadline=0.0, clock=lambda: 1.0))
    assert not found.complete
    assert found.mean is None
    assert found.gap is None
