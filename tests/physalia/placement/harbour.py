"""A site of nobody's, in the format of NetBox 3.6.

`python -m tests.physalia.placement.harbour` writes the shipped inventory.

Harbour 1 has three rows of four racks, a meet-me room without power feeds, and what inventories have: a circuit that
is known only by the cable to its distribution unit, a rack with one feed, one that is not in use, uplinks through two
patch panels, a virtual chassis of two, a top-of-rack switch that no cable leaves, a rack without any, a server that is
offline, cables that are planned. Quay 2 is a site without racks that could be used.
"""

import json
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parents[3] / "physalia" / "placement" / "examples" / "netbox-harbour.json"

Port = tuple[str, int]


class Inventory:
    """Entries of a dump, by model, with keys that count up."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._keys: dict[str, int] = {}

    def add(self, model: str, **fields: Any) -> int:
        key = self._keys[model] = self._keys.get(model, 0) + 1
        self.entries.append({"model": f"dcim.{model}", "pk": key, "fields": fields})
        return key

    def fields(self, model: str, key: int) -> dict[str, Any]:
        (found,) = [one for one in self.entries if (one["model"], one["pk"]) == (f"dcim.{model}", key)]
        fields: dict[str, Any] = found["fields"]
        return fields

    def cable(self, one: Port, other: Port, status: str = "connected") -> int:
        key = self.add("cable", type="cat6a", status=status, label="", color="")
        for end, (kind, port) in (("A", one), ("B", other)):
            application, _, model = kind.rpartition(".")
            if not application:
                self.fields(model, port).update(cable=key, cable_end=end)
            self.add(
                "cabletermination",
                cable=key,
                cable_end=end,
                termination_type=[application or "dcim", model],
                termination_id=port,
            )
        return key


class Harbour:
    """Harbour 1, put up step by step."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        add = self.inventory.add
        self.site = add("site", name="Harbour 1", slug="harbour-1", status="active")
        quay = add("site", name="Quay 2", slug="quay-2", status="planned")
        self.roles = {
            slug: add("devicerole", name=slug.replace("-", " ").capitalize(), slug=slug, vm_role=False)
            for slug in ("server", "top-of-rack", "distribution-switch", "core-switch", "edge-router", "pdu",
                         "patch-panel")
        }  # fmt: skip
        self.compute = add("rackrole", name="Compute", slug="compute")
        self.infrastructure = add("rackrole", name="Infrastructure", slug="infrastructure")
        self.racks: dict[str, int] = {}
        self.devices: dict[str, int] = {}
        self.ports: dict[int, int] = {}
        add("rack", name="Q1", site=quay, location=None, status="planned", role=None, u_height=42)
        self.put_up_racks()
        self.feed_racks()
        self.put_up_network()
        self.put_up_servers()

    def put_up_racks(self) -> None:
        add = self.inventory.add
        for row in "ABC":
            location = add("location", name=f"Row {row}", slug=f"row-{row.lower()}", site=self.site, parent=None)
            for number in range(1, 5):
                status = "available" if (row, number) == ("C", 4) else "active"
                self.racks[f"{row}{number}"] = add(
                    "rack",
                    name=f"{row}{number}",
                    site=self.site,
                    location=location,
                    status=status,
                    role=self.compute,
                    u_height=42,
                )
        self.racks["Meet-me 1"] = add(
            "rack",
            name="Meet-me 1",
            site=self.site,
            location=None,
            status="active",
            role=self.infrastructure,
            u_height=24,
        )

    def feed_racks(self) -> None:
        add = self.inventory.add
        panels = [add("powerpanel", name=f"MDB-{number}", site=self.site, location=None) for number in range(1, 5)]
        for name, rack in self.racks.items():
            if name.startswith("Meet-me"):
                continue
            pair = (2, 3) if name.startswith("C") else (0, 1)
            for side, panel in zip("AB", pair, strict=True):
                by_cable = (name, side) == ("A3", "B")
                feed = add(
                    "powerfeed",
                    name=f"{name}/{side}",
                    power_panel=panels[panel],
                    rack=None if by_cable else rack,
                    status="planned" if (name, side) == ("B4", "B") else "active",
                    type="primary" if side == "A" else "redundant",
                )
                if by_cable:
                    pdu = self.device("pdu-a3-b", "pdu", "A3")
                    port = add("powerport", device=pdu, name="Inlet")
                    self.inventory.cable(("powerfeed", feed), ("powerport", port))
        add("powerfeed", name="spare", power_panel=panels[0], rack=None, status="active", type="primary")

    def put_up_network(self) -> None:
        cores = [self.device(f"core-{at}", "core-switch", rack) for at, rack in ((1, "A1"), (2, "B1"))]
        dists = [self.device(f"dist-{at}", "distribution-switch", rack) for at, rack in ((1, "A2"), (2, "B2"))]
        for dist in dists:
            for core in cores:
                self.connect(dist, core)
        self.connect(dists[0], cores[0])  # a second cable: the two are a bundle
        self.connect(cores[0], cores[1])
        for rack in ("A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"):
            top = self.device(f"tor-{rack.lower()}", "top-of-rack", rack)
            for dist in dists:
                self.connect(top, dist)
        chassis = self.inventory.add("virtualchassis", name="tor-c1", master=None, domain="")
        members = [self.device(None, "top-of-rack", "C1", chassis=chassis, position=at) for at in (1, 2)]
        self.inventory.fields("virtualchassis", chassis)["master"] = members[0]
        self.members = members
        self.patch(members, dists)
        self.device("tor-c2", "top-of-rack", "C2")
        router = self.device("edge-1", "edge-router", "Meet-me 1")
        self.connect(router, cores[0])
        self.inventory.cable(("interface", self.interface(cores[1])), ("circuits.circuittermination", 7))
        self.connect(self.devices["tor-a1"], self.devices["tor-a2"], status="planned")

    def patch(self, members: list[int], dists: list[int]) -> None:
        """The uplinks of row C: a patch panel in the row, a trunk, a patch panel in the meet-me room."""
        add = self.inventory.add
        fronts = []
        rears = []
        for name, rack in (("patch-c", "C1"), ("patch-meet-me", "Meet-me 1")):
            panel = self.device(name, "patch-panel", rack)
            rear = add("rearport", device=panel, name="Trunk", type="mpo", positions=4)
            rears.append(rear)
            fronts.append(
                [
                    add(
                        "frontport",
                        device=panel,
                        name=f"Port {at}",
                        type="lc",
                        rear_port=rear,
                        rear_port_position=at,
                    )
                    for at in range(1, 5)
                ]
            )
        self.inventory.cable(("rearport", rears[0]), ("rearport", rears[1]))
        for at, (member, dist) in enumerate(zip(members, dists, strict=True)):
            self.inventory.cable(("interface", self.interface(member)), ("frontport", fronts[0][at]))
            self.inventory.cable(("frontport", fronts[1][at]), ("interface", self.interface(dist)))

    def put_up_servers(self) -> None:
        chassis = self.members
        for rack in (name for name in self.racks if name not in {"C3", "C4", "Meet-me 1"}):
            for number in range(1, 5):
                name = f"srv-{rack.lower()}-{number}"
                status = "offline" if name == "srv-b3-4" else "active"
                server = self.device(name, "server", rack, status=status)
                if rack == "C1":
                    self.connect(server, chassis[number % 2])
                elif rack != "C2":
                    self.connect(server, self.devices[f"tor-{rack.lower()}"])
        management = self.interface(self.devices["srv-a1-1"], management=True)
        self.inventory.cable(("interface", management), ("interface", self.interface(self.devices["tor-a2"])))

    def device(
        self,
        name: str | None,
        role: str,
        rack: str,
        *,
        chassis: int | None = None,
        position: int | None = None,
        status: str = "active",
    ) -> int:
        key = self.inventory.add(
            "device",
            name=name,
            role=self.roles[role],
            site=self.site,
            rack=self.racks[rack],
            status=status,
            virtual_chassis=chassis,
            vc_position=position,
            vc_priority=None,
        )
        if name is not None:
            self.devices[name] = key
        return key

    def interface(self, device: int, *, management: bool = False) -> int:
        number = self.ports[device] = self.ports.get(device, 0) + 1
        name = "ipmi" if management else f"et-{number}"
        return self.inventory.add(
            "interface", device=device, name=name, type="10gbase-t", enabled=True, mgmt_only=management
        )

    def connect(self, one: int, other: int, status: str = "connected") -> None:
        ends = [("interface", self.interface(device)) for device in (one, other)]
        self.inventory.cable(ends[0], ends[1], status)


def harbour() -> list[dict[str, Any]]:
    """The entries of the inventory, in the order in which NetBox would write them: model by model."""
    entries = Harbour().inventory.entries
    models = list(dict.fromkeys(entry["model"] for entry in entries))
    return sorted(entries, key=lambda entry: (models.index(entry["model"]), entry["pk"]))


def as_text(entries: list[dict[str, Any]]) -> str:
    """A dump, one entry a line."""
    return "[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n"


if __name__ == "__main__":
    SHIPPED.write_text(as_text(harbour()), encoding="utf-8")
