"""Availability by definition: every combination of failed devices, each with its probability, summed up.

All combinations are walked at once, as arrays of truth values, so that twenty devices that may fail take a second. What
is said here per combination is what ``World`` in ``conformance.placement.definition`` says.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from conformance.placement.definition import majority, single_failures
from physalia.placement.site.topology import Topology, link_name

Truth = NDArray[np.bool_]


def availability(topology: Topology, instance: str, cell: Sequence[str]) -> float | None:
    """P(a majority is reached | the instance is up), over all 2^n combinations; None if it is never up."""
    everything = Combinations(topology)
    up = everything.up(instance)
    chance_up = everything.chance(up)
    reached = everything.reached(instance)
    count = sum(reached[server].astype(np.int64) for server in cell)
    return everything.chance(up & (count >= majority(len(cell)))) / chance_up if chance_up else None


def unavailability(topology: Topology, instance: str, cell: Sequence[str]) -> float | None:
    """P(no majority is reached | the instance is up), right to a few units in the last place; None if it is never up.

    A sum of products of positive numbers: nothing is taken from 1, where a small number would be lost.
    """
    everything = Combinations(topology)
    up, lost = everything.up_and_lost(instance, cell)
    chance_up = everything.chance(up)
    return everything.chance(lost) / chance_up if chance_up else None


def exact_unavailability(topology: Topology, instance: str, cell: Sequence[str]) -> Fraction | None:
    """The same without any rounding; the probabilities are taken for what they are as doubles."""
    everything = Combinations(topology)
    up, lost = everything.up_and_lost(instance, cell)
    chance_up = everything.exact_chance(up)
    return everything.exact_chance(lost) / chance_up if chance_up else None


class Combinations:
    """Every combination of failed devices; every answer is an array with one truth value for each of them."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        devices = [*single_failures(topology), *topology.servers]
        fails = {device: topology.failure_probability(device) for device in devices}
        self.devices = uncertain = [device for device in devices if 0.0 < fails[device] < 1.0]
        """Those that may fail, in the order of their bits."""
        self._uncertain = [Fraction(fails[device]) for device in uncertain]
        number = np.arange(1 << len(uncertain))
        self._weight = np.ones(len(number))
        self._failed: dict[str, Truth] = {device: np.full(len(number), fails[device] == 1.0) for device in devices}
        for at, device in enumerate(uncertain):
            self._failed[device] = (number >> at & 1).astype(bool)
            self._weight *= np.where(self._failed[device], fails[device], 1.0 - fails[device])

    def chance(self, holds: Truth) -> float:
        """How likely something is."""
        return float(self._weight @ holds)

    def exact_chance(self, holds: Truth) -> Fraction:
        """How likely something is, without rounding: half of the combinations at a time, the last device first."""
        sums = [Fraction(int(one)) for one in holds]
        for fails in reversed(self._uncertain):
            half = len(sums) // 2
            sums = [(1 - fails) * sums[at] + fails * sums[half + at] for at in range(half)]
        return sums[0]

    def up_and_lost(self, instance: str, cell: Sequence[str]) -> tuple[Truth, Truth]:
        """The instance is up; it is up and reaches no majority of the cell."""
        up, reached = self.up(instance), self.reached(instance)
        count = sum(reached[server].astype(np.int64) for server in cell)
        return up, up & (count < majority(len(cell)))

    def power(self, name: str) -> Truth:
        """An element of power, or a rack, has power."""
        element = self._topology.powers.get(name)
        if element is not None and element.kind == "feed":
            return ~self._failed[name]
        supplies = self._topology.racks[name].supplies if element is None else element.supplies
        return ~self._failed[name] & _any([self.power(supply) for supply in supplies])

    def switch(self, name: str) -> Truth:
        """A switch lives."""
        switch = self._topology.switches[name]
        if switch.rack is not None:
            return ~self._failed[name] & self.power(switch.rack)
        if not switch.supplies:
            return ~self._failed[name]
        return ~self._failed[name] & _any([self.power(supply) for supply in switch.supplies])

    def at(self, server: str) -> dict[str, Truth]:
        """For each switch of a server: the switch and the link to it live."""
        switches = self._topology.servers[server].switches
        return {switch: ~self._failed[link_name(server, switch)] & self.switch(switch) for switch in switches}

    def up(self, instance: str) -> Truth:
        """The instance is up."""
        return self.lives(instance) & _any(list(self.at(instance).values()))

    def lives(self, server: str) -> Truth:
        """A server lives."""
        found: Truth = ~self._failed[server] & self.power(self._topology.servers[server].rack)
        return found

    def reached(self, instance: str) -> dict[str, Truth]:
        """For each server: the instance, being up, reaches it."""
        topology, found = self._topology, self._spread(self.at(instance))
        servers = {}
        for server in topology.servers:
            ways = [way & found[switch] for switch, way in self.at(server).items()]
            alive = self.lives(server)
            servers[server] = alive if server == instance else alive & _any(ways)
        return servers

    def joined(self, switch: str) -> dict[str, Truth]:
        """For each switch: it is in one piece with this one, which lives."""
        return self._spread({switch: self.switch(switch)})

    def _spread(self, start: dict[str, Truth]) -> dict[str, Truth]:
        """The switches that are joined with some of these over living links."""
        topology, nowhere = self._topology, np.zeros(len(self._weight), bool)
        lives = {switch: self.switch(switch) for switch in topology.switches}
        found = {switch: nowhere.copy() for switch in topology.switches} | start
        for _ in topology.switches:
            for link in topology.links.values():
                for here, there in (link.ends, link.ends[::-1]):
                    found[there] = found[there] | (found[here] & ~self._failed[link.name] & lives[there])
        return found


def _any(truths: list[Truth]) -> Truth:
    found: Truth = np.logical_or.reduce(truths)
    return found
