"""The authors' figures again, each against a closed form that was derived elsewhere, or counted by brute force."""

from fractions import Fraction
from itertools import combinations, product
from math import comb, isclose

import numpy as np
import pytest
from attrs import evolve

from physalia.fleet.fleet import Fleet
from physalia.fleet.placer import Placer
from physalia.fleet.rules import Rules
from physalia.fleet.volumes import made_up
from physalia.placement.availability.estimator import Estimator, independent
from physalia.placement.site.topology import DEVICE_KINDS
from physalia.zone import placing, routers, sizes, storm
from physalia.zone import scenario as scenarios
from physalia.zone.draws import random
from physalia.zone.errors import BadScenario

# Figure 4. The table was derived from the binomial by others, to the digits that are given.
FIGURE_4 = {
    1: (0.99, 0.95, 0.90, 0.80, 0.70, 0.60, 0.5, 0.40, 0.30, 0.20),
    3: (0.9997, 0.9928, 0.972, 0.896, 0.784, 0.648, 0.5, 0.352, 0.216, 0.104),
    5: (0.99999, 0.9988, 0.9914, 0.9421, 0.8369, 0.6826, 0.5, 0.3174, 0.1631, 0.0579),
    7: (1 - 3.4e-7, 0.9998, 0.9973, 0.9667, 0.8740, 0.7102, 0.5, 0.2898, 0.1260, 0.0333),
    9: (1 - 1.2e-8, 0.99997, 0.9991, 0.9804, 0.9012, 0.7334, 0.5, 0.2666, 0.0988, 0.0196),
}


@pytest.mark.parametrize("size", sizes.SIZES)
def test_figure_4(size: int) -> None:
    source = random(3, size)
    for failed, printed in zip(sizes.FAILED, FIGURE_4[size], strict=True):
        exact = sizes.available(size, failed)
        digits = len(f"{printed:.10f}".rstrip("0").partition(".")[2])
        assert abs(exact - printed) <= 0.51 * 10 ** -min(digits, 5), (failed, exact)
        assert isclose(exact, independent(size, failed), rel_tol=1e-9), "as the estimator of placements says"
        assert sizes.availability_seen(size, failed, 2000, source).low - 0.01 < exact
        assert exact < sizes.availability_seen(size, failed, 2000, source).high + 0.01
    if size == 7:
        assert 1 - sizes.available(7, 0.01) == pytest.approx(3.4e-7, rel=0.02)


def test_sizes_cross_where_half_of_the_nodes_fail() -> None:
    for smaller, larger in zip(sizes.SIZES, sizes.SIZES[1:], strict=False):
        assert all(sizes.available(smaller, failed) < sizes.available(larger, failed) for failed in (0.1, 0.3, 0.49))
        assert all(sizes.available(smaller, failed) > sizes.available(larger, failed) for failed in (0.51, 0.7, 0.9))
        assert sizes.available(smaller, 0.5) == pytest.approx(0.5)


# Durability.


def test_two_copies_last_as_long_as_the_textbook_says() -> None:
    """Two disks that are repaired apart: 3 / (2 a) + r / (2 a^2), for failures a and repairs r an hour."""
    disks = sizes.Disks(per_year=0.3, hours=50.0)
    failing, repair = disks.failing, 1 / disks.hours
    exact = 3 / (2 * failing) + repair / (2 * failing**2)
    assert disks.hours_to_loss(2, 1) == pytest.approx(exact, rel=1e-12)
    assert sizes.Disks(per_year=0.3, hours=1e12).hours_to_loss(3, 1) == pytest.approx(
        sum(1 / (left * failing) for left in (3, 2, 1)), rel=1e-6
    )  # nothing is repaired: the last of three


@pytest.mark.parametrize(("copies", "needed"), [(1, 1), (2, 1), (3, 2), (7, 4)])
def test_durability_is_the_chains_and_that_of_histories(copies: int, needed: int) -> None:
    disks, hours = sizes.Disks(per_year=0.9, hours=2000.0), 8760.0
    exact = disks.lost_within(copies, needed, hours)
    seen = disks.lost_seen(copies, needed, hours, 3000, random(1, copies))
    assert seen.low - 0.01 < exact < seen.high + 0.01, (exact, seen)
    assert exact == pytest.approx(_by_small_steps(disks, copies, needed, hours), rel=2e-3)


def test_the_mean_time_is_the_area_below_the_chance_to_last() -> None:
    disks = sizes.Disks(per_year=0.9, hours=2000.0)
    mean = disks.hours_to_loss(3, 2)
    step = mean / 100
    area = sum((1 - disks.lost_within(3, 2, (at + 0.5) * step)) * step for at in range(1000))
    assert area == pytest.approx(mean, rel=1e-3)


