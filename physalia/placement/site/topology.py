"""A topology: what there is in a site, what hangs on what, and how likely each device is to be down.

A device is anything that can fail: a server, a rack, an element of power, a switch, a link. A row is a place and does
not fail. What the words mean, here and in everything that judges placements:

* an element of power has power if it did not fail and is a feed, or any of its supplies has power;
* a rack has power if it did not fail and any of its supplies has power;
* a server lives if it did not fail and its rack has power; a switch in a rack likewise;
* a switch in no rack lives if it did not fail and any of its supplies has power, or none are modelled;
* a link lives if it did not fail; it carries while both of its ends live. Servers do not forward.

Names are unique over the whole topology, hold no ``--``, which stands between the ends of a link, and neither begin nor
end with ``-``, so that every ``server--switch`` can be read in one way; those of power elements hold no ``+``, which
stands between the elements of a power domain. The link from a server to a switch is implied by ``Server.switches`` and
is a device too, named ``server--switch``.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import evolve, field, frozen

from physalia.placement.errors import BadTopology

if TYPE_CHECKING:
    import networkx

PowerKind = Literal["pdu", "ups", "feed"]
Tier = Literal["rack", "aggregation", "core"]
DeviceKind = Literal["server", "rack", "pdu", "ups", "feed", "switch", "link"]

POWER_KINDS: Final[tuple[PowerKind, ...]] = ("pdu", "ups", "feed")
TIERS: Final[tuple[Tier, ...]] = ("rack", "aggregation", "core")
DEVICE_KINDS: Final[tuple[DeviceKind, ...]] = ("server", "rack", "pdu", "ups", "feed", "switch", "link")

ALSO: Final = " & "
"""What stands between the keys of domains in the key of their intersection, and in no name."""

JOINT: Final = "--"
"""What stands between the ends in the name of a link, and in no other name."""

TOGETHER: Final = "+"
"""What stands between power elements in the name of a domain, and in the name of none of them."""

MOST_ABOVE: Final = 256
"""How many elements of power may be above a rack, a switch or another element, over all of its supply paths."""

MOST_COUNT: Final = 10**100
"""Counts in files are below this, so that no number costs more than others."""

DEFAULT_PROBABILITY: Final[Mapping[DeviceKind, float]] = MappingProxyType(
    {"server": 1e-3, "rack": 1e-4, "pdu": 1e-4, "ups": 5e-5, "feed": 2e-5, "switch": 2e-4, "link": 5e-5}
)
"""The probability that a device of a kind is down at a given moment, where the topology says nothing.

Assumed, for comparing placements with each other; a site that has measured its own should say so in its topology.
"""


def link_name(one: str, other: str) -> str:
    """The name of the link between two devices, in this order."""
    return f"{one}{JOINT}{other}"


@frozen
class Server:
    """A server, the only thing that holds nodes.

    ``switches`` are the top-of-rack switches that it has a link to. ``capacity`` is how many nodes it may hold,
    ``nodes`` how many it already holds. A drained server takes no new ones.
    """

    name: str
    rack: str
    switches: tuple[str, ...]
    color: str
    capacity: int
    nodes: int = 0
    drained: bool = False

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another node."""
        return self.nodes >= self.capacity

    @property
    def is_usable(self) -> bool:
        """Whether it may take another node, as far as it itself is concerned."""
        return self.nodes < self.capacity and not self.drained


Place = tuple[str, str, tuple[str, ...]]
"""The color, the rack and the switches of a server: beside fill and name, all that can tell it from others."""


@frozen
class Rack:
    """A rack in a row; any one of its supplies is enough, and there is at least one."""

    name: str
    row: str
    supplies: tuple[str, ...]


@frozen
class Power:
    """An element of power. A feed brings power into the site; for the others any one of their supplies is enough."""

    name: str
    kind: PowerKind
    supplies: tuple[str, ...] = ()


@frozen
class Switch:
    """A switch. It stands in a rack and needs its power, or in none; then it needs any one of its own supplies.

    A switch in no rack and without supplies always has power: how it is fed is not modelled.
    """

    name: str
    tier: Tier
    rack: str | None = None
    supplies: tuple[str, ...] = ()


@frozen
class Link:
    """A link between two switches. Two links may join the same switches if their names differ."""

    name: str
    ends: tuple[str, str]


