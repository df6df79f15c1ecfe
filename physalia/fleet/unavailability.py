"""How likely cells are lost, exactly as ``physalia.placement.availability`` computes it, once for each pattern.

Two cells whose surroundings are the same but for names are lost equally often, and fabrics repeat themselves: of ten
thousand cells there are a few hundred patterns. A pattern is everything that the number depends on, the racks of the
cell with their switches, links and power, with numbers instead of names, in the order in which they are met. If two
patterns are equal, so are the cells; two that differ in the order of alike racks alone are computed twice, no more.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from attrs import define, field

from physalia.fleet.fleet import Fleet
from physalia.fleet.sites import Site
from physalia.placement.availability.estimator import Estimator, NotExact

_ABOVE_RACKS = 2
"""The estimator looks at the switches that servers hang on and at so many levels above them."""


@define(eq=False)
class Unavailability:
    """The unavailability of cells on one site. No more than ``most_patterns`` are computed; beyond is `NotExact`."""

    site: Site
    most_patterns: int | None = None
    computed: int = field(default=0, init=False)
    _estimator: Estimator = field(init=False)
    _by_pattern: dict[Hashable, float] = field(factory=dict, init=False)
    _by_place: dict[Hashable, float] = field(factory=dict, init=False)
    _stand: dict[int, tuple[Hashable, tuple[str, ...]]] = field(factory=dict, init=False)
    _server: dict[int, Hashable] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._estimator = Estimator(self.site.topology)

    def of(self, instance: int, servers: Sequence[int]) -> float:
        """The unavailability of a cell while its instance is up; NotExact as for the estimator."""
        place = self._place(instance, servers)
        known = self._by_place.get(place)
        if known is None:
            pattern = self._pattern(instance, servers)
            known = self._by_pattern.get(pattern)
            if known is None:
                if self.computed == self.most_patterns:
                    raise NotExact(f"more than {self.computed:,} patterns of cells: no more are computed.")
                self.computed += 1
                names = self.site.names
                found = self._estimator.of(names[instance], [names[one] for one in servers])
                known = found.unavailability
                if found.method == "walk":  # else it depends on all of the site
                    self._by_pattern[pattern] = known
            self._by_place[place] = known
        return known

    def share(self, patterns: dict[Hashable, float]) -> None:
        """Know what other sites have computed, and let them know; a pattern says all that its number depends on."""
        self._by_pattern = patterns

    def of_fleet(self, fleet: Fleet, cells: Iterable[int]) -> list[float]:
        """The same for some cells of a fleet."""
        return [self.of(int(fleet.clients[at, 0]), fleet.cells[at].tolist()) for at in cells]

    def _place(self, instance: int, servers: Sequence[int]) -> Hashable:
        """Where a cell is, but for what tells servers of one stand apart by name alone."""
        stand_of = self.site.stand_of
        alike = Counter((int(stand_of[one]), self._own(one), one == instance) for one in servers)
        return int(stand_of[instance]), self._own(instance), tuple(sorted(alike.items()))

    def _own(self, server: int) -> Hashable:
        """What of a server itself can fail, with which probability."""
        known = self._server.get(server)
        if known is None:
            fails = self._estimator.topology.failure_probability
            name = self.site.names[server]
            links = tuple(fails(link) for link, _ in self.site.topology.links_of(name))
            known = self._server[server] = (fails(name), links)
        return known

    def _pattern(self, instance: int, servers: Sequence[int]) -> Hashable:
        stand_of, topology = self.site.stand_of, self.site.topology
        home = int(stand_of[instance])
        nodes: dict[int, list[tuple[Any, bool]]] = {home: []}
        for one in servers:
            nodes.setdefault(int(stand_of[one]), []).append((self._own(one), one == instance))
        for own in nodes.values():
            own.sort()
        racks = {stand: self.site.stands[stand][0] for stand in nodes}
        above = {stand: _above(self, stand) for stand in nodes}
        meets = Counter(element for found in above.values() for element in found)
        own_above = above[home]

        def rank(stand: int) -> tuple[Any, ...]:
            found = above[stand]
            return (
                stand != home, -len(nodes[stand]), nodes[stand],
                sorted((one not in own_above, meets[one]) for one in found), sorted(found),
            )  # fmt: skip

        order = sorted(nodes, key=rank)
        number: dict[str, int] = {}

        def named(what: str) -> int:
            return number.setdefault(what, len(number))

        fails = topology.failure_probability
        told: list[Hashable] = [self._own(instance)]
        for stand in order:
            rack, switches = self.site.stands[stand]
            told.append((tuple(nodes[stand]), named(rack), tuple(named(switch) for switch in switches)))
        level = [switch for stand in order for switch in self.site.stands[stand][1]]
        seen = dict.fromkeys(level)
        for _ in range(_ABOVE_RACKS):
            level = [to for switch in level for _, to in topology.neighbours[switch]
                     if topology.switches[to].tier != "rack" and to not in seen]  # fmt: skip
            level = list(dict.fromkeys(level))
            seen.update(dict.fromkeys(level))
        supplies = [(racks[stand], topology.racks[racks[stand]].supplies) for stand in order]
        for name in seen:
            switch = topology.switches[name]
            links = tuple(sorted((named(to), fails(link)) for link, to in topology.neighbours[name] if to in seen))
            beyond = sum(to not in seen for _, to in topology.neighbours[name])
            told.append((named(name), fails(name), links, beyond, switch.rack is not None and named(switch.rack)))
            if switch.rack is None:
                supplies.append((name, switch.supplies))
        done = set[str]()
        while supplies:
            what, by = supplies.pop()
            if what not in done:
                done.add(what)
                told.append((named(what), fails(what), tuple(sorted(map(named, by)))))
                supplies += [(one, topology.powers[one].supplies) for one in by]
        return tuple(told)


def _above(self: Unavailability, stand: int) -> frozenset[str]:
    rack = self.site.stands[stand][0]
    found: frozenset[str] = frozenset().union(*self.site.topology.powers_above(rack).values())
    return found | {to for switch in self.site.stands[stand][1] for _, to in self.site.topology.neighbours[switch]}
