"""What a set of failures leaves of a network, in arrays: for each stand the pieces that its switches are in.

Servers at one stand share rack and switches, so only they themselves and their own links can tell them apart. A piece
is a set of living switches that are joined over living links, and is called by the first switch in it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from physalia.fleet.sites import Site
from physalia.placement.site.topology import Power, supplies_first

NOWHERE = -1
"""Stands for the piece of a switch that does not live, and for a link that does not carry."""

Pieces = NDArray[np.int32]


@frozen(eq=False)
class Fabric:
    """For each stand the piece of each of its switches, in their order, and whether its rack has power."""

    pieces: Pieces
    lit: NDArray[np.bool_]


@frozen(eq=False)
class Network:
    """The network and power of a site, ready to fail."""

    site: Site

    @cached_property
    def switches(self) -> Mapping[str, int]:
        """The switches by number."""
        return {name: at for at, name in enumerate(self.site.topology.switches)}

    @cached_property
    def base(self) -> Fabric:
        """What there is while nothing has failed."""
        return self._walked(frozenset())

    def devices(self) -> Iterator[str]:
        """Everything that can fail but servers and their links."""
        topology = self.site.topology
        yield from topology.racks
        yield from topology.powers
        yield from topology.switches
        yield from topology.links

    def without(self, failed: Iterable[str]) -> Fabric:
        """What is left when these devices fail; names of servers and of their links change nothing here."""
        return self._walked(frozenset(failed))

    def alone(self, device: str) -> Fabric:
        """What is left when one device fails: without a walk where the rest stays in one piece as it was."""
        if device in self.site.topology.links:
            return self._walked(frozenset({device})) if self._joins(device) else self.base
        racks, switches = self._fallen[device]
        if self._leaves.issuperset(switches) or (len(switches) == 1 and self._cut_vertices.isdisjoint(switches)):
            return self._thinned(racks, switches)
        return self._walked(frozenset({device}))

    def _thinned(self, racks: Sequence[str], switches: Sequence[str]) -> Fabric:
        """What there was without some racks and switches that no others need; a piece may be called by a dead one."""
        dead = np.zeros(len(self.switches) + 1, dtype=np.bool_)
        dead[[self.switches[name] for name in switches]] = True
        lit = self.base.lit.copy()
        for rack in racks:
            lit[self._stands_in[rack]] = False
        pieces = np.where(dead[self._switch_of] | ~lit[:, None], np.int32(NOWHERE), self.base.pieces)
        return Fabric(pieces, lit)

    @cached_property
    def _stands_in(self) -> Mapping[str, Sequence[int]]:
        """The stands in each rack."""
        found: dict[str, list[int]] = {rack: [] for rack in self.site.topology.racks}
        for at, (rack, _) in enumerate(self.site.stands):
            found[rack].append(at)
        return found

    @cached_property
    def _fallen(self) -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
        """For each device but links the racks and the switches that do not live when it fails alone."""
        topology, kills = self.site.topology, dict[str, frozenset[str]]()
        found: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in topology.powers}
        found |= {name: ([], []) for name in (*topology.racks, *topology.switches)}

        def killed(name: str, above: Sequence[str]) -> frozenset[str]:
            kills[name] = frozenset({name}).union(
                frozenset.intersection(*(kills[one] for one in above)) if above else ()
            )
            return kills[name]

        for power in self._powers:
            killed(power.name, power.supplies)
        for rack in topology.racks.values():
            for device in killed(rack.name, rack.supplies):
                found[device][0].append(rack.name)
        for switch in topology.switches.values():
            for device in killed(switch.name, switch.supplies if switch.rack is None else (switch.rack,)):
                found[device][1].append(switch.name)
        return found

    def _walked(self, failed: frozenset[str]) -> Fabric:
        topology = self.site.topology
        lit: set[str] = set()
        for power in self._powers:
            if power.name not in failed and (power.kind == "feed" or not lit.isdisjoint(power.supplies)):
                lit.add(power.name)
        racks = {
            one.name for one in topology.racks.values() if one.name not in failed and not lit.isdisjoint(one.supplies)
        }
        alive = {
            name
            for name, one in topology.switches.items()
            if name not in failed
            and (one.rack in racks if one.rack is not None else not one.supplies or not lit.isdisjoint(one.supplies))
        }
        of_switch = self._pieces_by_switch(alive, failed)
        bright = np.array([rack in racks for rack, _ in self.site.stands], dtype=np.bool_)
        return Fabric(np.where(bright[:, None], of_switch[self._switch_of], np.int32(NOWHERE)), bright)

    def _pieces_by_switch(self, alive: set[str], failed: frozenset[str]) -> Pieces:
        """The piece of each switch, and of none at the end: walked, unless only leaves were lost."""
        links = self.site.topology.links
        lost = [name for name in self.switches if name not in alive]
        if self._leaves.issuperset(lost) and links.keys().isdisjoint(failed):
            found = self._all_alive.copy()
            found[[self.switches[name] for name in lost]] = NOWHERE
            return found
        piece = self._pieces(alive, failed)
        return np.array([*(piece.get(name, NOWHERE) for name in self.switches), NOWHERE], dtype=np.int32)

    @cached_property
    def _all_alive(self) -> Pieces:
        piece = self._pieces(set(self.switches), frozenset())
        return np.array([*(piece[name] for name in self.switches), NOWHERE], dtype=np.int32)

    @cached_property
    def _leaves(self) -> frozenset[str]:
        """Top-of-rack switches, if no way needs one: without all of them the others are joined as with them.

        And each of them has a link to a switch that is none. Then whichever of them die, no others are parted.
        """
        topology = self.site.topology
        tops = frozenset(name for name, one in topology.switches.items() if one.tier == "rack")
        others = set(self.switches) - tops
        bare, whole = self._pieces(others, frozenset()), self._all_alive
        together: dict[int, int] = {}
        for name in others:
            if together.setdefault(int(whole[self.switches[name]]), bare[name]) != bare[name]:
                return frozenset()
        hanging = all(any(to in others for _, to in topology.neighbours[name]) for name in tops)
        return tops if hanging else frozenset()

    def _pieces(self, alive: set[str], failed: frozenset[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, number in self.switches.items():
            if name not in alive or name in found:
                continue
            found[name] = number
            waiting = [name]
            while waiting:
                for link, other in self.site.topology.neighbours[waiting.pop()]:
                    if other not in found and other in alive and link not in failed:
                        found[other] = number
                        waiting.append(other)
        return found

    @cached_property
    def _powers(self) -> Sequence[Power]:
        return list(supplies_first(self.site.topology.powers))

    @cached_property
    def _switch_of(self) -> NDArray[np.int32]:
        """For each stand its switches by number, filled up with one that is none."""
        most = max((len(switches) for _, switches in self.site.stands), default=1)
        found = np.full((len(self.site.stands), most), len(self.switches), dtype=np.int32)
        for at, (_, own) in enumerate(self.site.stands):
            found[at, : len(own)] = [self.switches[name] for name in own]
        return found

    @cached_property
    def _cut_vertices(self) -> frozenset[str]:
        import networkx  # noqa: PLC0415  # heavy

        return frozenset(networkx.articulation_points(networkx.Graph(self.site.topology.graph())))

    def _joins(self, link: str) -> bool:
        """Whether two pieces hang together by this link alone."""
        one, other = sorted(self.site.topology.links[link].ends)
        return (one, other) in self._bridges

    @cached_property
    def _bridges(self) -> frozenset[tuple[str, str]]:
        import networkx  # noqa: PLC0415  # heavy

        graph = self.site.topology.graph()
        alone = {(min(one, other), max(one, other)) for one, other in networkx.bridges(networkx.Graph(graph))}
        return frozenset(pair for pair in alone if graph.number_of_edges(*pair) == 1)
