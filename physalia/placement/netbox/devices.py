"""The switches and servers of a site, from a NetBox inventory: by the roles of devices, and virtual chassis."""

from collections.abc import Iterator
from typing import Final

from attrs import field, frozen

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.dump import Dump, Entry
from physalia.placement.netbox.options import Chassis, Cords, Ledger, Options, Use
from physalia.placement.netbox.power import Housing
from physalia.placement.site.topology import Switch

_ACTIVE = "active"

_WORDS: Final = (
    (Use.IGNORE, ("router", "firewall", "console", "patch", "panel", "pdu", "ups")),
    (Use.TOP_OF_RACK, ("tor", "top-of-rack", "leaf", "access")),
    (Use.AGGREGATION, ("aggregation", "distribution", "spine")),
    (Use.CORE, ("core",)),
    (Use.SERVER, ("server", "compute", "hypervisor", "host")),
)
"""Which words in the slug of a role tell what its devices are; the first that fits decides."""


@frozen
class Devices:
    """The switches of a site; which device of the inventory is which switch; and the servers, by key.

    ``chassis_links`` are the pairs of neighbouring members of virtual chassis whose members are switches of their own.
    """

    switches: dict[str, Switch]
    switch_of: dict[int, str]
    servers: dict[int, Entry]
    server_names: dict[int, str]
    chassis_links: list[tuple[str, str]] = field(factory=list)


def use_of_role(role: Entry, options: Options) -> Use:
    """What the devices of a role are: as told, else by the words of its slug, else nothing that matters here."""
    slug = role.text("slug")
    if slug in options.roles:
        return options.roles[slug]
    parts = f"-{slug}-"
    return next((use for use, words in _WORDS if any(f"-{word}" in parts for word in words)), Use.IGNORE)


def read_devices(dump: Dump, site: Entry, housing: Housing, options: Options, ledger: Ledger) -> Devices:
    """The switches and servers of a site that are in use."""
    slugs = {role.text("slug") for role in dump.all("devicerole")}
    for slug in options.roles:
        if slug not in slugs:
            known = ", ".join(sorted(slugs))
            raise BadTopology(f"{dump.where}: there is no device role {slug}; there are {known}.")
    switches: dict[int, tuple[Entry, Use]] = {}
    servers: dict[int, Entry] = {}
    for device, use in _usable(dump, site, housing, options, ledger):
        if use is Use.SERVER:
            if _has_power_of_rack(device, housing, options, ledger):
                servers[device.key] = device
        else:
            switches[device.key] = (device, use)
    found = Devices({}, {}, servers, {})
    for members in _groups(dump, switches, options.chassis):
        _add_switch(dump, members, found, housing, options, ledger)
    for device in servers.values():
        found.server_names[device.key] = ledger.name("device", device.text("name"), device.key)
    return found


def _usable(dump: Dump, site: Entry, housing: Housing, options: Options, ledger: Ledger) -> Iterator[tuple[Entry, Use]]:
    """The devices of the site that are in use, with what they are; what is left out is noted."""
    for device in dump.all("device"):
        if device.reference("site") != site.key:
            continue
        name = device.text("name") or f"device {device.key}"
        role = dump.named_by(device, "devicerole", "role", "device_role")
        use = Use.IGNORE if role is None else use_of_role(role, options)
        title = "no role" if role is None else f"role {role.text('slug')}"
        rack = device.reference("rack")
        if use is Use.IGNORE:
            ledger.leave_out(f"devices of {title}", name)
        elif device.text("status") != _ACTIVE:
            ledger.leave_out(f"devices of status {device.text('status')}", name)
        elif rack is not None and rack not in housing.racks and rack not in housing.unfed:
            ledger.leave_out("devices in racks that are left out", name)
        elif use is Use.SERVER and rack not in housing.racks:
            ledger.leave_out("servers in no rack, or in one without a power feed", name)
        else:
            if role is not None and role.text("slug") not in options.roles:
                tier = "servers" if use is Use.SERVER else f"switches of tier {use}"
                ledger.assume(f"devices of {title} are {tier}, by the name of the role", name)
            yield device, use


def _groups(dump: Dump, switches: dict[int, tuple[Entry, Use]], chassis: Chassis) -> Iterator[list[tuple[Entry, Use]]]:
    """The devices that are switches, with the members of a virtual chassis together if it is one device."""
    together: dict[int, list[tuple[Entry, Use]]] = {}
    for device, use in switches.values():
        chassis_key = device.reference("virtual_chassis")
        if chassis_key is None:
            yield [(device, use)]
        else:
            dump.get("virtualchassis", chassis_key, device)
            together.setdefault(chassis_key, []).append((device, use))
    for members in together.values():
        members.sort(key=lambda member: (member[0].reference("vc_position") or 0, member[0].key))
        # _add_switch joins each group to the one before it.
        if chassis is Chassis.ONE:
            racks = dict.fromkeys(member[0].reference("rack") for member in members)
            yield from ([member for member in members if member[0].reference("rack") == rack] for rack in racks)
        else:
            yield from ([member] for member in members)


