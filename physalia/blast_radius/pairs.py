"""The two devices that leave most volumes unserved, and the two that put most into blast, when they fail together.

By branch and bound over every pair there is. Servers do not forward. So a server, or a link of one, changes the fate of
no volume that it does not serve: beside another device it adds, to either count, at most the volumes that have it and
are at risk there. And two devices of the fabric change the fate of no volume without a server whose surroundings they
change. With these two bounds most pairs need no count of their own. Pairs of the fabric fail side by side (`Side`) if
they are not too many; surroundings that many leave are counted once.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, islice

import numpy as np
from attrs import define, field, frozen

from physalia.blast_radius.side import Side
from physalia.blast_radius.singles import Impact, Volumes
from physalia.blast_radius.together import servers_at_risk, volumes_under
from physalia.fleet.rules import NOBODY
from physalia.placement.effort import Effort

SIDE_BY_SIDE = 500_000
"""With more pairs of the fabric than this one is looked at after the other, as far as time allows."""

AT_A_TIME = 16_384
"""So many of them fail side by side."""


NOTHING = Impact(0, 0, ())


@frozen(kw_only=True)
class Worst:
    """The worst sets that were found: ``worst`` leaves most unserved, ``in_blast`` puts most into blast.

    No other set leaves more volumes unserved than ``bound``, nor puts more into blast than ``blast_bound``; equal to
    what was found if that is proven.
    """

    worst: Impact
    bound: int
    in_blast: Impact
    blast_bound: int
    sets: int
    """How many sets of so many devices there are."""
    counted: int
    """How many of them were counted volume by volume."""

    @property
    def proven(self) -> bool:
        """Whether none is worse, in either sense."""
        return self.bound == self.worst.unserved and self.blast_bound == self.in_blast.blast


def worst_pair(
    volumes: Volumes, alone: Mapping[str, Impact], effort: Effort, side_by_side: int = SIDE_BY_SIDE
) -> Worst:  # fmt: skip
    """The worst pair of devices in both senses; ``alone`` are the impacts of single devices (`singles`), if any.

    When time runs out the worst that were found are told, with bounds that still hold.
    """
    search = _Search(volumes, alone, side_by_side)
    done = search.run(effort)
    devices = len(search.fabric) + len(search.touched)
    worst, in_blast = search.best, search.in_blast if search.in_blast.devices else search.best
    return Worst(
        worst=worst,
        bound=worst.unserved if done else len(volumes.rows),
        in_blast=in_blast,
        blast_bound=in_blast.blast if done else len(volumes.rows),
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
    best: Impact = field(default=NOTHING, init=False)
    in_blast: Impact = field(default=NOTHING, init=False)
    counted: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        site, fleet, rows = self.volumes.site, self.volumes.fleet, self.volumes.rows
        everybody = np.concatenate([fleet.clients[rows], fleet.cells[rows]], axis=1)
        counts = np.bincount(everybody[everybody != NOBODY], minlength=len(site.names)).tolist()
        self.touched = {}
        for at, name in enumerate(site.names):
            self.touched[name] = counts[at]
            self.touched.update((link, counts[at]) for link, _ in site.topology.links_of(name))
        self.fabric = sorted(self.volumes.network.devices(), key=lambda device: -self._alone(device).unserved)

    def run(self, effort: Effort) -> bool:
        """Look at every pair; whether there was time for all."""
        few = len(self.fabric) * (len(self.fabric) - 1) // 2 <= self.side_by_side
        if not (self._many_at_a_time if few else self._one_by_one)(effort):
            return False
        for pair in self._with_servers():
            if effort.is_over:
                return False
            effort.told("pairs")
            if pair:
                self._note(self._count(pair))
        return True

    def _many_at_a_time(self, effort: Effort) -> bool:
        """All pairs of the fabric, many at a time; the worst of each time are counted volume by volume."""
        side, every = Side(self.volumes, self.fabric), combinations(range(len(self.fabric)), 2)
        while some := list(islice(every, AT_A_TIME)):
            if effort.is_over:
                return False
            effort.told("pairs")
            sets = np.array(some, dtype=np.int64)
            for at in dict.fromkeys(side.counts(sets).argmax(axis=0).tolist()):
                first, second = (self.fabric[one] for one in sets[at].tolist())
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

    def _alone(self, device: str) -> Impact:
        return self.alone.get(device, NOTHING)

    def _fabric(self, pair: tuple[str, str]) -> None:
        left = self.volumes.network.without(pair)
        if self._may_be_worse(NOTHING, self.volumes.most_at(self.volumes.changed(left))):
            self.counted += 1
            self._note(self.volumes.impact(left, pair))

    def _may_be_worse(self, known: Impact, more: int) -> bool:
        """Whether so many volumes more than those that are known of are more than was found, in either sense."""
        return known.unserved + more > self.best.unserved or known.blast + more > self.in_blast.blast

    def _with_servers(self) -> Iterator[tuple[str, str] | None]:
        """The pairs with a server or a link of one that may still be worse than the worst that are known.

        None now and then, where there was work to find that there is no such pair.
        """
        network, most = self.volumes.network, max(self.touched.values(), default=0)
        for device in self.fabric:
            if not self._may_be_worse(self._alone(device), most):
                continue
            yield None
            for name, risk in servers_at_risk(self.volumes, network.alone(device), 1).items():
                if not self._may_be_worse(self._alone(device), risk):
                    break
                yield device, name
        if not self._may_be_worse(NOTHING, 2 * most):
            return
        some = list(servers_at_risk(self.volumes, network.base, 2).items())
        for at, (name, risk) in enumerate(some):
            for other, more in some[at + 1 :]:
                if not self._may_be_worse(NOTHING, risk + more):
                    break
                yield name, other

    def _count(self, pair: tuple[str, str]) -> Impact:
        self.counted += 1
        return volumes_under(self.volumes, pair)

    def _note(self, found: Impact) -> None:
        if found.unserved > self.best.unserved:
            self.best = found
        if found.blast > self.in_blast.blast:
            self.in_blast = found