@pytest.mark.parametrize(("copies", "needed"), [(2, 1), (3, 2), (7, 4), (9, 5)])
def test_mean_times_solve_the_linear_equations(copies: int, needed: int) -> None:
    solves(copies, needed)


def test_seven_of_four_solve_the_linear_equations() -> None:
    solves(7, 4)


def solves(copies: int, needed: int) -> None:
    """The mean time to absorption is the solution of Q t = -1 for the chain's rates between the states before it."""
    disks = sizes.Disks(per_year=0.9, hours=2000.0)
    states = copies - needed + 1
    rates = np.zeros((states, states))
    for lost in range(states):
        fall, rise = (copies - lost) * disks.per_year / 8760, lost / disks.hours
        rates[lost, lost] = -(fall + rise)
        if lost + 1 < states:
            rates[lost, lost + 1] = fall
        if lost:
            rates[lost, lost - 1] = rise
    times = np.linalg.solve(rates, -np.ones(states))
    assert disks.hours_to_loss(copies, needed) == pytest.approx(times[0], rel=1e-9)


def test_seven_outlast_two_copies_by_far_more_than_the_paper_says_and_three_do_not() -> None:
    """The paper has about 5,000 times, by a method that is not known to us; the chain says what it says."""
    disks = sizes.Disks(per_year=0.02, hours=6.0)
    times = {size: disks.hours_to_loss(size, sizes.majority(size)) / disks.hours_to_loss(2, 1) for size in sizes.SIZES}
    assert times[3] == pytest.approx(1 / 3, rel=1e-3)
    assert 4e3 < times[5] < 6e3
    assert 5e7 < times[7] < 1e8


# Tail latency.


@pytest.mark.parametrize("size", sizes.SIZES[1:])
def test_latency_is_that_of_draws(size: int) -> None:
    for quantile in (0.5, 0.9, 0.99):
        within = sizes.latency(size, quantile)
        assert sizes.answered(size, within) == pytest.approx(quantile, abs=1e-9)
        seen = sizes.latency_seen(size, within, 3000, random(2, size, quantile))
        assert seen.low - 0.005 < quantile < seen.high + 0.005


def test_larger_cells_have_lower_tails_and_no_lower_means() -> None:
    """The second of two answers within t: 2 F (1 - F) + F^2 = 1 - (1 - F)^2 for the first of them, by hand."""
    assert sizes.answered(3, 1.0) == pytest.approx(1 - (1 - (1 - sizes.PAUSE_SHARE) * (1 - np.exp(-1.0))) ** 2)
    tails = [sizes.latency(size, 0.999) for size in sizes.SIZES[1:]]
    assert tails == sorted(tails, reverse=True)
    assert sizes.latency(9, 0.5) > sizes.latency(3, 0.5)
    assert [sizes.messages(size) for size in sizes.SIZES] == [0, 4, 8, 12, 16]


# Figure 12.


def test_figure_12_has_its_peak_at_a_third() -> None:
    exact = {failed: routers.calling(27, failed) for failed in range(28)}
    assert max(exact, key=lambda failed: exact[failed]) == 9
    assert exact[9] == routers.PEAK == Fraction(8, 27)
    assert f"{float(routers.PEAK):.0%}" == "30%"
    assert round(float(routers.PEAK) * 100, 1) == 29.6
    assert exact[0] == exact[27] == 0
    assert exact[1] / Fraction(1, 27) == pytest.approx(2, rel=0.08), "two calls for each router at first"


def test_figure_12_is_what_is_seen() -> None:
    for failed in (0, 1, 5, 9, 18, 27):
        exact = float(routers.calling(27, failed))
        band = routers.seen(27, failed, 1500, 8, random(4, failed))
        assert band.low - 0.005 <= exact <= band.high + 0.005, (failed, exact, band)


def test_figure_12_by_brute_force() -> None:
    """Every choice of three routers of five, for every set of failed ones."""
    for failed in range(6):
        called = sum(
            client not in down and (primary in down) != (replica in down)
            for down in combinations(range(5), failed)
            for client, primary, replica in product(range(5), repeat=3)
        )
        assert Fraction(called, comb(5, failed) * 125) == routers.calling(5, failed)


def test_more_routers_than_there_are_do_not_fail() -> None:
    with pytest.raises(BadScenario, match="28 of 27 routers cannot fail"):
        routers.seen(27, 28, 10, 2, random(0))


