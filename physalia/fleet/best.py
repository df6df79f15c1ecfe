"""The most available cell of one volume: found by exchanging servers, and proven by what no cell can beat.

For each limit on the hops from the instance to the farthest node the best cell within it is sought: from the cell that
a placer takes, each node in turn goes to whatever stand makes the cell least unavailable, until none does. The bound is
that of whole fleets (`bounds`) for one cell that competes with nobody: the least unavailable pattern that the caps
allow, all that it does not see being ideal. So the gap is proven, whatever the search has missed.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from attrs import frozen

from physalia.fleet.bounds import ROUNDING
from physalia.fleet.fleet import Fleet
from physalia.fleet.ideal import BESIDE, NEAR, Domain, Ideal, Pattern
from physalia.fleet.placer import Placer
from physalia.fleet.rules import NOBODY, Rules, Volume
from physalia.fleet.sites import UNREACHED, Site
from physalia.fleet.unavailability import Unavailability
from physalia.placement.effort import Effort

SMALL = 0.01
"""A gap that is no larger is as good as none: figures of failures are known far less well."""

_DOWN = 1 - float(ROUNDING)


@frozen(kw_only=True)
class Best:
    """The best cell that was found with all nodes within so many hops, and what no such cell is below."""

    within: int
    hops: int
    """The sum of hops from the instance to the nodes."""
    servers: tuple[int, ...]
    unavailability: float
    bound: float
    anywhere: float
    """What no cell of this instance is below, however far its nodes are."""

    @property
    def gap(self) -> float:
        """By which part of the bound it is above that."""
        return _gap(self.unavailability, self.bound)

    @property
    def gap_to_any(self) -> float:
        """The same, to the bound of any cell."""
        return _gap(self.unavailability, self.anywhere)


def front(site: Site, rules: Rules, fleet: Fleet, volume: Volume, effort: Effort) -> Iterator[Best]:
    """The best cells of a volume beside those of a fleet, with more hops allowed from one to the next.

    Only those that are more available than all with fewer hops. OutOfTime; NotExact as for the unavailability.
    """
    stand = int(site.stand_of[volume[0]])
    hops, exact = site.hops(stand), Unavailability(site)
    ideal = Ideal(site, rules, volume[0], {}, effort=effort)
    known = list(ideal.patterns())
    beside = frozenset(np.flatnonzero((hops != UNREACHED) & (hops <= BESIDE)).tolist())
    far = frozenset(np.flatnonzero((hops == UNREACHED) | (hops > NEAR)).tolist())
    size, least = rules.policy.cell_size, float("inf")
    near, barred = rules.near(volume), rules.barred(volume)
    for within in sorted({int(one) for one in np.unique(hops) if one != UNREACHED}):
        allowed = frozenset(np.flatnonzero(near & (hops != UNREACHED) & (hops <= within)).tolist())
        placer = Placer(site, rules, allowed)
        for at, nodes in enumerate(fleet.cells.tolist()):
            placer.add(at, [one for one in nodes if one != NOBODY and int(site.stand_of[one]) in allowed])
        found = _improved(placer, exact, volume, barred, effort)
        if found is None:
            continue
        possible = [one for one in known if _is_within(one, size, within, beside, far)]
        servers, unavailability = found
        if unavailability < least:
            least = unavailability
            total = sum(int(hops[site.stand_of[one]]) for one in servers)
            yield Best(
                within=within, hops=total, servers=servers, unavailability=unavailability,
                bound=ideal.least(possible) * _DOWN, anywhere=ideal.least(known) * _DOWN,
            )  # fmt: skip


def _gap(value: float, bound: float) -> float:
    return max(0.0, value / bound - 1) if bound > 0 else float(value > 0)


def _is_within(one: Pattern, size: int, within: int, beside: Domain, far: Domain) -> bool:
    """Whether a pattern may be that of a cell within so many hops: none of its nodes must be farther."""
    if within <= BESIDE:
        return one.takes.get(beside, 0) == size
    return within > NEAR or not any(domain <= far for domain in one.takes)


def _improved(
    placer: Placer, exact: Unavailability, volume: Volume, barred: frozenset[int], effort: Effort
) -> tuple[tuple[int, ...], float] | None:
    """The cell of the placer, each node moved as long as that helps."""
    start = placer.place(volume)
    if start is None:
        return None
    best, value = tuple(start), exact.of(volume[0], start)
    improves = True
    while improves:
        improves = False
        for at in range(len(best)):
            for stand in placer.inside:
                effort.spend("places")
                for server in _some(placer, stand, barred.union(best), placer.color_of(best[0])):
                    trial = (*best[:at], server, *best[at + 1 :])
                    if (less := exact.of(volume[0], trial)) < value and placer.keeps(volume, trial):
                        best, value, improves = trial, less, True
    return tuple(sorted(best)), value


def _some(placer: Placer, stand: int, besides: frozenset[int], color: int) -> Iterator[int]:
    """One server of a stand that may take a node, of a colour; servers of one stand fail alike."""
    found = (one for one in placer.stock[color].get(stand, ()) if placer.room[one] > 0 and one not in besides)
    yield from islice(found, 1)