@frozen
class Cell:
    """A cell that exists already, the servers that hold its nodes, and those of the volume's clients, if known."""

    name: str
    servers: tuple[str, ...]
    instance: str | None = None
    primary: str | None = None
    replica: str | None = None


@frozen(kw_only=True)
class Topology:
    """A site, well-formed: make one with ``validity.build``, ``format.read`` or ``generate.generate``.

    ``probability`` holds what the site says of a kind of device, ``device_probability`` what it says of single devices
    by name; the latter goes first. ``file`` is the file it was read from, if it was, and ``file_digest`` its SHA-256.
    """

    name: str
    servers: Mapping[str, Server]
    racks: Mapping[str, Rack]
    rows: tuple[str, ...]
    powers: Mapping[str, Power]
    switches: Mapping[str, Switch]
    links: Mapping[str, Link]
    cells: Mapping[str, Cell] = field(factory=dict)
    probability: Mapping[DeviceKind, float] = field(factory=dict)
    device_probability: Mapping[str, float] = field(factory=dict)
    file: str | None = field(default=None, eq=False, repr=False)
    file_digest: str | None = field(default=None, eq=False, repr=False)

    @property
    def where(self) -> str:
        """How complaints call it: by its file, or by its name if it was made in memory."""
        return self.file or f"topology {self.name}"

    def row_of(self, rack: str) -> str:
        """The row in which a rack stands."""
        return self.racks[rack].row

    def powers_above(self, rack: str) -> Mapping[PowerKind, frozenset[str]]:
        """For each kind, the elements of power that a rack has above it, over all supply paths.

        Racks with the same set at a level form a power domain of that level. An empty set is no domain: racks that
        have nothing above them at a level share nothing there.
        """
        return self._powers_above_racks[rack]

    def single_points(self, rack: str) -> frozenset[str]:
        """The elements of power that take the power of a rack when they fail alone: all supply paths lead through."""
        return self._single_points[rack]

    @cached_property
    def most_single_points(self) -> int:
        """How many elements of power, at most, take the power of any one thing of the site when they fail alone."""
        return max(map(len, self._fatal.values()), default=0)

    def kind_of(self, device: str) -> DeviceKind:
        """The kind of a device, links of servers included; BadTopology if there is no such device."""
        if device in self.servers:
            return "server"
        if device in self.racks:
            return "rack"
        if device in self.powers:
            return self.powers[device].kind
        if device in self.switches:
            return "switch"
        if device in self.links or self._is_link_of_server(device):
            return "link"
        raise BadTopology(f"there is no device {device}.")

    def failure_probability(self, device: str) -> float:
        """The probability that a device is down at a given moment: its own, else its kind's, else the assumed one."""
        own = self.device_probability.get(device)
        if own is not None:
            return own
        kind = self.kind_of(device)
        return self.probability.get(kind, DEFAULT_PROBABILITY[kind])

    def links_of(self, server: str) -> Iterator[tuple[str, str]]:
        """The name of each link of a server, and the switch that it leads to."""
        for switch in self.servers[server].switches:
            yield link_name(server, switch), switch

    def graph(self) -> "networkx.MultiGraph[str]":
        """Switches and links as a graph; a link's name is the key of its edge. Servers hang on switches."""
        import networkx  # noqa: PLC0415  # heavy, and most callers do not need it

        graph: networkx.MultiGraph[str] = networkx.MultiGraph()
        graph.add_nodes_from(self.switches)
        graph.add_edges_from((*link.ends, link.name) for link in self.links.values())
        return graph

    def _is_link_of_server(self, device: str) -> bool:
        server, joint, switch = device.partition(JOINT)
        return bool(joint) and server in self.servers and switch in self.servers[server].switches

    def without_cell(self, name: str) -> "Topology":
        """The same site without one of its cells; its servers hold a node less, and are not drained for its sake.

        What does not depend on cells is shared with this topology, so that this costs little.
        """
        servers = dict(self.servers)
        alike = dict(self.alike)
        for held in (servers[server] for server in self.cells[name].servers):
            freed = evolve(held, nodes=held.nodes - 1, drained=False)
            servers[held.name] = freed
            place = (held.color, held.rack, held.switches)
            by_fill = {fill: [one for one in names if one != held.name] for fill, names in alike.get(place, {}).items()}
            if freed.is_usable:
                by_fill[freed.nodes] = sorted([*by_fill.get(freed.nodes, ()), freed.name])
            alike[place] = {fill: names for fill, names in by_fill.items() if names}
        cells = {other: cell for other, cell in self.cells.items() if other != name}
        found = evolve(self, servers=servers, cells=cells)
        shared = ("neighbours", "colors", "_powers_above_racks", "_single_points")
        for known in shared:
            object.__setattr__(found, known, getattr(self, known))
        object.__setattr__(found, "alike", alike)
        for known in ("keys of racks", "hops"):
            found._remembered[known] = self.remembered(known)
        return found

    def remembered(self, what: str) -> dict[Any, Any]:
        """What somebody has worked out of this topology, by what it is: kept here, since a topology does not change."""
        return self._remembered.setdefault(what, {})

    @cached_property
    def _remembered(self) -> dict[str, dict[Any, Any]]:
        return {}

    @cached_property
    def neighbours(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """For each switch its links, by name, and the switches that they lead to."""
        found: dict[str, list[tuple[str, str]]] = {switch: [] for switch in self.switches}
        for link in self.links.values():
            one, other = link.ends
            found[one].append((link.name, other))
            found[other].append((link.name, one))
        return found

    @cached_property
    def colors(self) -> tuple[str, ...]:
        """The colours of the servers, sorted."""
        return tuple(sorted({server.color for server in self.servers.values()}))

    @cached_property
    def alike(self) -> Mapping[Place, Mapping[int, list[str]]]:
        """The servers that may take a node, by what tells them apart; then by how many they hold, names sorted."""
        found: dict[Place, dict[int, list[str]]] = {}
        for server in self.servers.values():
            if server.is_usable:
                place = (server.color, server.rack, server.switches)
                by_fill = found.get(place)
                if by_fill is None:
                    by_fill = found[place] = {}
                if server.nodes in by_fill:
                    by_fill[server.nodes].append(server.name)
                else:
                    by_fill[server.nodes] = [server.name]
        for by_fill in found.values():
            for names in by_fill.values():
                names.sort()
        return found

    @cached_property
    def unusable(self) -> Sequence[Server]:
        """The servers that take no node, whatever a policy says."""
        return [server for server in self.servers.values() if not server.is_usable]

    @cached_property
    def _powers_above_racks(self) -> dict[str, Mapping[PowerKind, frozenset[str]]]:
        above: dict[str, frozenset[str]] = {}
        for power in supplies_first(self.powers):
            above[power.name] = frozenset({power.name}).union(*(above[supply] for supply in power.supplies))
        known: dict[tuple[str, ...], Mapping[PowerKind, frozenset[str]]] = {}  # racks mostly share their supplies
        for rack in self.racks.values():
            if rack.supplies not in known:
                found = frozenset[str]().union(*(above[supply] for supply in rack.supplies))
                by_kind = {kind: frozenset(p for p in found if self.powers[p].kind == kind) for kind in POWER_KINDS}
                known[rack.supplies] = MappingProxyType(by_kind)
        return {name: known[rack.supplies] for name, rack in self.racks.items()}

    @cached_property
    def _fatal(self) -> dict[str, frozenset[str]]:
        # The dominators of the power graph: an element, and what dominates all of its supplies.
        fatal: dict[str, frozenset[str]] = {}
        for power in supplies_first(self.powers):
            shared = _intersection([fatal[supply] for supply in power.supplies])
            fatal[power.name] = shared | {power.name}
        return fatal

    @cached_property
    def _single_points(self) -> dict[str, frozenset[str]]:
        fatal = self._fatal
        return {name: _intersection([fatal[supply] for supply in rack.supplies]) for name, rack in self.racks.items()}


def supplies_first(powers: Mapping[str, Power]) -> Iterator[Power]:
    """The elements of power, each after everything that supplies it; BadTopology if they supply each other."""
    done: set[str] = set()
    for root in powers:
        path, stack = {root: None}, [iter(powers[root].supplies)]  # a dict: in order, and found at once
        if root in done:
            continue
        while stack:
            supply = next((one for one in stack[-1] if one not in done), None)
            if supply is None:
                stack.pop()
                name, _ = path.popitem()
                done.add(name)
                yield powers[name]
            elif supply in path:
                circle = [*list(path)[list(path).index(supply) :], supply]
                raise BadTopology(f"the power elements {' <- '.join(circle)} supply each other in a circle.")
            else:
                path[supply] = None
                stack.append(iter(powers[supply].supplies))


def _intersection(sets: list[frozenset[str]]) -> frozenset[str]:
    return frozenset.intersection(*sets) if sets else frozenset()
