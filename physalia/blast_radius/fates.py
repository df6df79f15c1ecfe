"""The fates of many volumes at once, under one fabric, and with servers and links of servers that failed beside it.

The words are those of ``definition``; here they are arrays, a row for each volume.
"""

from collections.abc import Collection
from itertools import product

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from physalia.blast_radius.network import NOWHERE, Fabric, Pieces
from physalia.fleet.fleet import Fleet, Servers
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site

Bools = NDArray[np.bool_]


@frozen(eq=False)
class Fates:
    """What becomes of volumes: in blast, and unserved."""

    blast: Bools
    unserved: Bools


@frozen(eq=False)
class Seen:
    """The servers of some volumes, clients first, then the cell: their numbers, pieces, and whether they live."""

    servers: Servers
    pieces: Pieces
    alive: Bools

    @classmethod
    def of(cls, site: Site, fabric: Fabric, fleet: Fleet, rows: NDArray[np.int64]) -> "Seen":
        """Some volumes of a fleet, as no server and no link of one has failed."""
        servers = np.concatenate([fleet.clients[rows], fleet.cells[rows]], axis=1)
        stands = site.stand_of[servers]
        there = servers != NOBODY
        pieces = np.where(there[:, :, None], fabric.pieces[stands], np.int32(NOWHERE))
        return cls(servers, pieces, there & fabric.lit[stands])

    def without_servers(self, dead: Bools) -> "Seen":
        """The same with the servers at some places dead, row by row."""
        pieces = np.where(dead[:, :, None], np.int32(NOWHERE), self.pieces)
        return Seen(self.servers, pieces, self.alive & ~dead)

    def without_links(self, cut: Bools, which: int) -> "Seen":
        """The same with one link of the servers at some places cut, the one of that number."""
        pieces = self.pieces.copy()
        pieces[:, :, which][cut] = NOWHERE
        return Seen(self.servers, pieces, self.alive)


def fates(seen: Seen) -> Fates:
    """What becomes of these volumes."""
    cell = range(3, seen.servers.shape[1])
    majority = len(cell) // 2 + 1
    up = (seen.pieces[:, 0] != NOWHERE).any(axis=1) & seen.alive[:, 0]
    primary, replica = _reach(seen, 0, 1), _reach(seen, 0, 2)
    whole = primary & (_reach(seen, 1, 2) | (seen.servers[:, 2] == NOBODY))
    served = np.zeros(len(up), dtype=np.bool_)
    for copy, reached in ((1, primary), (2, replica)):
        nodes = sum((_reach(seen, copy, node).astype(np.int8) for node in cell), np.zeros(len(up), dtype=np.int8))
        served |= reached & (nodes >= majority)
    unserved = up & (primary | replica) & ~served
    return Fates(blast=unserved & ~whole, unserved=unserved)


def copies_reach_all(seen: Seen) -> Bools:
    """Whose copies, each of them that there is, reach every node of the cell."""
    found = np.ones(len(seen.servers), dtype=np.bool_)
    for copy in (1, 2):
        for node in range(3, seen.servers.shape[1]):
            found &= _reach(seen, copy, node) | (seen.servers[:, copy] == NOBODY)
    return found


def under(site: Site, fabric: Fabric, fleet: Fleet, failed: Collection[str], rows: NDArray[np.int64]) -> Fates:
    """The fates of some volumes when servers and links of servers fail beside what the fabric already lacks."""
    seen = Seen.of(site, fabric, fleet, rows)
    dead = [site.number[name] for name in failed if name in site.number]
    if dead:
        seen = seen.without_servers(np.isin(seen.servers, dead))
    for name in failed:
        server, joint, switch = name.partition("--")
        if joint and server in site.number and switch in site.topology.servers[server].switches:
            which = site.topology.servers[server].switches.index(switch)
            seen = seen.without_links(seen.servers == site.number[server], which)
    return fates(seen)


def _reach(seen: Seen, one: int, other: int) -> Bools:
    """Whether the servers at two places reach each other."""
    first, second = seen.pieces[:, one], seen.pieces[:, other]
    joined = np.zeros(len(first), dtype=np.bool_)
    for at, to in product(range(first.shape[1]), range(second.shape[1])):
        joined |= (first[:, at] == second[:, to]) & (first[:, at] != NOWHERE)
    same = (seen.servers[:, one] == seen.servers[:, other]) & seen.alive[:, one]
    found: Bools = joined | same
    return found
