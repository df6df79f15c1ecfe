"""The paper's heuristic: two cells exchange a node if that makes them more available, with 20 candidates for each cell.

Candidates are drawn at random from the servers near the cell's instance; a server with room needs no partner. Every
rule holds after every exchange. What counts is how many nodes are far from their instances, which no nearness of others
makes good, and then the exact unavailability of the cells that change, summed. For a cell with far nodes it is not
computed: that takes a hundred times as long as for a cell that is near, and there is something better to do for it.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random

import numpy as np
from attrs import define, field, frozen

from physalia.fleet.fleet import Fleet
from physalia.fleet.placer import Placer
from physalia.fleet.sites import UNREACHED
from physalia.fleet.unavailability import Unavailability
from physalia.placement.availability.estimator import NotExact
from physalia.placement.effort import Effort

CANDIDATES = 20
MOST_MORE_PAIRS = 1
"""A swap by which more pairs of nodes than this come to share a domain is not looked at: it hardly ever pays."""


@frozen(kw_only=True)
class Improved:
    """What a round of swaps came to: how many were tried, and done.

    The means are those of the cells without far nodes, which ``near_before`` and ``near_after`` count.
    """

    tried: int
    swapped: int
    near_before: int
    near_after: int
    mean_before: float
    mean_after: float


@define(eq=False)
class Swaps:
    """Swaps between the cells of a fleet, whose ``cells`` they change."""

    placer: Placer
    fleet: Fleet
    unavailability: Unavailability
    random: Random
    candidates: int = CANDIDATES
    _near: dict[tuple[int, int], tuple[list[int], frozenset[int]]] = field(factory=dict, init=False)

    def round(self, effort: Effort) -> Improved:
        """Every placed cell once, the least available first, as far as time allows."""
        known = self._known()
        tried = swapped = 0
        near_before, mean_before = _near(known)
        for cell in sorted(known, key=lambda at: -known[at]):
            if effort.is_over:
                break
            effort.told("cells")
            for own, server in self._candidates(cell):
                if effort.is_over:
                    break
                tried += 1
                swapped += self._try(cell, own, server, known)
        near_after, mean_after = _near(known)
        return Improved(
            tried=tried, swapped=swapped, near_before=near_before, near_after=near_after, mean_before=mean_before,
            mean_after=mean_after,
        )  # fmt: skip

    def _known(self) -> dict[int, float]:
        """What is made less, for each placed cell; those of which there is nothing exact stay where they are."""
        known = dict[int, float]()
        for at in np.flatnonzero(self.fleet.placed).tolist():
            with suppress(NotExact):
                known[at] = self._of(at, self.fleet.cells[at].tolist())
        return known

    def _candidates(self, cell: int) -> Iterator[tuple[int, int]]:
        """A place in the cell, and a server near its instance that could hold that node."""
        near, _ = self._around(cell)
        for _ in range(self.candidates if near else 0):
            place = int(self.random.random() * self.fleet.cells.shape[1])
            yield place, near[int(self.random.random() * len(near))]

    def _around(self, cell: int) -> tuple[list[int], frozenset[int]]:
        """The servers near the instance of a cell, in its colour, and their stands: the first tier that has enough."""
        placer, site = self.placer, self.placer.site
        color = placer.color_of(int(self.fleet.cells[cell, 0]))
        stand = int(site.stand_of[self.fleet.clients[cell, 0]])
        if (stand, color) not in self._near:
            hops, stock = site.hops(stand), placer.stock[color]
            near: list[int] = []
            inside: list[int] = []
            for most in sorted({int(hops[one]) for one in stock} - {UNREACHED}):
                inside = [one for one in stock if UNREACHED != hops[one] <= most]
                near = [server for one in inside for server in stock[one]]
                if len(near) >= _ENOUGH * self.fleet.cells.shape[1]:
                    break
            self._near[stand, color] = near, frozenset(inside)
        return self._near[stand, color]

    def _try(self, cell: int, place: int, server: int, known: dict[int, float]) -> bool:
        """Let a cell have a node on this server, if a swap makes it and its partner more available."""
        placer, fleet = self.placer, self.fleet
        mine = fleet.cells[cell].tolist()
        if server in mine:
            return False
        partner = None
        theirs: list[int] = []
        if placer.room[server] <= 0:
            others = [other for other in placer.on[server] if other in known]  # whole cells of the fleet
            if not others:
                return False
            partner = others[int(self.random.random() * len(others))]
            theirs = fleet.cells[partner].tolist()
            if mine[place] in theirs or partner == cell:
                return False
        given = mine[place]
        new = [*mine[:place], server, *mine[place + 1 :]]
        back = [given if one == server else one for one in theirs]
        met = self._meet(cell, new) - self._meet(cell, mine)
        met += self._meet(partner, back) - self._meet(partner, theirs) if partner is not None else 0
        if met > MOST_MORE_PAIRS or not self._legal(cell, new, partner, back):
            return False
        try:
            gain = known[cell] - self._of(cell, new)
            gain += known[partner] - self._of(partner, back) if partner is not None else 0.0
        except NotExact:
            return False
        if gain <= _LEAST * known[cell]:
            return False
        self._exchange(cell, mine, new, known)
        if partner is not None:
            self._exchange(partner, theirs, back, known)
        return True

    def _legal(self, cell: int, new: Sequence[int], partner: int | None, back: Sequence[int]) -> bool:
        """Whether both cells keep every rule; each is judged beside the other as it will be."""
        placer, rules = self.placer, self.placer.rules
        for one, servers, other in ((cell, new, partner), (partner, back, cell)):
            if one is None:
                continue
            volume = self.fleet.volume(one)
            near = rules.near(volume)
            if not rules.barred(volume).isdisjoint(servers) or not all(near[placer.site.stand_of[s]] for s in servers):
                return False
            if not placer.keeps(volume, servers, (one,) if other is None else (one, other)):
                return False
        most = rules.most_shared
        return most is None or partner is None or len(set(new) & set(back)) <= most

    def _of(self, cell: int, servers: Sequence[int]) -> float:
        """The nodes of a cell that are far from its instance; if none is, its unavailability."""
        _, inside = self._around(cell)
        stand_of = self.placer.site.stand_of
        far = sum(int(stand_of[server]) not in inside for server in servers)
        if far:
            return float(far)
        return self.unavailability.of(int(self.fleet.clients[cell, 0]), servers)

    def _meet(self, cell: int, servers: Sequence[int]) -> int:
        """How many pairs of nodes meet in domains over which they should be spread, but for those of the instance."""
        spread_at, stand_of = self.placer.rules.spread_at, self.placer.site.stand_of
        own = spread_at[int(stand_of[self.fleet.clients[cell, 0]])]
        counts: dict[int, int] = {}
        for server in servers:
            for at in spread_at[int(stand_of[server])]:
                counts[at] = counts.get(at, 0) + 1
        return sum(k * (k - 1) // 2 for at, k in counts.items() if at not in own)

    def _exchange(self, cell: int, old: Sequence[int], new: Sequence[int], known: dict[int, float]) -> None:
        self.placer.remove(cell, set(old) - set(new))
        self.placer.add(cell, set(new) - set(old))
        self.fleet.cells[cell] = new
        known[cell] = self._of(cell, new)


def _near(known: dict[int, float]) -> tuple[int, float]:
    """How many cells have no far node, and how unavailable they are in the mean."""
    near = [value for value in known.values() if value < 1]
    return len(near), sum(near) / len(near) if near else 0.0


_ENOUGH = 4
"""A tier is near if it has so many times the servers that a cell needs."""

_LEAST = 1e-6
"""A gain below this share of what a cell has is rounding."""
