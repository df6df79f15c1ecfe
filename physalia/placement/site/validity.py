"""What makes a topology well-formed, and the one way to put one together from its parts.

Every complaint is a sentence that names the object; ``format.read`` puts the file in front of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar
from unicodedata import normalize

from physalia.placement.errors import BadTopology
from physalia.placement.site.topology import (
    ALSO,
    DEVICE_KINDS,
    JOINT,
    MOST_ABOVE,
    MOST_COUNT,
    POWER_KINDS,
    TIERS,
    TOGETHER,
    Cell,
    DeviceKind,
    Link,
    Power,
    Rack,
    Server,
    Switch,
    Topology,
    supplies_first,
)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Part = TypeVar("Part", bound=_Named)


def build(
    *,
    name: str = "site",
    servers: Iterable[Server],
    racks: Iterable[Rack],
    rows: Iterable[str],
    powers: Iterable[Power],
    switches: Iterable[Switch],
    links: Iterable[Link],
    cells: Iterable[Cell] = (),
    probability: Mapping[DeviceKind, float] | None = None,
    device_probability: Mapping[str, float] | None = None,
) -> Topology:
    """Put a topology together from its parts, in their order; BadTopology, in a sentence, if they contradict."""
    if not name.isprintable():
        raise BadTopology(f"the topology's name, {name}, holds characters that cannot be printed.")
    taken: dict[str, str] = {}
    row_names = tuple(rows)
    for row in row_names:
        _claim(taken, "row", row)
    topology = Topology(
        name=name,
        rows=row_names,
        powers=_by_name(taken, "power element", powers),
        racks=_by_name(taken, "rack", racks),
        switches=_by_name(taken, "switch", switches),
        servers=_by_name(taken, "server", servers),
        links=_links_by_name(taken, links),
        cells=_by_name({}, "cell", cells),
        probability=dict(probability or {}),
        device_probability=dict(device_probability or {}),
    )
    _check_power(topology)
    _check_switches(topology)
    _check_servers(topology)
    _check_links(topology)
    _check_cells(topology)
    _check_probabilities(topology)
    return topology


def _by_name(taken: dict[str, str], kind: str, parts: Iterable[Part]) -> dict[str, Part]:
    listed = list(parts)
    names = [part.name for part in listed]
    found = dict(zip(names, listed, strict=True))
    if len(found) == len(listed) and taken.keys().isdisjoint(found) and _plain(names):
        taken.update(dict.fromkeys(names, kind))
        return found
    for name in names:
        _claim(taken, kind, name)
    return found


def _plain(names: Sequence[str]) -> bool:
    """Whether there is plainly nothing wrong with any of these names; where it is not plain, each is looked at."""
    text = f"|{'|'.join(names)}|"
    ends = ("||", "| ", " |", "|-", "-|", f"|{ALSO[1:]}", f"{ALSO[:-1]}|")
    return text.isascii() and text.isprintable() and not any(one in text for one in (*ends, JOINT, ALSO))


def _claim(taken: dict[str, str], kind: str, name: str) -> None:
    """Note that ``name`` is taken by a thing of ``kind``; BadTopology if it cannot be."""
    if name in taken:
        other = taken[name]
        both = f"two {kind}s" if other == kind else f"a {other} and a {kind}"
        raise BadTopology(f"{both} are named {name}; names must differ.")
    if not name:
        raise BadTopology(f"a {kind} has an empty name.")
    if JOINT in name or name[0] == "-" or name[-1] == "-":
        raise BadTopology(
            f"{kind} {name}: a name may not hold {JOINT}, which stands between the ends of a link, nor begin or end "
            "with -: then where the one end stops could not be told."
        )
    _check_characters(f"{kind} {name}", name)
    taken[name] = kind


def _check_characters(who: str, name: str) -> None:
    if not name.isprintable():
        raise BadTopology(f"{who}: a name may hold only characters that can be printed.")
    if not _is_seen_as_it_is(name):
        raise BadTopology(
            f"{who}: a name may not begin or end with a space, and is written in Unicode's normal form NFC: "
            "else two that look alike could differ."
        )
    if ALSO in f" {name} ":
        raise BadTopology(f"{who}: a name may not hold{ALSO}between spaces, which stands between the keys of domains.")


def _links_by_name(taken: dict[str, str], links: Iterable[Link]) -> dict[str, Link]:
    found: dict[str, Link] = {}
    for link in links:
        if not link.name:
            raise BadTopology(f"the link between {' and '.join(link.ends)} has an empty name.")
        _check_characters(f"link {link.name}", link.name)
        if link.name in found:
            raise BadTopology(f"two links are named {link.name}; give each a name of its own.")
        if link.name in taken:
            raise BadTopology(f"a {taken[link.name]} and a link are both named {link.name}; names must differ.")
        one, _, other = link.name.partition(JOINT)
        if taken.get(one) == "server":
            raise BadTopology(f"link {link.name} has the name of a server's link; give it another name.")
        if taken.get(one) == taken.get(other) == "switch" and {one, other} != {*link.ends}:
            between = " and ".join(link.ends)
            raise BadTopology(f"link {link.name} leads between {between}, not where its name says; give it another.")
        found[link.name] = link
    return found


def _check_power(topology: Topology) -> None:
    powers = topology.powers
    for power in powers.values():
        if TOGETHER in power.name:
            raise BadTopology(
                f"power element {power.name}: its name may not hold {TOGETHER}, which stands between those of a domain."
            )
        if power.kind not in POWER_KINDS:
            raise BadTopology(f"power element {power.name}: the kind {power.kind} is none of {', '.join(POWER_KINDS)}.")
        if power.kind == "feed" and power.supplies:
            raise BadTopology(f"feed {power.name} has supplies, but a feed is where power enters the site.")
        if power.kind != "feed" and not power.supplies:
            raise BadTopology(f"{power.kind} {power.name} has no supplies, so it never has power.")
        _check_supplies(topology, f"{power.kind} {power.name}", power.supplies)
    _check_above(topology)
    for rack in topology.racks.values():
        if rack.row not in topology.rows:
            raise BadTopology(f"rack {rack.name} stands in row {rack.row}, which does not exist.")
        if not rack.supplies:
            raise BadTopology(f"rack {rack.name} has no supplies, so nothing in it ever has power.")
        _check_supplies(topology, f"rack {rack.name}", rack.supplies)


def _check_above(topology: Topology) -> None:
    """No more elements of power above anything than a certificate may speak of; and none above itself."""
    above: dict[str, frozenset[str]] = {}
    for power in supplies_first(topology.powers):  # raises if they supply each other in a circle
        above[power.name] = frozenset({power.name}).union(*(above[supply] for supply in power.supplies))
        _check_few(f"{power.kind} {power.name}", len(above[power.name]) - 1)
    supplied = {part.name: part.supplies for part in topology.racks.values()}
    for name, supplies in {**supplied, **{one.name: one.supplies for one in topology.switches.values()}}.items():
        known = [above[supply] for supply in supplies if supply in above]  # others are complained of by name
        _check_few(name, len(frozenset[str]().union(*known)))


def _check_few(who: str, above: int) -> None:
    if above > MOST_ABOVE:
        raise BadTopology(f"{above} elements of power are above {who}; at most {MOST_ABOVE} may be.")


def _check_supplies(topology: Topology, who: str, supplies: tuple[str, ...]) -> None:
    _check_distinct(who, "supply", supplies)
    for supply in supplies:
        if supply not in topology.powers:
            raise BadTopology(f"{who} is supplied by {supply}, which is no power element of this topology.")


def _check_switches(topology: Topology) -> None:
    for switch in topology.switches.values():
        who = f"switch {switch.name}"
        if switch.tier not in TIERS:
            raise BadTopology(f"{who}: the tier {switch.tier} is none of {', '.join(TIERS)}.")
        if switch.rack is not None and switch.rack not in topology.racks:
            raise BadTopology(f"{who} stands in rack {switch.rack}, which does not exist.")
        if switch.rack is not None and switch.supplies:
            raise BadTopology(f"{who} stands in rack {switch.rack} and has that rack's power: it can have no supplies.")
        _check_supplies(topology, who, switch.supplies)


def _check_servers(topology: Topology) -> None:
    # The one loop over what there may be 100,000 of: conditions first, sentences only when something is wrong.
    racks = topology.racks
    hangable = {name for name, switch in topology.switches.items() if switch.tier == "rack"}
    checked: set[tuple[str, ...]] = set()
    colors: set[str] = set()
    for server in topology.servers.values():
        if server.switches not in checked:
            _check_switches_of(topology, server, hangable)
            checked.add(server.switches)
        if server.rack not in racks:
            raise BadTopology(f"server {server.name} stands in rack {server.rack}, which does not exist.")
        if server.color not in colors:
            _check_color(server)
            colors.add(server.color)
        if server.capacity < 0:
            raise BadTopology(f"server {server.name} has the negative capacity {server.capacity}.")
        if server.nodes < 0:
            raise BadTopology(f"server {server.name} holds a negative number of nodes, {server.nodes}.")
        if server.capacity >= MOST_COUNT or server.nodes >= MOST_COUNT:
            raise BadTopology(f"server {server.name} has a capacity or a number of nodes of more than 100 digits.")


def _check_color(server: Server) -> None:
    if not server.color.strip():
        raise BadTopology(f"server {server.name} has an empty color.")
    if not server.color.isprintable():
        raise BadTopology(f"server {server.name} has the color {server.color}, which cannot be printed.")
    if not _is_seen_as_it_is(server.color):
        raise BadTopology(
            f"server {server.name} has the color {server.color!r}: a color may not begin or end with a space, and is "
            "written in Unicode's normal form NFC: else two that look alike could differ."
        )


def _is_seen_as_it_is(text: str) -> bool:
    return text == text.strip() == normalize("NFC", text)


def _check_switches_of(topology: Topology, server: Server, hangable: set[str]) -> None:
    who = f"server {server.name}"
    if not server.switches:
        raise BadTopology(f"{who} has a link to no switch, so nothing can reach it.")
    _check_distinct(who, "switch", server.switches)
    for switch in server.switches:
        if switch not in topology.switches:
            raise BadTopology(f"{who} has a link to {switch}, which is no switch of this topology.")
        if switch not in hangable:
            tier = topology.switches[switch].tier
            raise BadTopology(f"{who} has a link to {switch}, a switch of tier {tier}; servers hang on tier rack.")


def _check_links(topology: Topology) -> None:
    for link in topology.links.values():
        for end in link.ends:
            if end in topology.servers:
                raise BadTopology(f"link {link.name} ends at server {end}; a server names its own switches instead.")
            if end not in topology.switches:
                raise BadTopology(f"link {link.name} ends at {end}, which is no switch of this topology.")
        if link.ends[0] == link.ends[1]:
            raise BadTopology(f"link {link.name} leads from switch {link.ends[0]} to itself.")


def _check_cells(topology: Topology) -> None:
    held: dict[str, int] = {}
    for cell in topology.cells.values():
        _check_distinct(f"cell {cell.name}", "server", cell.servers)
        for server in cell.servers:
            if server not in topology.servers:
                raise BadTopology(f"cell {cell.name} has a node on {server}, which is no server of this topology.")
            held[server] = held.get(server, 0) + 1
        for client in ("instance", "primary", "replica"):
            named = getattr(cell, client)
            if named is not None and named not in topology.servers:
                raise BadTopology(f"cell {cell.name}: its {client} {named} is no server of this topology.")
    for name, count in held.items():
        if count > topology.servers[name].nodes:
            nodes = topology.servers[name].nodes
            raise BadTopology(f"server {name} holds nodes of {count} cells, but says that it holds {nodes} nodes.")


def _check_probabilities(topology: Topology) -> None:
    for kind, value in topology.probability.items():
        if kind not in DEVICE_KINDS:
            raise BadTopology(f"failure probability of {kind}: there is no such kind; try {', '.join(DEVICE_KINDS)}.")
        _check_probability(f"kind {kind}", value)
    for device, value in topology.device_probability.items():
        topology.kind_of(device)
        _check_probability(device, value)


def _check_probability(who: str, value: float) -> None:
    if not 0 <= value <= 1:  # false for NaN too
        raise BadTopology(f"the failure probability of {who} is {value}, which is not between 0 and 1.")


def _check_distinct(who: str, what: str, names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise BadTopology(f"{who} names the {what} {twice} twice.")
