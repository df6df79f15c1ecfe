"""Cells seen coarsely on an ideal site: what they lose there, no real cell of the same pattern keeps.

A cell has so many nodes beside the instance (on its own switches), so many under each set of power units that there is
near it (beyond one more switch), and the others far, on each set of feeds so many, or however many where feeds are not
looked at. What is not seen is ideal: beyond the switches next to the instance's own no switch and no link fails, nor do
distribution units, nor units that only far nodes hang on. Whatever reaches a node in reality also does so there, and
what such a cell loses is computed exactly.

Coarsely, racks beyond the instance's never fail either. Where one cell is looked at alone its nodes are also seen by
how many share a rack, whichever way costs least; then each rack, with its switch where that is its own, fails as
seldom as the best one there is in that place.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product

import numpy as np
from attrs import frozen

from physalia.fleet.rules import Rules
from physalia.fleet.sites import UNREACHED, Site
from physalia.fleet.unavailability import Unavailability
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import AntiAffinity
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, link_name
from physalia.placement.site.validity import build

BESIDE, NEAR = 2, 4
"""Up to how many hops a server is beside an instance, and near it."""

Domain = frozenset[int]
"""Stands that are one as far as a pattern can see."""


@frozen
class Pattern:
    """A cell seen coarsely: how much of which room it takes, and at least how unavailable it is.

    ``counts`` are its nodes beside the instance, under each set of power units near it, and on each set of feeds far.
    """

    takes: Mapping[Domain, int]
    unavailability: float
    counts: tuple[int, ...] = ()


@frozen
class _Private:
    """What fails of a place that nothing else hangs on: a rack of it, the rack's switch, the link of a node to that."""

    rack: float = 0.0
    switch: float = 0.0
    link: float = 0.0


