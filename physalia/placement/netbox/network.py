"""The links of a site, from the cables of a NetBox inventory, and those that must be assumed."""

from collections.abc import Iterable, Iterator

from attrs import frozen

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.cables import Cabling
from physalia.placement.netbox.devices import Devices
from physalia.placement.netbox.dump import Dump, Entry
from physalia.placement.netbox.options import Ledger, Options, Uplinks
from physalia.placement.netbox.power import Housing
from physalia.placement.site.topology import Link, Switch, link_name


@frozen
class Network:
    """The links between switches, and the top-of-rack switches that each server is cabled to, by the server's key."""

    links: list[Link]
    homes: dict[int, list[str]]


def read_network(dump: Dump, devices: Devices, cabling: Cabling, ledger: Ledger) -> Network:
    """The links that cables and virtual chassis make."""
    pairs: list[tuple[str, str]] = []
    homes: dict[int, list[str]] = {}
    for one, other in _cabled_devices(dump, devices, cabling, ledger):
        ends = [devices.switch_of.get(one), devices.switch_of.get(other)]
        if None not in ends:
            first, second = (end for end in ends if end is not None)
            if first != second:
                pairs.append((first, second))
        elif one in devices.servers and other in devices.servers:
            names = " and ".join(devices.server_names[key] for key in (one, other))
            ledger.leave_out("cables between servers, which do not forward", names)
        else:
            server, switch = (one, ends[1]) if ends[0] is None else (other, ends[0])
            if switch is None or devices.switches[switch].tier != "rack":
                names = f"{devices.server_names[server]} and {switch}"
                ledger.leave_out("cables between a server and a switch that is no top-of-rack switch", names)
            elif switch not in homes.setdefault(server, []):
                homes[server].append(switch)
            else:
                ledger.assume("cables between the same server and switch are one link: they fail together",
                              f"{devices.server_names[server]} and {switch}")  # fmt: skip
    cabled = {frozenset(ends) for ends in pairs}
    for pair in devices.chassis_links:
        if frozenset(pair) not in cabled:  # stacking cables are seldom recorded
            pairs.append(pair)
            ledger.assume("members of a virtual chassis are joined by a link", " and ".join(pair))
    return Network(named_links(pairs), homes)


def named_links(pairs: Iterable[tuple[str, str]]) -> list[Link]:
    """Links between switches; the second and third between the same two have a number in their names."""
    counts: dict[frozenset[str], int] = {}
    links = []
    for pair in pairs:
        ends = (min(pair), max(pair))
        number = counts[frozenset(ends)] = counts.get(frozenset(ends), 0) + 1
        links.append(Link(link_name(*ends) + (f" ({number})" if number > 1 else ""), ends))
    return links


def assume_uplinks(
    links: list[Link], switches: dict[str, Switch], housing: Housing, options: Options, ledger: Ledger, where: str
) -> list[Link]:
    """The links, with those that are assumed where no way leads to the tier above; what stays cut off is noted."""
    pairs = [link.ends for link in links]
    row_of = {rack.name: rack.row for rack in housing.racks.values()}
    if options.uplinks is Uplinks.AGGREGATION:
        pairs += _missing("rack", "aggregation", pairs, switches, row_of, ledger, where)
        if any(switch.tier == "core" for switch in switches.values()):
            pairs += _missing("aggregation", "core", pairs, switches, {}, ledger, where)
    elif options.uplinks is Uplinks.CORE:
        pairs += _missing("rack", "core", pairs, switches, {}, ledger, where)
    groups = _groups(pairs, switches)
    if len(groups) > 1:
        alone = sorted(name for group in sorted(groups, key=len)[:-1] for name in group)
        ledger.leave_out("ways between these switches and the rest of the site, which no cable records", *alone)
    return named_links(pairs)


def _missing(
    tier: str,
    above: str,
    pairs: list[tuple[str, str]],
    switches: dict[str, Switch],
    row_of: dict[str, str],
    ledger: Ledger,
    where: str,
) -> list[tuple[str, str]]:
    """The links that are assumed from each switch of a tier that reaches none of the tier above: to all of its row."""
    higher = [switch for switch in switches.values() if switch.tier == above]
    if not higher:
        raise BadTopology(f"{where}: there is no switch of tier {above} to assume uplinks to; name its device role.")
    connected = {
        name for group in _groups(pairs, switches) if any(one.name in group for one in higher) for name in group
    }
    found = []
    for switch in switches.values():
        if switch.tier != tier or switch.name in connected:
            continue
        row = row_of.get(switch.rack or "")
        near = [one for one in higher if row is not None and row_of.get(one.rack or "") == row] or higher
        found += [(switch.name, one.name) for one in near]
        ledger.assume(f"switches with no way to tier {above} have a link to each that is near", switch.name)
    return found


def _groups(pairs: Iterable[tuple[str, str]], switches: Iterable[str]) -> list[set[str]]:
    """The switches, by which can reach each other."""
    neighbours: dict[str, list[str]] = {name: [] for name in switches}
    for one, other in pairs:
        neighbours[one].append(other)
        neighbours[other].append(one)
    groups: list[set[str]] = []
    seen: set[str] = set()
    for name in neighbours:
        if name in seen:
            continue
        group, waiting = {name}, [name]
        while waiting:
            fresh = [one for one in neighbours[waiting.pop()] if one not in group]
            group.update(fresh)
            waiting += fresh
        seen |= group
        groups.append(group)
    return groups


def _cabled_devices(dump: Dump, devices: Devices, cabling: Cabling, ledger: Ledger) -> Iterator[tuple[int, int]]:
    """The keys of the two devices of every cable, panels walked through, that joins two devices that are used."""
    used = devices.switch_of.keys() | devices.servers.keys()
    done: set[tuple[int, int]] = set()
    for interface in dump.all("interface"):
        device = interface.reference("device")
        if device not in used or not cabling.is_plugged(interface):
            continue
        far_ends = cabling.far_ends(interface, "interface")
        if any(port.fields.get("mgmt_only") is True for port in (interface, *far_ends)):
            ledger.leave_out("cables of management interfaces", _port(dump, interface))
            continue
        if not far_ends:
            ledger.leave_out("cables that lead to no device of this inventory", _port(dump, interface))
        for far in far_ends:
            other = far.reference("device")
            if other not in used:
                ledger.leave_out("cables to devices that are left out", _port(dump, interface))
            elif (far.key, interface.key) not in done and device is not None:
                done.add((interface.key, far.key))
                yield device, other


def _port(dump: Dump, interface: Entry) -> str:
    device = dump.named_by(interface, "device", "device")
    name = "" if device is None else device.text("name") or f"device {device.key}"
    return f"{name} {interface.text('name')}"
