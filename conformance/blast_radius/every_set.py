"""The blast radius by definition, for every set of failed devices at once: arrays with one truth value for each set.

What lives and who reaches whom is taken from ``Combinations``, which says it per set as ``World`` does; nothing is
taken from what is judged but the types of topologies. The sets are those of sixteen devices, numbered by their bits.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from attrs import evolve, frozen

from conformance.placement.brute import Combinations, Truth
from physalia.placement.site.topology import DeviceKind, Topology

KINDS: tuple[DeviceKind, ...] = ("server", "rack", "pdu", "ups", "feed", "switch", "link")
EVEN = 0.5
"""Any probability between 0 and 1 makes ``Combinations`` try a device both ways."""


@frozen(kw_only=True)
class Asked:
    """The servers of a volume, by name."""

    instance: str
    primary: str
    replica: str | None
    cell: tuple[str, ...]

    @property
    def copies(self) -> tuple[str, ...]:
        """The servers that hold its data."""
        return (self.primary,) if self.replica is None else (self.primary, self.replica)

    @property
    def servers(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.instance, *self.copies, *self.cell})


@frozen(kw_only=True)
class Fates:
    """What becomes of a volume, for every set of failures."""

    up: Truth
    whole: Truth
    reached: Truth
    served: Truth

    @property
    def unserved(self) -> Truth:
        """Lost at the next need."""
        found: Truth = self.up & self.reached & ~self.served
        return found

    @property
    def blast(self) -> Truth:
        """Lost because of the configuration store alone."""
        found: Truth = self.unserved & ~self.whole
        return found


class EverySet:
    """A topology under every set of some of its devices."""

    def __init__(self, topology: Topology, devices: Sequence[str]) -> None:
        kinds = dict.fromkeys(KINDS, 0.0)
        self.topology = evolve(topology, probability=kinds, device_probability=dict.fromkeys(devices, EVEN))
        self._combinations = Combinations(self.topology)
        self.devices = [one for one in self._combinations.devices if one in set(devices)]
        """In the order of their bits."""
        self._reached: dict[str, dict[str, Truth]] = {}

    @cached_property
    def number(self) -> np.ndarray:
        """The sets, by number."""
        return np.arange(1 << len(self.devices))

    def names(self, number: int) -> tuple[str, ...]:
        """The devices of a set."""
        return tuple(one for at, one in enumerate(self.devices) if number >> at & 1)

    def disjoint(self, devices: frozenset[str]) -> Truth:
        """The sets that leave these devices alone."""
        mask = sum(1 << at for at, one in enumerate(self.devices) if one in devices)
        found: Truth = (self.number & mask) == 0
        return found

    def reach(self, one: str, other: str) -> Truth:
        """One server reaches another; a server that lives reaches itself."""
        if one not in self._reached:
            alive, reached = self._combinations.lives(one), self._combinations.reached(one)
            self._reached[one] = {server: alive & found for server, found in reached.items()}
        return self._reached[one][other]

    def fates(self, asked: Asked) -> Fates:
        """What becomes of a volume."""
        first = self.reach(asked.instance, asked.primary)
        replica = asked.replica
        whole = first if replica is None else first & self.reach(asked.primary, replica)
        reached, served = np.zeros_like(first), np.zeros_like(first)
        for copy in asked.copies:
            seen = self.reach(asked.instance, copy)
            nodes = sum(self.reach(copy, node).astype(np.int64) for node in asked.cell)
            reached, served = reached | seen, served | (seen & (2 * nodes > len(asked.cell)))
        return Fates(up=self._combinations.up(asked.instance), whole=whole, reached=reached, served=served)

    def goes_on(self, asked: Asked) -> Truth:
        """Some piece of the network is touched by the instance, by a copy, and by a majority of the cell."""
        found = np.zeros(len(self.number), dtype=np.bool_)
        for switch in self.topology.servers[asked.instance].switches:
            piece = self._combinations.joined(switch)
            copies = np.logical_or.reduce([self._touches(copy, piece) for copy in asked.copies])
            nodes = sum(self._touches(node, piece).astype(np.int64) for node in asked.cell)
            found |= self._touches(asked.instance, piece) & copies & (2 * nodes > len(asked.cell))
        return found

    def _touches(self, server: str, piece: dict[str, Truth]) -> Truth:
        ways = [way & piece[switch] for switch, way in self._combinations.at(server).items()]
        found: Truth = self._combinations.lives(server) & np.logical_or.reduce(ways)
        return found
