"""A site as arrays: its servers are numbers, in the order of the topology, and stand at few different stands.

A stand is a rack with a set of switches. Servers of one stand share every domain and all distances, so whatever a
policy says of places is said of stands, of which there are thousands where there are 100,000 servers.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from physalia.placement.site.topology import Topology

Ints = NDArray[np.int64]
Stand = tuple[str, tuple[str, ...]]
"""A rack, and the switches that its servers there hang on."""

MOST_NODES = 2**31 - 1
"""Capacities beyond this are as good as none; so numbers fit into arrays."""

NEXT = 2
"""No other server is nearer than so many hops: servers do not forward."""

UNREACHED = 0
"""The hops to a stand to which no path leads."""


@frozen(eq=False)
class Site:
    """The servers of a topology by number: where each stands, its colour, and how many nodes it may hold.

    ``held`` are the nodes that a server holds beside those of the fleet: those that the topology tells of. ``closed``
    servers take no node: they are drained.
    """

    topology: Topology
    names: tuple[str, ...]
    number: Mapping[str, int]
    stands: tuple[Stand, ...]
    stand_of: Ints
    color_of: Ints
    capacity: Ints
    held: Ints
    closed: NDArray[np.bool_]
    _hops: dict[int, NDArray[np.int16]] = field(factory=dict, init=False)

    @classmethod
    def of(cls, topology: Topology) -> "Site":
        """The site that a topology describes."""
        servers = list(topology.servers.values())
        stands: dict[Stand, int] = {}
        stand_of = [stands.setdefault((one.rack, one.switches), len(stands)) for one in servers]
        colors = {color: at for at, color in enumerate(topology.colors)}
        return cls(
            topology=topology,
            names=tuple(one.name for one in servers),
            number={one.name: at for at, one in enumerate(servers)},
            stands=tuple(stands),
            stand_of=np.array(stand_of, dtype=np.int64),
            color_of=np.array([colors[one.color] for one in servers], dtype=np.int64),
            capacity=np.array([min(one.capacity, MOST_NODES) for one in servers], dtype=np.int64),
            held=np.array([min(one.nodes, MOST_NODES) for one in servers], dtype=np.int64),
            closed=np.array([one.drained for one in servers], dtype=np.bool_),
        )

    @cached_property
    def room(self) -> Ints:
        """How many nodes each server takes before the first cell of the fleet; 0 where it is closed."""
        return np.where(self.closed, 0, np.maximum(0, self.capacity - self.held))

    @cached_property
    def members(self) -> Sequence[Sequence[int]]:
        """The servers of each stand."""
        found: list[list[int]] = [[] for _ in self.stands]
        for server, stand in enumerate(self.stand_of.tolist()):
            found[stand].append(server)
        return found

    @cached_property
    def row_of(self) -> Ints:
        """The row of each stand, by its number in the topology."""
        rows = {row: at for at, row in enumerate(self.topology.rows)}
        return np.array([rows[self.topology.row_of(rack)] for rack, _ in self.stands], dtype=np.int64)

    def hops(self, stand: int) -> NDArray[np.int16]:
        """Links on a shortest path from another server of a stand to those of every stand; `UNREACHED` where none."""
        known = self._hops.get(stand)
        if known is None:
            known = self._hops[stand] = self._walked(self.stands[stand][1])
        return known

    def _walked(self, switches: Sequence[str]) -> NDArray[np.int16]:
        neighbours = self.topology.neighbours
        reached = dict.fromkeys(switches, 1)
        waiting = deque(reached)
        while waiting:
            switch = waiting.popleft()
            for _, other in neighbours[switch]:
                if other not in reached:
                    reached[other] = reached[switch] + 1
                    waiting.append(other)
        found = np.full(len(self.stands), UNREACHED, dtype=np.int16)
        for at, (_, own) in enumerate(self.stands):
            ways = [reached[switch] for switch in own if switch in reached]
            if ways:
                found[at] = 1 + min(ways)
        return found