class Ideal:
    """The surroundings of an instance, all that is beyond them being ideal."""

    def __init__(
        self, site: Site, rules: Rules, instance: int, known: dict[object, float],
        *, by_feeds: bool = True, all_near: bool = False, effort: Effort | None = None,
    ) -> None:  # fmt: skip
        stand = int(site.stand_of[instance])
        self._site, self._rules, self._instance, self._stand, self._known = site, rules, instance, stand, known
        self._effort = effort or Effort()
        hops = site.hops(stand)
        self._beside = frozenset(np.flatnonzero((hops != UNREACHED) & (hops <= BESIDE)).tolist())
        near: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for at in np.flatnonzero((hops != UNREACHED) & (hops <= NEAR)).tolist():
            near[_units(site, site.stands[at][0])].add(at)
        if not all_near:
            for at, (rack, _) in enumerate(site.stands):
                units = _units(site, rack)
                if units in near:
                    near[units].add(at)
        seen = frozenset[int]().union(self._beside, *near.values())
        far: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for at in range(len(site.stands)):
            if at not in seen and not all_near:
                far[_feeds(site, site.stands[at][0]) if by_feeds else ("ideal feed",)].add(at)
        self._near = [frozenset(stands) for stands in near.values()]
        self._others = [stands - self._beside for stands in self._near] + [frozenset(some) for some in far.values()]
        self._supplies = [*near, *far]
        """Of what the racks of each of the others are fed."""
        self._size = rules.policy.cell_size
        self._own_server = not any(isinstance(rule, AntiAffinity) for rule in rules.policy.rules)
        """Whether a node may be on the instance's own server, which is up whenever the instance is."""
        self._coarse = self._made([_Private()] * (1 + len(self._others)), racks_each=1)

    def patterns(self) -> Iterator[Pattern]:
        """Every pattern that the caps allow."""
        domains = [self._beside, *self._others]
        inside = [
            (limit.most, {at for at, stands in enumerate(domains) if stands and stands <= limit.stands})
            for limit in self._rules.limits
        ]
        useful = [(most, places) for most, places in inside if places]
        for counts in self._counts([], [bool(stands) for stands in domains], useful):
            takes = dict(zip(domains, counts, strict=True))
            for stands, own in zip(self._near, self._others, strict=False):
                if self._beside <= stands:
                    takes[stands] = takes.pop(own) + counts[0]
            value = self._of(self._coarse, [(nodes,) if nodes else () for nodes in counts])
            yield Pattern({domain: nodes for domain, nodes in takes.items() if nodes}, value, tuple(counts))

    def _counts(
        self, before: list[int], there: Sequence[bool], limits: Sequence[tuple[int, set[int]]]
    ) -> Iterator[list[int]]:  # fmt: skip
        """How many nodes may be at each place, those before being known."""
        at, left = len(before), self._size - sum(before)
        if at == len(there):
            if not left:
                yield before
            return
        for nodes in range((left if there[at] else 0) + 1):
            counts = [*before, nodes]
            if any(sum(counts[one] for one in places if one <= at) > most for most, places in limits if at in places):
                return
            yield from self._counts(counts, there, limits)

    def least(self, some: Sequence[Pattern]) -> float:
        """What no cell of one of these patterns is below, however its nodes share racks; 0 for no pattern."""
        least = float("inf")
        for one in sorted(some, key=lambda one: one.unavailability):
            if one.unavailability >= least:
                break
            ways: list[list[tuple[int, ...]]] = [[(one.counts[0],) if one.counts[0] else ()]]
            ways += [list(partitions(nodes)) for nodes in one.counts[1:]]
            least = min(least, *(self._of(self._fine, shared) for shared in product(*ways)))
        return least if some else 0.0

    def _of(self, where: Unavailability, shared: Sequence[Sequence[int]]) -> float:
        """The unavailability of a cell with so many nodes in each rack of each place. OutOfTime."""
        self._effort.spend("patterns")
        site = where.site
        servers = [
            site.number[f"ideal {at} {rack} {number}"]
            for at, racks in enumerate(shared)
            for rack, nodes in enumerate(racks)
            for number in range(nodes)
        ]
        if self._own_server and shared[0]:
            servers[0] = site.number["instance"]
        return where.of(site.number["instance"], servers)

    @cached_property
    def _fine(self) -> Unavailability:
        return self._made([self._private_beside(), *map(self._private, self._others)], racks_each=self._size)

    @cached_property
    def _kept(self) -> tuple[list[Switch], set[str]]:
        """The instance's switches and those next to them, and the racks that they and the instance are in."""
        topology = self._site.topology
        rack, own = self._site.stands[self._stand]
        beyond = dict.fromkeys(to for switch in own for _, to in topology.neighbours[switch] if to not in own)
        kept = [topology.switches[name] for name in (*own, *beyond)]
        return kept, {rack, *(one.rack for one in kept if one.rack is not None)}

    def _private_beside(self) -> _Private:
        """Beside the instance only the links of nodes are their own, and only where they have no other switches."""
        own = set(self._site.stands[self._stand][1])
        if any(set(self._site.stands[at][1]) != own for at in self._beside):
            return _Private()
        return _Private(link=self._least_link(self._beside))

    def _private(self, domain: Domain) -> _Private:
        """How seldom what is a rack's own fails there; what another rack, or what is kept, shares never does."""
        topology, stands = self._site.topology, self._site.stands
        kept, kept_racks = self._kept
        racks = [stands[at][0] for at in domain]
        if not racks:
            return _Private()
        rack = 0.0 if kept_racks.intersection(racks) else min(map(topology.failure_probability, racks))
        if any(len(stands[at][1]) != 1 for at in domain):
            return _Private(rack=rack)
        switches = [stands[at][1][0] for at in domain]
        users: dict[str, set[str]] = defaultdict(set)
        for one, on in stands:
            for switch in on:
                users[switch].add(one)
        own = len(set(racks)) == len(racks) and all(len(users[switch]) == 1 for switch in switches)
        own = own and not {one.name for one in kept}.intersection(switches)
        above = min(map(topology.failure_probability, switches)) if own else 0.0
        return _Private(rack=rack, switch=above, link=self._least_link(domain))

    def _least_link(self, domain: Domain) -> float:
        site = self._site
        return min(
            site.topology.failure_probability(link)
            for at in domain for server in site.members[at] for link, _ in site.topology.links_of(site.names[server])
        )  # fmt: skip

    def _made(self, private: Sequence[_Private], racks_each: int) -> Unavailability:
        """The site on which the ideal cells are: the instance's rack and switches, those next to them, and power."""
        topology, size = self._site.topology, self._size
        rack, own = self._site.stands[self._stand]
        kept, racks = self._kept
        beyond = [one.name for one in kept if one.name not in own]
        links = [one for one in topology.links.values() if set(one.ends) <= {*own, *beyond}]
        first = self._site.names[self._instance]
        fails = topology.failure_probability
        node_fails = min(fails(server) for server in topology.servers)
        real = {name: fails(name) for name in (*topology.powers, *racks, *(one.name for one in kept),
                                               *(one.name for one in links))}  # fmt: skip
        sure = {"ideal feed": 0.0, "instance": fails(first)}
        sure |= {link_name("instance", to): fails(link_name(first, to)) for to in own}
        servers = [Server("instance", rack, own, "any", 1)]
        new_racks, new_switches, new_links = [], [], []
        for at, supplies in enumerate((None, *self._supplies)):
            for place in range(1 if supplies is None else racks_each):
                there, on = (rack, own) if supplies is None else (f"rack {at} {place}", (f"switch {at} {place}",))
                names = [f"ideal {at} {place} {number}" for number in range(size)]
                servers += [Server(name, there, on, "any", 1) for name in names]
                sure |= dict.fromkeys(names, node_fails)
                sure |= {link_name(name, to): private[at].link for name in names for to in on}
                if supplies is not None:
                    new_racks.append(Rack(there, "ideal row", supplies))
                    new_switches.append(Switch(on[0], "rack", there))
                    ways = [Link(link_name(on[0], to), (on[0], to)) for to in beyond]
                    new_links += ways
                    sure |= {there: private[at].rack, on[0]: private[at].switch, **{way.name: 0.0 for way in ways}}
        made = build(
            name="ideal",
            rows=[*topology.rows, "ideal row"],
            powers=[*topology.powers.values(), Power("ideal feed", "feed")],
            racks=[*(topology.racks[name] for name in topology.racks if name in racks), *new_racks],
            switches=[*kept, *new_switches],
            links=[*links, *new_links],
            servers=servers,
            device_probability={**real, **sure},
        )
        found = Unavailability(Site.of(made))
        found.share(self._known)
        return found


def partitions(nodes: int, most: int | None = None) -> Iterator[tuple[int, ...]]:
    """The ways in which so many nodes share racks: how many are in each, the greatest first."""
    if nodes == 0:
        yield ()
    for first in range(min(nodes, nodes if most is None else most), 0, -1):
        for others in partitions(nodes - first, first):
            yield first, *others


def _units(site: Site, rack: str) -> tuple[str, ...]:
    """The nearest power units above a rack that are no PDUs; without any one of them it is dark."""
    powers, waiting = site.topology.powers, list(site.topology.racks[rack].supplies)
    found = set[str]()
    while waiting:
        one = powers[waiting.pop()]
        if one.kind == "pdu":
            waiting += one.supplies
        else:
            found.add(one.name)
    return tuple(sorted(found))


def _feeds(site: Site, rack: str) -> tuple[str, ...]:
    """The elements of power that a rack hangs on and that hang on nothing; without any one of them it is dark."""
    powers, waiting = site.topology.powers, list(site.topology.racks[rack].supplies)
    found = set[str]()
    while waiting:
        one = powers[waiting.pop()]
        waiting += one.supplies
        if not one.supplies:
            found.add(one.name)
    return tuple(sorted(found))
