"""Every single device, exactly: how many volumes it puts into blast, and how many it leaves unserved.

Only volumes with a server whose surroundings change can change their fate. A rack, an element of power, a switch or a
link changes those of the stands that lose a piece or their power; a server and its links those of itself.
"""

from collections.abc import Iterator

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from physalia.blast_radius.fates import Fates, Seen, fates
from physalia.blast_radius.network import NOWHERE, Fabric, Network
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.site.topology import link_name

CHUNK = 100_000


@frozen(order=True)
class Impact:
    """How many volumes are unserved, and how many of them in blast, when these devices fail together."""

    unserved: int
    blast: int
    devices: tuple[str, ...]


@define(eq=False)
class Volumes:
    """The placed volumes of a fleet on a site, by the stands that their servers are at."""

    site: Site
    fleet: Fleet
    network: Network = field(init=False)
    rows: NDArray[np.int64] = field(init=False)
    _stands: NDArray[np.int32] = field(init=False)
    """The stands of each volume of the fleet, clients first; one that is none for nobody."""
    _order: NDArray[np.int64] = field(init=False)
    _starts: NDArray[np.int64] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.network = Network(self.site)
        self.rows = np.flatnonzero(self.fleet.placed & (self.fleet.clients[:, 1] != NOBODY))
        servers = np.concatenate([self.fleet.clients, self.fleet.cells], axis=1)
        self._stands = np.append(self.site.stand_of, len(self.site.stands)).astype(np.int32)[servers]
        stands = self._stands[self.rows].ravel()
        self._order = np.argsort(stands, kind="stable") // servers.shape[1]
        self._starts = np.searchsorted(np.sort(stands), np.arange(len(self.site.stands) + 1))

    def at(self, stands: NDArray[np.int64]) -> NDArray[np.int64]:
        """The volumes that have a server at one of these stands, each once, as rows of the fleet."""
        if len(stands) * 4 > len(self.site.stands):
            touched = np.zeros(len(self.rows), dtype=np.bool_)
            for stand in stands.tolist():
                touched[self._order[self._starts[stand] : self._starts[stand + 1]]] = True
            return self.rows[touched]
        parts = [self._order[self._starts[stand] : self._starts[stand + 1]] for stand in stands.tolist()]
        together = np.sort(np.concatenate([self._order[:0], *parts]))
        new = np.ones(len(together), dtype=np.bool_)
        new[1:] = together[1:] != together[:-1]
        found: NDArray[np.int64] = self.rows[together[new]]
        return found

    def most_at(self, stands: NDArray[np.int64]) -> int:
        """At most so many volumes have a server at one of these stands."""
        return min(len(self.rows), int((self._starts[stands + 1] - self._starts[stands]).sum()))

    def changed(self, fabric: Fabric) -> NDArray[np.int64]:
        """The stands whose surroundings are not what they are while nothing has failed."""
        base = self.network.base
        return np.flatnonzero((fabric.pieces != base.pieces).any(axis=1) | (fabric.lit != base.lit))

    def at_risk(self, fabric: Fabric, rows: NDArray[np.int64], missing: int = 0) -> NDArray[np.int64]:
        """Those of some volumes that may be unserved, with so many servers or links of servers failing beside a fabric.

        A volume is not at risk that has lost its instance or its copies, or of which the instance, each copy that is
        not lost, and so many nodes more than a majority are in the main piece as they were. That is cheap to see.
        """
        base = self.network.base
        there, living = base.pieces != NOWHERE, fabric.pieces[fabric.pieces != NOWHERE]
        main = int(np.bincount(living).argmax()) if len(living) else NOWHERE
        as_it_was = ((fabric.pieces == main) | ~there).all(axis=1) & there.any(axis=1)
        steady = np.append(as_it_was & (main != NOWHERE), False)
        dark = np.append((fabric.pieces == NOWHERE).all(axis=1), True)
        steady_at, dark_at = steady[stands := self._stands[rows]], dark[stands[:, :3]]
        lost = dark_at[:, 0] | (dark_at[:, 1] & dark_at[:, 2])
        nodes = np.zeros(len(rows), dtype=np.int8)
        for place in range(3, stands.shape[1]):
            nodes += steady_at[:, place]
        copies = (steady_at[:, 1] | dark_at[:, 1]) & (steady_at[:, 2] | dark_at[:, 2])
        enough = (stands.shape[1] - 3) // 2 + 1 + missing
        fine = lost | (steady_at[:, 0] & copies & (nodes >= enough))
        risky: NDArray[np.int64] = rows[~fine]
        return risky

    def impact(self, fabric: Fabric, devices: tuple[str, ...]) -> Impact:
        """How many volumes a fabric harms; those that it does not touch are as they were, unharmed."""
        touched, blast, unserved = self.at(self.changed(fabric)), 0, 0
        for start in range(0, len(touched), CHUNK):
            rows = self.at_risk(fabric, touched[start : start + CHUNK])
            if len(rows):
                found = fates(Seen.of(self.site, fabric, self.fleet, rows))
                blast, unserved = blast + int(found.blast.sum()), unserved + int(found.unserved.sum())
        return Impact(unserved, blast, devices)


def singles(volumes: Volumes, effort: Effort) -> Iterator[Impact]:
    """The impact of every device that harms a volume when it fails alone. All volumes are served while all lives.

    OutOfTime.
    """
    for device in volumes.network.devices():
        effort.spend("devices")
        found = volumes.impact(volumes.network.alone(device), (device,))
        if found.unserved:
            yield found
    yield from _servers(volumes, effort)


def harmed(volumes: Volumes) -> int:
    """How many volumes are unserved though nothing has failed; impacts count from none."""
    found = 0
    for start in range(0, len(volumes.rows), CHUNK):
        rows = volumes.rows[start : start + CHUNK]
        found += int(fates(Seen.of(volumes.site, volumes.network.base, volumes.fleet, rows)).unserved.sum())
    return found


def _servers(volumes: Volumes, effort: Effort) -> Iterator[Impact]:
    """Servers, and the links of servers: the one at each place of all volumes at once that one may harm."""
    site, base = volumes.site, volumes.network.base
    links = base.pieces.shape[1]
    size = len(site.names)
    blast, unserved = np.zeros((1 + links, size), dtype=np.int64), np.zeros((1 + links, size), dtype=np.int64)
    rows = volumes.at_risk(base, volumes.rows, missing=1)
    for start in range(0, len(rows), CHUNK):
        seen = Seen.of(site, base, volumes.fleet, rows[start : start + CHUNK])
        for place in range(seen.servers.shape[1]):
            effort.spend("places")
            server = seen.servers[:, place]
            hit = seen.servers == server[:, None]
            first = (server != NOBODY) & (hit.argmax(axis=1) == place)
            for what in range(1 + links):
                after = seen.without_servers(hit) if what == 0 else seen.without_links(hit, what - 1)
                found: Fates = fates(after)
                blast[what] += np.bincount(server[found.blast & first], minlength=size)
                unserved[what] += np.bincount(server[found.unserved & first], minlength=size)
    for what in range(1 + links):
        for at in np.flatnonzero(unserved[what]).tolist():
            name = site.names[at]
            own = site.topology.servers[name].switches
            if what and what > len(own):
                continue
            device = name if what == 0 else link_name(name, own[what - 1])
            yield Impact(int(unserved[what, at]), int(blast[what, at]), (device,))
