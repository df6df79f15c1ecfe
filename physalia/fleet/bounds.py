"""What no fleet can beat: a lower bound of the mean unavailability that respects capacity, proven by prices.

A cell is seen coarsely, and what is not seen of it is ideal (`ideal`); so no real cell of a pattern is less unavailable
than the pattern. How many cells of which instances have which pattern is a linear program; room is what they compete
for.

The proof is its prices. For any prices of room, none below 0, the cells together lose at least what each pays in its
cheapest pattern, unavailability and prices together, less what all the room is worth: weak duality, in fractions.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from physalia.fleet.fleet import Fleet, Servers
from physalia.fleet.ideal import NEAR, Domain, Ideal, Pattern
from physalia.fleet.rules import Rules
from physalia.fleet.sites import UNREACHED, Site
from physalia.placement.effort import Effort

ROUNDING = Fraction(1, 10**8)
"""The relative error of an unavailability, taken off every one, so that the bound is one."""

_SCALE = 1e9

MOST_BY_FEEDS = 100
"""Where instances are at more stands than this, far nodes are not told apart by feeds: that would take minutes."""


@frozen(kw_only=True)
class Bound:
    """A proven lower bound of the mean unavailability of the placed cells, and the prices that prove it."""

    mean: float
    prices: Mapping[Domain, float]
    patterns: int


def bound(site: Site, rules: Rules, fleet: Fleet, effort: Effort | None = None) -> Bound:
    """The bound for the placed cells of a fleet, wherever they are; their instances count, and how many there are.

    OutOfTime.
    """
    cells = _alike(site, fleet.clients[fleet.placed, 0])
    return _bound(site, cells, patterns(site, rules, cells, effort=effort))


def bound_near(
    site: Site, rules: Rules, fleet: Fleet, near: NDArray[np.bool_], effort: Effort | None = None
) -> Bound | None:  # fmt: skip
    """The bound for these cells alone, for fleets that keep all of their nodes near (`all_near`).

    Nearness has its price where feeds have unlike numbers of racks, and the bound above does not know that. None if the
    rules let no cell of some instance be near, though the fleet has one. OutOfTime.
    """
    cells = _alike(site, fleet.clients[near, 0])
    possible = patterns(site, rules, cells, all_near=True, effort=effort)
    return _bound(site, cells, possible) if cells and all(possible.values()) else None


def all_near(site: Site, fleet: Fleet) -> NDArray[np.bool_]:
    """Which placed cells have all of their nodes near their instances: over `NEAR` hops at most."""
    found = fleet.placed.copy()
    stands = site.stand_of[fleet.clients[:, 0]]
    for stand in np.unique(stands[found]).tolist():
        rows = np.flatnonzero(found & (stands == stand))
        hops = site.hops(stand)[site.stand_of[fleet.cells[rows]]]
        found[rows] = ((hops != UNREACHED) & (hops <= NEAR)).all(axis=1)
    return found


def _alike(site: Site, instances: Servers) -> Counter[int]:
    """How many instances there are of each kind, by the first of it: at one stand, with links that fail as often."""
    fails, first, found = site.topology.failure_probability, dict[object, int](), Counter[int]()
    for server, count in sorted(Counter(instances.tolist()).items()):
        links = tuple(fails(link) for link, _ in site.topology.links_of(site.names[server]))
        found[first.setdefault((int(site.stand_of[server]), links), server)] += count
    return found


def _bound(site: Site, cells: Counter[int], choices: Mapping[int, Sequence[Pattern]]) -> Bound:
    room = rooms(site, choices)
    prices = _prices(cells, choices, room)
    total = proven(cells, choices, room, prices)
    return Bound(
        mean=max(0.0, float(total / max(1, cells.total()))), prices=prices, patterns=sum(map(len, choices.values()))
    )


def proven(
    cells: Mapping[int, int],
    choices: Mapping[int, Sequence[Pattern]],
    room: Mapping[Domain, int],
    prices: Mapping[Domain, float],
) -> Fraction:
    """What prices prove that all cells together lose at least; whatever they are, as long as none is below 0."""
    if any(price < 0 for price in prices.values()):
        raise ValueError("a price is below 0, which proves nothing.")
    exact = {domain: Fraction(price) for domain, price in prices.items() if price}
    total = Fraction(0)
    for instance, count in cells.items():
        total += count * min(
            Fraction(one.unavailability) * (1 - ROUNDING)
            + sum((exact[domain] * taken for domain, taken in one.takes.items() if domain in exact), Fraction(0))
            for one in choices[instance]
        )
    return total - sum((price * room[domain] for domain, price in exact.items()), Fraction(0))


def rooms(site: Site, choices: Mapping[int, Sequence[Pattern]]) -> dict[Domain, int]:
    """How many nodes each domain that a pattern takes room of can hold."""
    by_stand = np.bincount(site.stand_of, weights=site.room, minlength=len(site.stands)).astype(np.int64).tolist()
    domains = {domain for some in choices.values() for one in some for domain in one.takes}
    return {domain: sum(by_stand[stand] for stand in domain) for domain in domains}


def patterns(
    site: Site, rules: Rules, cells: Mapping[int, int], *, all_near: bool = False, effort: Effort | None = None
) -> dict[int, list[Pattern]]:  # fmt: skip
    """For each of these instances everything that its cell can be, seen coarsely, as far as caps allow it."""
    known: dict[object, float] = {}
    by_feeds = len(cells) <= MOST_BY_FEEDS
    return {
        one: list(Ideal(site, rules, one, known, by_feeds=by_feeds, all_near=all_near, effort=effort).patterns())
        for one in cells
    }


def _solver() -> Any:
    """HiGHS itself: the class around it prints a banner to standard output."""
    import highspy  # noqa: PLC0415  # heavy

    made: Any = highspy.Highs.__base__
    return made()


def _prices(
    cells: Mapping[int, int], choices: Mapping[int, Sequence[Pattern]], room: Mapping[Domain, int]
) -> dict[Domain, float]:
    """The prices of room at which the linear program is in balance; any others would prove something too."""
    import highspy  # noqa: PLC0415  # heavy

    solver = _solver()
    for option, setting in (("output_flag", False), ("threads", 1)):  # HiGHS takes one number of threads a process
        solver.setOptionValue(option, setting)
    columns = [(stand, one) for stand in cells for one in choices[stand]]
    rows = {domain: at for at, domain in enumerate(room)}
    stands = {stand: len(rows) + at for at, stand in enumerate(cells)}
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(columns), len(rows) + len(stands)
    program.col_cost_ = np.array([one.unavailability * _SCALE for _, one in columns])
    program.col_lower_ = np.zeros(len(columns))
    program.col_upper_ = np.full(len(columns), highspy.kHighsInf)
    program.row_lower_ = np.array([*(-highspy.kHighsInf for _ in rows), *map(float, cells.values())])
    program.row_upper_ = np.array([*map(float, room.values()), *map(float, cells.values())])
    starts: list[int] = [0]
    index: list[int] = []
    value: list[float] = []
    for stand, one in columns:
        for domain, taken in one.takes.items():
            index.append(rows[domain])
            value.append(float(taken))
        index.append(stands[stand])
        value.append(1.0)
        starts.append(len(index))
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.array(starts, dtype=np.int32)
    program.a_matrix_.index_ = np.array(index, dtype=np.int32)
    program.a_matrix_.value_ = np.array(value)
    solver.passModel(program)
    solver.run()
    duals = list(solver.getSolution().row_dual)
    return {domain: max(0.0, -duals[at] / _SCALE) for domain, at in rows.items() if isfinite(duals[at])}
