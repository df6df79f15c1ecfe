"""A part of a fabric around one cell, and in which order to walk over it so that little is in sight at a time.

Leaving the rest of the fabric out gives a lower bound of what is reached. Links that never fail in its place, between
whatever each connected piece of the left-out part touches, give an upper bound. Where both agree, the rest did not
matter.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

from attrs import field, frozen

from physalia.placement.site.topology import Topology

MOST_IN_SIGHT = 10

Neighbours = dict[str, list[tuple[str | None, str]]]
"""For each switch its links, by name, and where they lead; a link without a name never fails."""


class NotTreeLike(Exception):
    """Servers hang on switches of other racks, racks are joined directly, or too many switches meet in one place."""


@frozen
class Show:
    """A switch above the racks comes in sight."""

    switch: str


@frozen
class Join:
    """A link between two switches in sight."""

    one: str
    other: str
    link: str | None


@frozen
class Add:
    """The switches of a rack, with the nodes on its servers."""

    rack: str


@frozen
class Drop:
    """Everything next to these switches was seen."""

    switches: tuple[str, ...]


Event = Show | Join | Add | Drop


@frozen(kw_only=True)
class Fabric:
    """A part of a topology: its switches with the links between them, and who is in it."""

    topology: Topology
    instance: str
    cell: tuple[str, ...]
    neighbours: Neighbours
    _nodes: Mapping[str, list[str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        nodes: dict[str, list[str]] = {}
        for server in self.cell:
            if server != self.instance:
                nodes.setdefault(self.topology.servers[server].rack, []).append(server)
        object.__setattr__(self, "_nodes", nodes)

    @property
    def home(self) -> str:
        """The instance's rack."""
        return self.topology.servers[self.instance].rack

    @property
    def majority(self) -> int:
        """How many nodes are a majority."""
        return len(self.cell) // 2 + 1

    def nodes_in(self, rack: str) -> list[str]:
        """The nodes on servers of a rack, but for the instance itself."""
        return self._nodes.get(rack, [])

    @cached_property
    def bundles(self) -> dict[str, list[str]]:
        """The top-of-rack switches in this part, by rack; NotTreeLike if there are others."""
        found: dict[str, list[str]] = {}
        for name in self.neighbours:
            switch = self.topology.switches.get(name)
            if switch is not None and switch.tier == "rack":
                if switch.rack is None:
                    raise NotTreeLike(f"switch {name} stands in no rack")
                found.setdefault(switch.rack, []).append(name)
        for server in (self.instance, *self.cell):
            known = self.topology.servers[server]
            if not set(known.switches) <= set(found.get(known.rack, ())):
                raise NotTreeLike(f"server {server} hangs on a switch of another rack")
        return found

    @cached_property
    def events(self) -> list[Event]:
        """The walk; it ends with the instance's rack. NotTreeLike if too much would be in sight."""
        return _Order(self).events()


class _Order:
    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        rack_of = {tor: rack for rack, tors in fabric.bundles.items() for tor in tors}
        self._next_to: dict[str, set[str]] = {rack: set() for rack in fabric.bundles}
        self._near: dict[str, set[str]] = {name: set() for name in fabric.neighbours if name not in rack_of}
        self._links: list[Join] = []
        for name, links in fabric.neighbours.items():
            for link, to in links:
                if name in rack_of and to in rack_of and rack_of[name] != rack_of[to]:
                    raise NotTreeLike(f"racks {rack_of[name]} and {rack_of[to]} are joined directly")
                if name in rack_of and to not in rack_of:
                    self._next_to[rack_of[name]].add(to)
                elif name not in rack_of and to not in rack_of:
                    self._near[name].add(to)
                    if name < to:
                        self._links.append(Join(name, to, link))
        for above in self._next_to.values():
            for switch in above:
                self._near[switch] |= above - {switch}
        # Racks with the same supplies come together, so that what they share need not be told apart for long.
        racks = fabric.topology.racks
        self._racks = sorted(
            (rack for rack in fabric.bundles if rack != fabric.home),
            key=lambda rack: (sorted(self._next_to[rack]), racks[rack].supplies),
        )

    def events(self) -> list[Event]:
        found: list[Event] = []
        seen: set[str] = set()
        in_sight: set[str] = set()
        stays = self._next_to[self._fabric.home]
        while waiting := [switch for switch in self._near if switch not in stays and switch not in seen - in_sight]:
            chosen = min(waiting, key=lambda switch: len(in_sight | self._near[switch] - seen | {switch} - seen))
            self._show({chosen, *self._near[chosen]} - seen, in_sight, seen, found)
            leaving = tuple(sorted(one for one in in_sight if one not in stays and self._near[one] <= seen))
            # Nodes make many states of one, so racks wait for as long as what they hang on is in sight.
            self._add([rack for rack in self._racks if not self._next_to[rack].isdisjoint(leaving)], found)
            in_sight.difference_update(leaving)
            found.append(Drop(leaving))
        self._show(stays - seen, in_sight, seen, found)
        self._add(list(self._racks), found)
        found.append(Add(self._fabric.home))
        return found

    def _show(self, more: Iterable[str], in_sight: set[str], seen: set[str], found: list[Event]) -> None:
        """Bring switches in sight, then everything that is now between switches in sight."""
        for switch in sorted(more):
            found.append(Show(switch))
            in_sight.add(switch)
            seen.add(switch)
        if len(in_sight) > MOST_IN_SIGHT:
            raise NotTreeLike(f"{len(in_sight)} switches meet in one place")
        for link in [link for link in self._links if {link.one, link.other} <= in_sight]:
            found.append(link)
            self._links.remove(link)

    def _add(self, racks: list[str], found: list[Event]) -> None:
        for rack in racks:
            found.append(Add(rack))
            self._racks.remove(rack)
