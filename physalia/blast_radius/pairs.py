"""The two devices that harm most volumes when they fail together, by branch and bound over every pair there is.

Servers do not forward. So a server, or a link of one, changes the fate of no volume that it does not serve: beside
another device it adds at most as many volumes as have it. And two devices of the fabric change the fate of no volume
without a server whose surroundings they change. With these two bounds most pairs need no count of their own. Pairs of
the fabric fail side by side (`Side`) where they are not too many; surroundings that many leave are counted once.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, islice

import numpy as np
from attrs import define, field, frozen

from physalia.blast_radius.fates import under
from physalia.blast_radius.side import Side
from physalia.blast_radius.singles import Impact, Volumes
from physalia.fleet.rules import NOBODY
from physalia.placement.effort import Effort

SIDE_BY_SIDE = 500_000
"""With more pairs of the fabric than this one is looked at after the other, as far as time allows."""

AT_A_TIME = 16_384
"""So many of them fail side by side."""


@frozen(kw_only=True)
class Worst:
    """The worst set that was found, and more volumes than ``bound`` no other leaves unserved; equal if it is proven."""

    worst: Impact
    bound: int
    sets: int
    """How many sets of so many devices there are."""
    counted: int
    """How many of them were counted volume by volume."""

    @property
    def proven(self) -> bool:
        """Whether none is worse."""
        return self.bound == self.worst.unserved


def worst_pair(
    volumes: Volumes, alone: Mapping[str, Impact], effort: Effort, side_by_side: int = SIDE_BY_SIDE
) -> Worst:  # fmt: skip
    """The worst pair of devices; ``alone`` are the impacts of single devices (`singles`), none for those without.

    When time runs out the best that was found is told, with a bound that still holds.
    """
    search = _Search(volumes, alone, side_by_side)
    done = search.run(effort)
    devices = len(search.fabric) + len(search.touched)
    return Worst(
        worst=search.best,
        bound=search.best.unserved if done else len(volumes.rows),
        sets=devices * (devices - 1) // 2,
        counted=search.counted,
    )


@define(eq=False)
class _Search:
    volumes: Volumes
    alone: Mapping[str, Impact]
    side_by_side: int
    fabric: list[str] = field(init=False)
    touched: dict[str, int] = field(init=False)
    """Servers and their links: how many volumes have them."""
    best: Impact = field(default=Impact(0, 0, ()), init=False)
    counted: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        site, fleet, rows = self.volumes.site, self.volumes.fleet, self.volumes.rows
        everybody = np.concatenate([fleet.clients[rows], fleet.cells[rows]], axis=1)
        counts = np.bincount(everybody[everybody != NOBODY], minlength=len(site.names)).tolist()
        self.touched = {}
        for at, name in enumerate(site.names):
            self.touched[name] = counts[at]
            self.touched.update((link, counts[at]) for link, _ in site.topology.links_of(name))
        self.fabric = sorted(self.volumes.network.devices(), key=lambda device: -self._alone(device))

    def run(self, effort: Effort) -> bool:
        """Look at every pair; whether there was time for all."""
        few = len(self.fabric) * (len(self.fabric) - 1) // 2 <= self.side_by_side
        if not (self._many_at_a_time if few else self._one_by_one)(effort):
            return False
        for pair in self._with_servers():
            if effort.is_over:
                return False
            effort.told("pairs")
            self._note(self._count(pair))
        return True

    def _many_at_a_time(self, effort: Effort) -> bool:
        """All pairs of the fabric, many at a time; the worst of each time is counted volume by volume."""
        side, every = Side(self.volumes, self.fabric), combinations(range(len(self.fabric)), 2)
        while some := list(islice(every, AT_A_TIME)):
            if effort.is_over:
                return False
            effort.told("pairs")
            sets = np.array(some, dtype=np.int64)
            unserved = side.counts(sets)[:, 0]
            first, second = (self.fabric[one] for one in sets[int(unserved.argmax())].tolist())
            self._note(self._count((first, second)))
        self.counted += side.surroundings
        return True

    def _one_by_one(self, effort: Effort) -> bool:
        for pair in combinations(self.fabric, 2):
            if effort.is_over:
                return False
            effort.told("pairs")
            self._fabric(pair)
        return True

    def _alone(self, device: str) -> int:
        known = self.alone.get(device)
        return 0 if known is None else known.unserved

    def _fabric(self, pair: tuple[str, str]) -> None:
        left = self.volumes.network.without(pair)
        if self.volumes.most_at(self.volumes.changed(left)) > self.best.unserved:
            self.counted += 1
            self._note(self.volumes.impact(left, pair))

    def _with_servers(self) -> Iterator[tuple[str, str]]:
        """The pairs with a server or a link of one that may still be worse than the worst that is known."""
        order = sorted(self.touched, key=lambda name: -self.touched[name])
        for device in self.fabric:
            for name in order:
                if self._alone(device) + self.touched[name] <= self.best.unserved:
                    break
                yield device, name
        for at, name in enumerate(order):
            for other in order[at + 1 :]:
                if self.touched[name] + self.touched[other] <= self.best.unserved:
                    break
                yield name, other

    def _count(self, pair: tuple[str, str]) -> Impact:
        self.counted += 1
        volumes = self.volumes
        left = volumes.network.without(pair)
        stands = {int(volumes.site.stand_of[volumes.site.number[name.partition("--")[0]]]) for name in pair
                  if name in self.touched}  # fmt: skip
        rows = volumes.at(np.union1d(volumes.changed(left), np.array(sorted(stands), dtype=np.int64)))
        found = under(volumes.site, left, volumes.fleet, pair, rows)
        return Impact(int(found.unserved.sum()), int(found.blast.sum()), pair)

    def _note(self, found: Impact) -> None:
        if found.unserved > self.best.unserved:
            self.best = found