# Figure 11.


@pytest.mark.parametrize("per_row", [1, 2])
def test_what_is_lost_is_what_the_estimator_of_placements_says(per_row: int) -> None:
    site = placing.fabric(per_row)
    clients = made_up(site, 6, 5)
    fleet = placing.swapped(site, Rules.of(site, placing.policy(5)), clients, random(8))
    counted = placing.lost(site, fleet).at(0.1, to_instance=True)
    aggregation = {name: 0.1 for name, one in site.topology.switches.items() if one.tier == "aggregation"}
    topology = evolve(
        site.topology, probability=dict.fromkeys(DEVICE_KINDS, 0.0), device_probability=aggregation
    )  # fmt: skip
    estimator = Estimator(topology)
    exact = [
        estimator.of(site.names[fleet.clients[at, 0]], [site.names[one] for one in fleet.cells[at].tolist()])
        for at in range(len(fleet))
    ]
    assert counted == pytest.approx(sum(one.unavailability for one in exact) / len(exact), rel=1e-9)


@pytest.mark.parametrize("per_row", [1, 2])
def test_no_placement_beats_the_closed_form(per_row: int) -> None:
    """Any cell with no majority in its instance's rack; the greedy placer reaches it."""
    site = placing.fabric(per_row)
    clients = made_up(site, 8, 6)
    source = random(7, per_row)
    rules = Rules.of(site, placing.policy(5))
    for _ in range(4 - per_row):
        cells = np.array([
            Placer(site, rules).by_chance(tuple(row), source) for row in clients.tolist()
        ], dtype=np.int32)  # fmt: skip
        lost = placing.lost(site, Fleet(clients, cells))
        for probability in placing.PROBABILITIES:
            for to_instance in (True, False):
                least = placing.best(probability, per_row, to_instance=to_instance)
                assert lost.at(probability, to_instance=to_instance) >= least - 1e-12


@pytest.mark.parametrize("cell_size", placing.CELL_SIZES)
def test_the_papers_swaps_help_and_never_break_a_rule(cell_size: int) -> None:
    site = placing.fabric(1)
    rules = Rules.of(site, placing.policy(cell_size))
    clients = made_up(site, 40, 3)
    fleet = placing.swapped(site, rules, clients, random(5, cell_size))
    placer = Placer(site, rules)
    for at in range(len(fleet)):
        servers = fleet.cells[at].tolist()
        assert len(set(servers)) == cell_size
        assert placer.keeps(fleet.volume(at), servers)
        assert rules.barred(fleet.volume(at)).isdisjoint(servers)
    found = placing.compared(1, cell_size, 60, random(6, cell_size))
    point, chance, swaps, greedy = (found[way].at(0.05, to_instance=True) for way in placing.Way)
    assert point > chance > swaps >= greedy - 1e-12
    assert point / greedy < 2, "behind the switches of its own row nobody gains four times"


def test_the_swaps_of_five_never_break_a_rule() -> None:
    site = placing.fabric(1)
    rules = Rules.of(site, placing.policy(5))
    clients = made_up(site, 40, 3)
    fleet = placing.swapped(site, rules, clients, random(5))
    placer = Placer(site, rules)
    assert all(placer.keeps(fleet.volume(at), fleet.cells[at].tolist()) for at in range(len(fleet)))
    hops = [int(site.hops(int(site.stand_of[fleet.clients[at, 0]]))[site.stand_of[one]])
            for at in range(len(fleet)) for one in fleet.cells[at].tolist()]  # fmt: skip
    assert sum(one <= 4 for one in hops) > 0.6 * len(hops), "they come near: by chance one in five would be"


def test_greed_reaches_the_closed_form_and_either_copy_asks() -> None:
    site = placing.fabric(1)
    clients = made_up(site, 8, 6)
    near = placing._fleet(Placer(site, Rules.of(site, placing.policy(5))), clients, 5, None)
    lost = placing.lost(site, near)
    for to_instance in (True, False):
        least = placing.best(0.1, 1, to_instance=to_instance)
        assert lost.at(0.1, to_instance=to_instance) == pytest.approx(least, rel=1e-9)
    clients[:, 1] = np.roll(clients[:, 1], 3)  # primaries far from their cells: then the replica asks
    home = site.row_of[site.stand_of[clients]]
    assert (home[:, 0] != home[:, 1]).any()
    assert placing.lost(site, Fleet(clients, near.cells)).to_volume[1] == 0


# The storm.

