"""Distribution units: what feeds each one, by the cables between power feeds, outlets and power ports.

A unit is a device with outlets, or one whose role says so. One that is plugged into a circuit counts as part of that
circuit. One that hangs on the outlet of another unit, in whatever rack, is an element of power of its own: it has power
as long as any unit that it is plugged into has. A unit whose input nobody recorded hangs on whatever feeds its rack.

A device in a bay of an enclosure, such as a blade, has no cords of its own: it is fed by those of the enclosure.
"""

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from physalia.placement.netbox.cables import Cabling
from physalia.placement.netbox.dump import Dump, Entry
from physalia.placement.netbox.options import Ledger
from physalia.placement.site.topology import Power

_WORDS: Final = frozenset({"pdu", "pdus", "ups", "power"})


@define(eq=False)
class Units:
    """The units of a dump, and the elements of power that they are; those are made when somebody hangs on them."""

    dump: Dump
    cabling: Cabling
    ledger: Ledger
    circuits: dict[int, list[str]]
    """By the key of a device, the circuits that it is plugged into."""
    of_rack: dict[int, list[str]]
    """By the key of a rack, the circuits that are known to lead there."""
    made: dict[int, Power] = field(factory=dict)
    _inlets: dict[int, list[Entry]] = field(factory=dict)
    _outlets: dict[int, list[Entry]] = field(factory=dict)
    _enclosures: dict[int, Entry] = field(factory=dict)
    _under_way: set[int] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        for port in self.dump.all("powerport"):
            self._inlets.setdefault(port.number("device"), []).append(port)
        for outlet in self.dump.all("poweroutlet"):
            self._outlets.setdefault(outlet.number("device"), []).append(outlet)
        for bay in self.dump.all("devicebay"):
            inside = self.dump.named_by(bay, "device", "installed_device")
            if inside is not None:
                self._enclosures[inside.key] = self.dump.get("device", bay.number("device"), bay)

    def cascaded(self) -> Iterator[Entry]:
        """The units that are plugged into outlets of other units."""
        for key in sorted(self._inlets):
            device = self.dump.get("device", key, self._inlets[key][0])
            if self._is_unit(device) and key not in self.circuits and any(True for _ in self._above(key)):
                yield device

    def cords(self, device: Entry) -> list[str]:
        """The elements of power that a device is plugged into, or its enclosure if it stands in one, each once.

        None if no cord is recorded.
        """
        seen = set[int]()
        while True:
            direct = self.circuits.get(device.key, [])
            found = [*direct, *(name for unit in self._above(device.key) for name in self.feeding(unit))]
            seen.add(device.key)
            if found or device.key not in self._enclosures or self._enclosures[device.key].key in seen:
                return list(dict.fromkeys(found))
            device = self._enclosures[device.key]

    def enclosure(self, device: Entry) -> str:
        """The name of the enclosure in a bay of which a device stands; empty if it stands in none."""
        found = self._enclosures.get(device.key)
        return "" if found is None else self._called(found.key)

    def feeding(self, unit: int) -> list[str]:
        """The elements of power of a unit: its circuits, or itself as an element."""
        if unit in self.circuits:
            return self.circuits[unit]
        if unit not in self.made:
            if unit in self._under_way:
                self.ledger.leave_out("power cords that lead in a circle", self._called(unit))
                return []
            self._under_way.add(unit)
            inputs = list(self._above(unit))
            supplies = tuple(dict.fromkeys(name for one in inputs for name in self.feeding(one)))
            self._under_way.discard(unit)
            supplies = supplies if inputs else self._unknown(unit)
            if not supplies:
                return []
            self.made[unit] = Power(self.ledger.name("device", self._called(unit), unit), "pdu", supplies)
        return [self.made[unit].name]

    def _unknown(self, unit: int) -> tuple[str, ...]:
        rack = self.dump.tables["device"][unit].reference("rack")
        supplies = tuple(self.of_rack.get(rack, ())) if rack is not None else ()
        if supplies:
            self.ledger.assume("distribution units without a recorded input hang on any feed of their rack",
                               self._called(unit))  # fmt: skip
        return supplies

    def _above(self, device: int) -> Iterator[int]:
        """The units that a device is plugged into."""
        for inlet in self._inlets.get(device, ()):
            for outlet in self.cabling.far_ends(inlet, "poweroutlet"):
                yield outlet.number("device")

    def _is_unit(self, device: Entry) -> bool:
        role = self.dump.named_by(device, "devicerole", "role", "device_role")
        return device.key in self._outlets or (role is not None and not _WORDS.isdisjoint(role.text("slug").split("-")))

    def _called(self, unit: int) -> str:
        return self.dump.tables["device"][unit].text("name") or f"device {unit}"
