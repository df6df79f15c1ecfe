"""The racks of a site and what feeds them, from a NetBox inventory.

NetBox knows power panels, and power feeds, which are circuits from a panel to a rack. A circuit becomes a power
element of kind ``pdu`` that supplies its rack; a panel becomes a ``feed``, or, where the importer is told what feeds
it, a ``ups`` under that feed. Distribution units that hang on each other are elements of their own (``units``).
"""

from collections.abc import Iterator
from itertools import count, cycle, islice
from string import ascii_uppercase

from attrs import field, frozen

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.cables import Cabling
from physalia.placement.netbox.dump import Dump, Entry
from physalia.placement.netbox.options import Ledger, Options
from physalia.placement.netbox.units import Units
from physalia.placement.site.topology import Power, Rack

_ACTIVE = "active"


@frozen
class Housing:
    """The racks that are used, by their key in the inventory, with their rows and their power.

    ``unfed`` are the keys of racks that no circuit leads to: there is no telling what power they have.
    """

    rows: list[str]
    racks: dict[int, Rack]
    powers: list[Power]
    unfed: set[int]
    units: Units
    roles: dict[int, str] = field(factory=dict)
    """The slug of each used rack's role, empty if it has none."""


def read_housing(dump: Dump, site: Entry, cabling: Cabling, options: Options, ledger: Ledger) -> Housing:
    """The racks of a site with their power; BadTopology if none is left."""
    entries = {entry.key: entry for entry in _racks(dump, site, options, ledger)}
    names = {key: ledger.name("rack", entry.text("name"), key) for key, entry in entries.items()}
    circuits, by_device, powers = _circuits(dump, site, set(entries), cabling, options, ledger)
    units = Units(dump, cabling, ledger, by_device, circuits)
    _cascade(units, circuits, names, ledger)
    powers += _assumed(circuits, names, options, ledger)
    rows: dict[int | None, str] = {}
    racks, roles, unfed = {}, {}, set()
    for key, entry in entries.items():
        if not circuits.get(key):
            unfed.add(key)
            ledger.leave_out("racks without a power feed", names[key])
            continue
        location = dump.named_by(entry, "location", "location")
        place = None if location is None else location.key
        if place not in rows:
            wanted = site.text("name") if location is None else location.text("name")
            rows[place] = ledger.name("row", wanted, site.key if place is None else place)
        if location is None:
            ledger.assume(f"racks without a location stand in one row, {rows[None]}", names[key])
        racks[key] = Rack(names[key], rows[place], tuple(dict.fromkeys(circuits[key])))
        role = dump.named_by(entry, "rackrole", "role")
        roles[key] = "" if role is None else role.text("slug")
    if not racks:
        raise BadTopology(
            f"{dump.where}: site {site.text('name')} has no rack of status {' or '.join(options.rack_statuses)} "
            "that a power feed leads to; --feeds-per-rack assumes some."
        )
    return Housing(list(rows.values()), racks, powers, unfed, units, roles)


def _cascade(units: Units, circuits: dict[int, list[str]], names: dict[int, str], ledger: Ledger) -> None:
    """Racks whose units hang on other units, perhaps in other racks, hang on them too."""
    for unit in units.cascaded():
        rack = unit.reference("rack")
        if rack in names:
            feeding = units.feeding(unit.key)
            circuits.setdefault(rack, []).extend(feeding)
            if feeding:
                ledger.assume("distribution units that hang on others feed their racks: they are lost with those",
                              f"{names[rack]} by {', '.join(feeding)}")  # fmt: skip


def _assumed(
    circuits: dict[int, list[str]], names: dict[int, str], options: Options, ledger: Ledger
) -> Iterator[Power]:
    """Circuits for racks that nothing leads to, from assumed feeds that take turns."""
    if not options.feeds_per_rack:
        return
    number = max(options.feeds or options.feeds_per_rack, options.feeds_per_rack)
    letters = (letter * times for times in count(1) for letter in ascii_uppercase)
    feeds = [ledger.name("source", f"assumed feed {letter}", letter) for letter in islice(letters, number)]
    turn, used = cycle(feeds), False
    for key, rack in names.items():
        if circuits.get(key):
            continue
        if not used:
            used = True
            yield from (Power(feed, "feed") for feed in feeds)
        for feed in islice(turn, options.feeds_per_rack):
            name = ledger.name("power feed", f"{rack} by {feed}", rack)
            circuits.setdefault(key, []).append(name)
            yield Power(name, "pdu", (feed,))
        ledger.assume("these racks have power from assumed feeds, which fail independently of each other",
                      f"{rack} by {', '.join(circuits[key])}")  # fmt: skip


