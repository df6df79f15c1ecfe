"""The three devices that harm most volumes when they fail together.

All sets of three devices of the fabric fail side by side (`Side`). A server, or a link of one, adds to the others at
most as many volumes as have it, so few sets with such are left.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from math import comb

import numpy as np
from attrs import define, field

from physalia.blast_radius.fates import under
from physalia.blast_radius.network import NOWHERE
from physalia.blast_radius.pairs import Worst
from physalia.blast_radius.side import Numbers, Side
from physalia.blast_radius.singles import Impact, Volumes
from physalia.fleet.rules import NOBODY
from physalia.placement.effort import Effort

SETS = 65_536
"""So many sets fail side by side."""
MOST_SETS = 16_000_000
"""On sites with more sets of three only devices that touch most volumes are looked at, and no bound is told."""
THREE = 3


def worst_triple(volumes: Volumes, effort: Effort, most_sets: int = MOST_SETS) -> Worst:
    """The worst three devices. Without time, or on a large site, the worst that was found, and all volumes as bound."""
    search = _Search(volumes, most_sets)
    done = search.run(effort)
    devices = search.devices
    best = volumes_under(volumes, search.best) if search.best else Impact(0, 0, ())
    return Worst(
        worst=best, bound=best.unserved if done else len(volumes.rows), sets=comb(devices, THREE),
        counted=search.side.surroundings + search.counted,
    )  # fmt: skip


def volumes_under(volumes: Volumes, failed: tuple[str, ...]) -> Impact:
    """How many volumes any devices harm together."""
    site = volumes.site
    left = volumes.network.without(failed)
    own = {name.partition("--")[0] for name in failed} & site.number.keys()
    stands = np.array(sorted({int(site.stand_of[site.number[name]]) for name in own}), dtype=np.int64)
    found = under(site, left, volumes.fleet, failed, volumes.at(np.union1d(volumes.changed(left), stands)))
    return Impact(int(found.unserved.sum()), int(found.blast.sum()), failed)


@define(eq=False)
class _Search:
    volumes: Volumes
    most_sets: int
    side: Side = field(init=False)
    _most_on: list[int] = field(init=False)
    """How many volumes the servers have that have most; a server and its links have the same."""
    devices: int = field(init=False)
    whole: bool = field(init=False)
    best: tuple[str, ...] = field(default=(), init=False)
    most: int = field(default=0, init=False)
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

    def run(self, effort: Effort) -> bool:
        """Look at every set; whether all were looked at."""
        for size in range(THREE, -1, -1):
            for sets, unserved in self._of_fabric(size):
                if effort.is_over:
                    return False
                effort.told("sets of devices")
                if size == THREE:
                    at = int(unserved.argmax())
                    self._note(int(unserved[at]), tuple(self.side.fabric[one] for one in sets[at].tolist()))
                    continue
                for at in np.argsort(-unserved, kind="stable").tolist():
                    if not self._beside(
                        tuple(self.side.fabric[one] for one in sets[at].tolist()), int(unserved[at]), effort
                    ):
                        break
        return self.whole and not effort.is_over

    def _note(self, unserved: int, devices: tuple[str, ...]) -> None:
        if unserved > self.most:
            self.most, self.best = unserved, devices

    def _beside(self, failed: tuple[str, ...], unserved: int, effort: Effort) -> bool:
        """Servers and their links beside devices of the fabric; whether any could have been worse."""
        missing = THREE - len(failed)
        if min(len(self.volumes.rows), unserved + sum(self._most_on[:missing])) <= self.most:
            return False
        touched = self._at_risk(failed, missing)
        for some in _combined(list(touched.items()), missing, self.most - unserved):
            if min(len(self.volumes.rows), unserved + sum(touched[one] for one in some)) <= self.most:
                continue
            if effort.is_over:
                return False
            effort.told("sets of devices")
            self.counted += 1
            found = volumes_under(self.volumes, (*failed, *some))
            self._note(found.unserved, found.devices)
        return True

    def _at_risk(self, failed: tuple[str, ...], missing: int) -> dict[str, int]:
        """Servers and their links by how many volumes have them which so few of them can harm; most first.

        A volume is not at risk that has lost its instance or its copies, or of which the instance, each copy that is
        not lost, and so many nodes more than a majority are in the main piece as they were.
        """
        volumes = self.volumes
        site, fleet, rows, base = volumes.site, volumes.fleet, volumes.rows, volumes.network.base
        pieces = volumes.network.without(failed).pieces
        there, living = base.pieces != NOWHERE, pieces[pieces != NOWHERE]
        main = int(np.bincount(living).argmax()) if len(living) else NOWHERE
        steady = np.append(((pieces == main) | ~there).all(axis=1) & there.any(axis=1) & (main != NOWHERE), False)
        dark = np.append((pieces == NOWHERE).all(axis=1), True)
        clients = np.append(site.stand_of, len(site.stands))[fleet.clients[rows]]
        nodes = steady[site.stand_of[fleet.cells[rows]]].sum(axis=1)
        lost = dark[clients[:, 0]] | (dark[clients[:, 1]] & dark[clients[:, 2]])
        seen = steady[clients[:, 0]] & (steady | dark)[clients[:, 1]] & (steady | dark)[clients[:, 2]]
        fine = lost | (seen & (nodes >= fleet.cells.shape[1] // 2 + 1 + missing))
        risky = np.concatenate([fleet.clients[rows[~fine]], fleet.cells[rows[~fine]]], axis=1)
        counts = np.bincount(risky[risky != NOBODY], minlength=len(site.names))
        found: dict[str, int] = {}
        for at in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].tolist():
            name = site.names[at]
            found |= dict.fromkeys((name, *(link for link, _ in site.topology.links_of(name))), int(counts[at]))
        return found

    def _of_fabric(self, size: int) -> Iterator[tuple[Numbers, Numbers]]:
        """All sets of so many devices of the fabric, and how many volumes each leaves unserved."""
        every = combinations(range(len(self.side.fabric)), size)
        while some := list(islice(every, SETS)):
            sets = np.array(some, dtype=np.int64).reshape(len(some), size)
            yield sets, self.side.counts(sets)[:, 0]


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
