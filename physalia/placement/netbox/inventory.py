"""A site of a NetBox inventory as a topology.

An inventory says less than a placement needs. What it leaves out is an explicit option, nothing is assumed silently,
and everything that was assumed or left out is listed.
"""

from itertools import cycle

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.cables import Cabling
from physalia.placement.netbox.devices import Devices, read_devices
from physalia.placement.netbox.dump import Dump, Entry
from physalia.placement.netbox.network import Network, assume_uplinks, read_network
from physalia.placement.netbox.options import Imported, Ledger, Options
from physalia.placement.netbox.power import Housing, read_housing
from physalia.placement.site.topology import Rack, Server, Switch
from physalia.placement.site.validity import build


def import_site(dump: Dump, options: Options) -> Imported:
    """The topology of one site; BadTopology, in one sentence, if the inventory or the options do not give one."""
    _check(options, dump.where)
    site = _site(dump, options.site)
    ledger = Ledger()
    cabling = Cabling(dump)
    if cabling.unusable:
        cables = [cable.text("label") or f"cable {cable.key}" for cable in cabling.unusable]
        ledger.leave_out("cables that are not connected", *cables)
    housing = read_housing(dump, site, cabling, options, ledger)
    devices = read_devices(dump, site, housing, options, ledger)
    network = read_network(dump, devices, cabling, ledger)
    _assume_switches(housing, devices, options, ledger)
    links = assume_uplinks(network.links, devices.switches, housing, options, ledger, dump.where)
    servers = _servers(housing, devices, network, options, ledger)
    if not servers:
        raise BadTopology(
            f"{dump.where}: no server of site {site.text('name')} can be used; "
            "servers and switches per rack can be assumed."
        )
    ledger.assume("capacity, since NetBox knows none", f"{options.capacity} nodes a server, none held yet")
    ledger.assume("colors, since NetBox knows none", f"{', '.join(options.colors)}, in turn")
    topology = build(
        name=site.text("name"),
        rows=housing.rows,
        powers=[*housing.powers, *housing.units.made.values()],
        racks=housing.racks.values(),
        switches=devices.switches.values(),
        links=links,
        servers=servers,
    )
    return Imported(topology, ledger.assumed, ledger.left_out)


def _check(options: Options, where: str) -> None:
    for name in ("servers_per_rack", "switches_per_rack", "capacity", "feeds_per_rack", "feeds"):
        if getattr(options, name) < 0:
            raise BadTopology(f"{where}: {name} is {getattr(options, name)}, which is negative.")
    if not options.colors or not all(color.strip() for color in options.colors):
        raise BadTopology(f"{where}: an empty color was asked for.")


def _site(dump: Dump, wanted: str | None) -> Entry:
    """The site of a name or slug, or the only one that has racks."""
    with_racks = {rack.reference("site") for rack in dump.all("rack")}
    sites = [site for site in dump.all("site") if site.key in with_racks]
    slugs = ", ".join(site.text("slug") for site in sites)
    if wanted is None:
        if len(sites) == 1:
            return sites[0]
        raise BadTopology(f"{dump.where}: {len(sites)} sites have racks; name one of {slugs or 'them'}.")
    found = [site for site in dump.all("site") if wanted in {site.text("slug"), site.text("name")}]
    if len(found) != 1:
        raise BadTopology(f"{dump.where}: {len(found)} sites are called {wanted}; those with racks are {slugs}.")
    return found[0]


def _is_filled(housing: Housing, key: int, options: Options) -> bool:
    """Whether servers and switches are assumed in a rack."""
    return not options.rack_roles or housing.roles[key] in options.rack_roles


def _tops_of_rack(devices: Devices, rack: Rack) -> tuple[str, ...]:
    return tuple(one.name for one in devices.switches.values() if one.tier == "rack" and one.rack == rack.name)


def _assume_switches(housing: Housing, devices: Devices, options: Options, ledger: Ledger) -> None:
    """Fill racks that hold servers, or will, up to the number of top-of-rack switches that was asked for."""
    with_servers = {server.reference("rack") for server in devices.servers.values()}
    for key, rack in housing.racks.items():
        if key in with_servers or (options.servers_per_rack and _is_filled(housing, key, options)):
            for number in range(len(_tops_of_rack(devices, rack)) + 1, options.switches_per_rack + 1):
                name = ledger.name("switch", f"tor-{rack.name}-{number}", number)
                devices.switches[name] = Switch(name, "rack", rack.name)
                ledger.assume("these top-of-rack switches exist", name)


def _servers(housing: Housing, devices: Devices, network: Network, options: Options, ledger: Ledger) -> list[Server]:
    """The servers of the inventory that hang on a switch, and those that are assumed."""
    colors = cycle(options.colors)
    found = []
    for key, rack in housing.racks.items():
        tops = _tops_of_rack(devices, rack)
        held = 0
        for device in (one for one in devices.servers.values() if one.reference("rack") == key):
            name = devices.server_names[device.key]
            switches = tuple(sorted(network.homes.get(device.key, ())))
            if not switches and tops:
                ledger.assume("servers without a cable to a top-of-rack switch have a link to each of their rack", name)
            if switches or tops:
                found.append(Server(name, rack.name, switches or tops, next(colors), options.capacity))
                held += 1
            else:
                ledger.leave_out("servers with no cable to a top-of-rack switch, and none in their rack", name)
        if options.servers_per_rack <= held or not _is_filled(housing, key, options):
            continue
        if not tops:
            ledger.leave_out("servers that were to be assumed in racks without a top-of-rack switch", rack.name)
            continue
        width = len(str(options.servers_per_rack))
        for number in range(held + 1, options.servers_per_rack + 1):
            name = ledger.name("server", f"{rack.name}-server-{number:0{width}}", number)
            found.append(Server(name, rack.name, tops, next(colors), options.capacity))
        ledger.assume("servers fill these racks, each with a link to every top-of-rack switch of its rack",
                      f"{rack.name}: {options.servers_per_rack - held}")  # fmt: skip
    return found