def _racks(dump: Dump, site: Entry, options: Options, ledger: Ledger) -> Iterator[Entry]:
    for rack in dump.all("rack"):
        if rack.reference("site") != site.key:
            continue
        status = rack.text("status")
        if status in options.rack_statuses:
            yield rack
        else:
            ledger.leave_out(f"racks of status {status}", rack.text("name"))


def _circuits(
    dump: Dump, site: Entry, racks: set[int], cabling: Cabling, options: Options, ledger: Ledger
) -> tuple[dict[int, list[str]], dict[int, list[str]], list[Power]]:
    """The circuits that lead to each rack, those that each device is plugged into, and every element above one."""
    circuits: dict[int, list[str]] = {}
    by_device: dict[int, list[str]] = {}
    panels: dict[int, str] = {}
    found: list[Power] = []
    sources = _Sources(dump, options, ledger)
    for feed in dump.all("powerfeed"):
        plugged = [port.number("device") for port in cabling.far_ends(feed, "powerport")]
        led_to = _racks_of(dump, feed, plugged)
        here = [key for key in plugged if dump.get("device", key, feed).reference("site") == site.key]
        if not led_to and not here:
            ledger.leave_out("power feeds that lead to no rack", feed.text("name"))
        if not (led_to & racks or here):
            continue
        if feed.text("status") != _ACTIVE:
            ledger.leave_out(f"power feeds of status {feed.text('status')}", feed.text("name"))
            continue
        panel = dump.named_by(feed, "powerpanel", "power_panel")
        if panel is None:
            feed.refuse("it hangs on no power panel")
        if panel.key not in panels:
            panels[panel.key] = ledger.name("panel", panel.text("name"), panel.key)
            found += sources.above(panel, panels[panel.key])
        name = ledger.name("power feed", feed.text("name"), feed.key)
        found.append(Power(name, "pdu", (panels[panel.key],)))
        for rack in led_to & racks:
            circuits.setdefault(rack, []).append(name)
        for device in here:
            by_device.setdefault(device, []).append(name)
    return circuits, by_device, found


def _racks_of(dump: Dump, feed: Entry, plugged: list[int]) -> set[int]:
    """The racks that a circuit leads to: the one that it names, else those of the devices that it is plugged into."""
    named = feed.reference("rack")
    if named is not None:
        return {dump.get("rack", named, feed).key}
    racks = (dump.get("device", key, feed).reference("rack") for key in plugged)
    return {rack for rack in racks if rack is not None}


class _Sources:
    """What stands above panels: what the importer was told, else nothing."""

    def __init__(self, dump: Dump, options: Options, ledger: Ledger) -> None:
        known = {panel.text("name") for panel in dump.all("powerpanel")}
        for panel in options.sources:
            if panel not in known:
                raise BadTopology(
                    f"{dump.where}: there is no power panel {panel}; there are {', '.join(sorted(known))}."
                )
        self._told = options.sources
        self._ledger = ledger
        self._named: dict[str, str] = {}

    def above(self, panel: Entry, name: str) -> Iterator[Power]:
        """The panel, after the source that feeds it if one was named."""
        source = self._told.get(panel.text("name"))
        if source is None:
            self._ledger.assume("nothing is known above these panels: they fail independently of each other", name)
            yield Power(name, "feed")
            return
        if source not in self._named:
            self._named[source] = self._ledger.name("source", source, source)
            yield Power(self._named[source], "feed")
        self._ledger.assume("what feeds these panels is as told", f"{name} by {self._named[source]}")
        yield Power(name, "ups", (self._named[source],))
