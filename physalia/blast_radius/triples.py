"""The three devices that leave most volumes unserved, and the three that put most into blast, when they fail together.

All sets of three devices of the fabric fail side by side (`Side`). A server, or a link of one, adds to the others at
most as many volumes as have it, so few sets with such are left: this bounds what is unserved, and what is in blast.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from math import comb

import numpy as np
from attrs import define, field

from physalia.blast_radius.pairs import Worst
from physalia.blast_radius.side import Numbers, Side
from physalia.blast_radius.singles import Impact, Volumes
from physalia.blast_radius.together import servers_at_risk, volumes_under
from physalia.fleet.rules import NOBODY
from physalia.placement.effort import Effort

SETS = 65_536
"""So many sets fail side by side."""
MOST_SETS = 16_000_000
"""On sites with more sets of three only devices that touch most volumes are looked at, and no bound is told."""
THREE = 3


def worst_triple(volumes: Volumes, effort: Effort, most_sets: int = MOST_SETS) -> Worst:
    """The worst three devices in both senses.

    Without time, or on a large site, the worst that were found, with bounds that hold: what the servers can add that
    were not looked at, and all volumes while sets of the fabric are left.
    """
    search = _Search(volumes, most_sets)
    unserved_bound, blast_bound = search.run(effort)
    unserved, blast = search.best
    worst, in_blast = (
        volumes_under(volumes, one) if one else Impact(0, 0, ()) for one in (unserved, blast or unserved)
    )
    return Worst(
        worst=worst, bound=unserved_bound, in_blast=in_blast, blast_bound=blast_bound,
        sets=comb(search.devices, THREE), counted=search.side.surroundings + search.counted,
    )  # fmt: skip


@define(eq=False)
class _Search:
    volumes: Volumes
    most_sets: int
    side: Side = field(init=False)
    _most_on: list[int] = field(init=False)
    """How many volumes the servers have that have most; a server and its links have the same."""
    devices: int = field(init=False)
    whole: bool = field(init=False)
    best: list[tuple[str, ...]] = field(factory=lambda: [(), ()], init=False)
    """The worst that were found: who leaves most unserved, and who puts most into blast."""
    most: Numbers = field(factory=lambda: np.zeros(2, dtype=np.int64), init=False)
    """What they do: so many volumes unserved, so many in blast."""
    counted: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        site, fleet, rows = self.volumes.site, self.volumes.fleet, self.volumes.rows
        everybody = np.concatenate([fleet.clients[rows], fleet.cells[rows]], axis=1)
        self._most_on = np.sort(np.bincount(everybody[everybody != NOBODY], minlength=THREE))[::-1].tolist()
        own = sum(1 + len(one.switches) for one in site.topology.servers.values())
        fabric = list(self.volumes.network.devices())
        self.devices = len(fabric) + own
        self.whole = comb(len(fabric), THREE) <= self.most_sets
        if not self.whole:
            few = THREE
            while comb(few + 1, THREE) <= self.most_sets:
                few += 1
            network = self.volumes.network
            touches = {one: self.volumes.most_at(self.volumes.changed(network.alone(one))) for one in fabric}
            fabric = sorted(fabric, key=lambda one: -touches[one])[:few]
        self.side = Side(self.volumes, fabric)

    def run(self, effort: Effort) -> tuple[int, int]:
        """Look at every set; more than what is returned no three leave unserved, nor put into blast."""
        everybody = (len(self.volumes.rows),) * 2
        peaks = []
        for size in range(THREE + 1):
            peaks.append(np.zeros(2, dtype=np.int64))
            for sets, counts in self._of_fabric(size):
                if effort.is_over:
                    return everybody
                effort.told("sets of devices")
                peaks[size] = np.maximum(peaks[size], counts.max(axis=0))
                if size == THREE:
                    for what, at in enumerate(counts.argmax(axis=0).tolist()):
                        self._note(what, int(counts[at, what]), self._names(sets[at]))
        for size in range(THREE - 1, -1, -1):
            if not self._beside_all(size, effort):
                left = [peaks[few] + sum(self._most_on[: THREE - few]) for few in range(size + 1)]
                most = np.minimum(np.max([self.most, *left], axis=0), everybody)
                return (int(most[0]), int(most[1])) if self.whole else everybody
        return (int(self.most[0]), int(self.most[1])) if self.whole else everybody

    def _names(self, numbers: Numbers) -> tuple[str, ...]:
        return tuple(self.side.fabric[one] for one in numbers.tolist())

    def _note(self, what: int, count: int, devices: tuple[str, ...]) -> None:
        if count > self.most[what]:
            self.most[what], self.best[what] = count, devices

    def _beside_all(self, size: int, effort: Effort) -> bool:
        """Servers and their links beside all sets of so many devices of the fabric; whether there was time."""
        for sets, counts in self._of_fabric(size):
            for at in np.argsort(-counts[:, 0], kind="stable").tolist():
                if effort.is_over:
                    return False
                if counts[at, 0] + sum(self._most_on[: THREE - size]) <= self.most.min():
                    break
                if not self._beside(self._names(sets[at]), counts[at], effort):
                    return False
        return True

    def _beside(self, failed: tuple[str, ...], counts: Numbers, effort: Effort) -> bool:
        """Servers and their links beside some devices of the fabric that do so much alone; whether there was time."""
        missing = THREE - len(failed)
        if not self._may_be_worse(counts, sum(self._most_on[:missing])):
            return True
        touched = servers_at_risk(self.volumes, self.volumes.network.without(failed), missing)
        for some in _combined(list(touched.items()), missing, int((self.most - counts).min())):
            if not self._may_be_worse(counts, sum(touched[one] for one in some)):
                continue
            if effort.is_over:
                return False
            effort.told("sets of devices")
            self.counted += 1
            found = volumes_under(self.volumes, (*failed, *some))
            self._note(0, found.unserved, found.devices)
            self._note(1, found.blast, found.devices)
        return True

    def _may_be_worse(self, counts: Numbers, more: int) -> bool:
        """Whether so many volumes more than these, all of them at most, are more than was found in either sense."""
        return bool((np.minimum(counts + more, len(self.volumes.rows)) > self.most).any())

    def _of_fabric(self, size: int) -> Iterator[tuple[Numbers, Numbers]]:
        """All sets of so many devices of the fabric, and how many volumes each leaves unserved and puts into blast."""
        every = combinations(range(len(self.side.fabric)), size)
        while some := list(islice(every, SETS)):
            sets = np.array(some, dtype=np.int64).reshape(len(some), size)
            yield sets, self.side.counts(sets)


def _combined(
    touched: Sequence[tuple[str, int]], missing: int, most: int, start: int = 0
) -> Iterator[tuple[str, ...]]:  # fmt: skip
    """The sets of so many names with more than so many volumes together; names with most volumes come first."""
    if missing == 0:
        yield ()
        return
    for at in range(start, len(touched) - missing + 1):
        if sum(count for _, count in touched[at : at + missing]) <= most:
            return
        name, count = touched[at]
        for others in _combined(touched, missing - 1, most - count, at + 1):
            yield name, *others