def _add_switch(
    dump: Dump, members: list[tuple[Entry, Use]], found: Devices, housing: Housing, options: Options, ledger: Ledger
) -> None:
    """Add one switch, made of one device or of the members of a virtual chassis in one rack."""
    device, use = members[0]
    chassis = dump.named_by(device, "virtualchassis", "virtual_chassis")
    wanted, rack = device.text("name"), device.reference("rack")
    if chassis is not None and options.chassis is Chassis.ONE:
        master = chassis.reference("master")
        device, use = next((member for member in members if member[0].key == master), members[0])
        wanted = chassis.text("name") or wanted
        if _racks_of_chassis(dump, chassis) == 1:
            ledger.assume("a virtual chassis is one switch: it fails as a whole", f"{wanted}, of {len(members)}")
        else:
            place_name = housing.racks[rack].name if rack in housing.racks else f"rack {rack}"
            wanted = f"{wanted} in {place_name}"
            ledger.assume("a virtual chassis over several racks is a switch in each of them: one goes dark alone",
                          f"{wanted}, of {len(members)}")  # fmt: skip
    elif chassis is not None:
        position = device.reference("vc_position")
        wanted = wanted or f"{chassis.text('name')}-{device.key if position is None else position}"
    name = ledger.name("device", wanted, device.key)
    if rack not in housing.racks:
        ledger.assume("switches in no rack, or in one without a power feed, always have power", name)
    found.switches[name] = _placed(name, use, [member for member, _ in members], housing, ledger)
    for member, _ in members:
        found.switch_of[member.key] = name
    if chassis is not None:
        _join(dump, device, chassis, found)


def _placed(name: str, use: Use, members: list[Entry], housing: Housing, ledger: Ledger) -> Switch:
    """A switch in its rack; or, if its cords lead to fewer feeds than the rack has, by itself on those."""
    rack = housing.racks.get(members[0].reference("rack") or -1)
    cords = [cord for member in members for cord in housing.units.cords(member)]
    supplies = tuple(dict.fromkeys(cords))
    if rack is None:
        return Switch(name, use.value, None, supplies)  # type: ignore[arg-type]
    if supplies and len(supplies) < len(rack.supplies):
        ledger.assume("switches whose cords lead to fewer feeds than their rack has hang on those, and not on the rack",
                      f"{name} on {', '.join(supplies)}")  # fmt: skip
        return Switch(name, use.value, None, supplies)  # type: ignore[arg-type]
    return Switch(name, use.value, rack.name)  # type: ignore[arg-type]


def _has_power_of_rack(device: Entry, housing: Housing, options: Options, ledger: Ledger) -> bool:
    """Whether a server is fed like its rack, as far as its cords are recorded; if not it may be left out."""
    rack = housing.racks[device.reference("rack") or -1]
    name, cords = device.text("name") or f"device {device.key}", housing.units.cords(device)
    if enclosure := housing.units.enclosure(device):
        ledger.assume("servers in bays of one enclosure fail one by one: that it fails as a whole is not modelled",
                      f"{name} in {enclosure}")  # fmt: skip
    if len(rack.supplies) < 2:  # noqa: PLR2004  # one feed or two
        return True
    if not cords:
        ledger.assume("servers without recorded power cords are fed like their rack", name)
    elif len(cords) < len(rack.supplies):
        told = f"{name} on {', '.join(cords)}"
        if options.single_corded is Cords.LEAVE_OUT:
            ledger.leave_out("servers whose cords lead to fewer feeds than their rack has; "
                             "--single-corded as-rack takes them", told)  # fmt: skip
            return False
        ledger.assume("servers whose cords lead to fewer feeds are fed like their rack, as told", told)
    return True


def _racks_of_chassis(dump: Dump, chassis: Entry) -> int:
    """In how many racks the members of a virtual chassis stand."""
    members = (one for one in dump.all("device") if one.reference("virtual_chassis") == chassis.key)
    return len({one.reference("rack") for one in members})


def _join(dump: Dump, device: Entry, chassis: Entry, found: Devices) -> None:
    """Note that a part of a virtual chassis is joined to the part before it, whether a cable says so or not."""
    own = found.switch_of[device.key]
    earlier = [
        name
        for key, name in found.switch_of.items()
        if name != own and dump.tables["device"][key].reference("virtual_chassis") == chassis.key
    ]
    if earlier:
        found.chassis_links.append((earlier[-1], own))