RULES = evolve(scenarios.default().storm, volumes=4000, servers=200, hours=5.0)


def test_a_storm_without_limits_fills_the_zone_and_drowns_the_database() -> None:
    found = storm.storm(RULES, storm.Regime.UNLIMITED, random(1))
    _, free = storm.room(RULES)
    struck = round(RULES.share * RULES.volumes)
    assert found["struck"] == struck > free
    assert found["least_free"] == 0
    assert found["most_without_room"] * RULES.volumes == pytest.approx(struck - free), "so many find no room at first"
    first = struck * RULES.tries_per_second + RULES.api_per_second
    assert found["most_requests_per_second"] == pytest.approx(first)
    assert found["least_api_answered"] == pytest.approx(min(1.0, RULES.requests_per_second / first))
    least = RULES.size_gib / RULES.gib_per_hour * struck / RULES.servers  # every server at both ends of its transfers
    assert found["mirrored_after_hours"] > least


def test_limits_and_patience_end_a_storm_when_the_old_copies_are_back() -> None:
    found = storm.storm(RULES, storm.Regime.LIMITED, random(1))
    assert found["mirrored_after_hours"] == pytest.approx(RULES.heal_hours)
    assert found["least_api_answered"] == 1.0
    assert found["most_requests_per_second"] < RULES.requests_per_second
    assert found["least_free"] > 0


def test_limited_servers_copy_to_few_and_retries_back_off() -> None:
    tight = evolve(RULES, heal_hours=4.0, at_once_per_server=1)
    slow = storm.storm(tight, storm.Regime.LIMITED, random(1))
    copies = round(RULES.share * RULES.volumes)
    at_once = tight.servers // 2  # each transfer takes two servers
    hours = tight.size_gib / tight.gib_per_hour
    left_after_two_waves = copies - 2 * at_once
    by_hour = {round(row["hour"], 4): row["not_mirrored"] * tight.volumes for row in slow["series"]}
    assert by_hour[round(24 / 60, 4)] >= copies - at_once
    assert by_hour[round(36 / 60, 4)] >= left_after_two_waves
    assert hours < 24 / 60
    late = [row["requests_per_second"] - tight.api_per_second for row in slow["series"] if 1.0 < row["hour"] < 3.0]
    waiting = [row["without_room"] * tight.volumes for row in slow["series"] if 1.0 < row["hour"] < 3.0]
    assert max(waiting) > 0
    assert sum(late) < 0.6 * sum(waiting) / 60, "whoever waits asks less than once a minute"


def test_no_server_has_more_transfers_than_it_may() -> None:
    copy, most = storm._Run._copy, [0]

    def noted(run: storm._Run) -> None:
        most.append(int(run._transfers().max()))
        copy(run)

    storm._Run._copy = noted  # type: ignore[method-assign, assignment]
    try:
        storm.storm(RULES, storm.Regime.LIMITED, random(1))
        assert max(most) == RULES.at_once_per_server
        storm.storm(RULES, storm.Regime.UNLIMITED, random(1))
        assert max(most) > 2 * RULES.at_once_per_server
    finally:
        storm._Run._copy = copy  # type: ignore[method-assign]


def test_cells_take_the_load_off_the_database() -> None:
    found = storm.storm(evolve(RULES, requests_per_second=1.0), storm.Regime.CELLS, random(1))
    assert found["least_api_answered"] == 1.0
    assert found["most_requests_per_second"] == pytest.approx(round(RULES.share * RULES.volumes) / 60)
    drowned = storm.storm(evolve(RULES, requests_per_second=1.0), storm.Regime.LIMITED, random(1))
    assert drowned["least_api_answered"] < 0.01


def test_room_is_neither_made_nor_lost() -> None:
    _, free = storm.room(RULES)
    for regime in storm.Regime:
        found = storm.storm(RULES, regime, random(2))
        assert found["mirrored_after_hours"] is not None
        assert found["series"][-1]["free"] == free, regime


def _by_small_steps(disks: sizes.Disks, copies: int, needed: int, hours: float) -> float:
    """The same chain by Euler's rule."""
    chance = np.zeros(copies - needed + 2)
    chance[0] = 1.0
    steps = 40_000
    for _ in range(steps):
        lost = np.arange(len(chance) - 1)
        fall, rise = chance[:-1] * (copies - lost) * disks.failing, chance[:-1] * lost / disks.hours
        change = np.zeros(len(chance))
        change[:-1] -= fall + rise
        change[1:] += fall
        change[:-2] += rise[1:]
        chance = chance + change * hours / steps
    return float(chance[-1])
