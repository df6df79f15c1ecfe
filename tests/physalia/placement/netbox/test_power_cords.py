"""What feeds what is as cords say: units that hang on each other, single cords, and racks of which nothing is said."""

from typing import Any

import pytest

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.dump import loads
from physalia.placement.netbox.inventory import import_site
from physalia.placement.netbox.options import Cords, Imported, Options
from physalia.placement.survival.by_cuts import survives
from tests.physalia.placement.harbour import Inventory, as_text


class Hall:
    """Two racks, each with a top-of-rack switch and four servers; one core switch; nothing is said of power yet."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        add = self.inventory.add
        self.site = add("site", name="Hall", slug="hall")
        self.row = add("location", name="Row", slug="row", site=self.site, parent=None)
        self.roles = {slug: add("devicerole", name=slug, slug=slug) for slug in ("server", "tor", "core", "pdu")}
        self.panel = add("powerpanel", name="panel", site=self.site, location=None)
        self.racks = [add("rack", name=f"R{at}", site=self.site, location=self.row, status="active", role=None)
                      for at in (1, 2)]  # fmt: skip
        core = self.device("core-1", "core", None)
        for at, rack in enumerate(self.racks, 1):
            top = self.device(f"tor-{at}", "tor", rack)
            self.join(top, core)
            for number in range(1, 5):
                self.join(self.device(f"s{at}{number}", "server", rack), top)

    def device(self, name: str, role: str, rack: int | None) -> int:
        return self.inventory.add("device", name=name, role=self.roles[role], site=self.site, rack=rack,
                                  status="active", virtual_chassis=None, vc_position=None)  # fmt: skip

    def named(self, name: str) -> int:
        (key,) = [one["pk"] for one in self.inventory.entries if one["model"] == "dcim.device"
                  and one["fields"]["name"] == name]  # fmt: skip
        return int(key)

    def join(self, one: int, other: int) -> None:
        ports = [self.inventory.add("interface", device=device, name="e", mgmt_only=False) for device in (one, other)]
        self.inventory.cable(("interface", ports[0]), ("interface", ports[1]))

    def feed(self, name: str, rack: int | None, unit: int | None = None) -> None:
        key = self.inventory.add("powerfeed", name=name, power_panel=self.panel, rack=rack, status="active")
        if unit is not None:
            self.inventory.cable(("powerfeed", key), ("powerport", self.inlet(unit)))

    def inlet(self, device: int) -> int:
        return self.inventory.add("powerport", device=device, name="in")

    def plug(self, device: int, unit: int) -> None:
        outlet = self.inventory.add("poweroutlet", device=unit, name="out", power_port=None)
        self.inventory.cable(("poweroutlet", outlet), ("powerport", self.inlet(device)))

    def imported(self, **options: Any) -> Imported:
        return import_site(loads(as_text(self.inventory.entries).encode(), "hall"), Options(**options))


def noted(notes: Any, words: str) -> tuple[str, ...]:
    (found,) = [note.objects for note in notes if words in note.what]
    return tuple(found)


def test_a_unit_on_another_racks_unit_takes_its_rack_along() -> None:
    hall = Hall()
    units = [hall.device(f"pdu-{at}", "pdu", rack) for at, rack in enumerate(hall.racks, 1)]
    hall.feed("f1", None, units[0])
    hall.plug(units[1], units[0])
    found = hall.imported()
    site = found.topology
    assert site.racks["R2"].supplies == ("pdu-2",)
    assert site.powers["pdu-2"].supplies == ("f1",)
    assert site.single_points("R2") == {"pdu-2", "f1", "panel"}
    assert site.single_points("R1") == {"f1", "panel"}
    assert noted(found.assumed, "hang on others") == ("R2 by pdu-2",)


def test_units_in_a_chain_hang_on_each_other_and_units_in_a_circle_are_no_supply() -> None:
    hall = Hall()
    first, second, third, fourth = [hall.device(f"pdu-{at}", "pdu", hall.racks[1]) for at in range(1, 5)]
    hall.feed("f1", hall.racks[0], first)
    hall.plug(second, first)
    hall.plug(third, second)
    hall.plug(third, fourth)
    hall.plug(fourth, third)
    found = hall.imported()
    site = found.topology
    assert site.powers["pdu-3"].supplies == ("pdu-2",)
    assert site.powers["pdu-4"].supplies == ("pdu-3",)
    assert noted(found.left_out, "in a circle")
    assert site.single_points("R2") >= {"f1"}


def test_a_server_with_one_cord_is_not_fed_twice() -> None:
    hall = Hall()
    units = [hall.device(name, "pdu", hall.racks[0]) for name in ("pdu-a", "pdu-b")]
    for rack in hall.racks:
        hall.feed(f"a{rack}", rack, units[0] if rack == hall.racks[0] else None)
        hall.feed(f"b{rack}", rack, units[1] if rack == hall.racks[0] else None)
    hall.plug(hall.named("s11"), units[0])
    for unit in units:
        hall.plug(hall.named("s12"), unit)
    found = hall.imported()
    assert "s11" not in found.topology.servers
    assert noted(found.left_out, "cords lead to fewer feeds") == ("s11 on a1",)
    assert "s12" in found.topology.servers
    assert noted(found.assumed, "without recorded power cords") == ("s13", "s14", "s21", "s22", "s23", "s24")
    told = hall.imported(single_corded=Cords.AS_RACK)
    assert "s11" in told.topology.servers
    assert noted(told.assumed, "fed like their rack, as told") == ("s11 on a1",)


def test_a_switch_with_one_cord_goes_dark_with_its_feed() -> None:
    """Its rack has two feeds, and the four nodes behind the switch are lost with one of them."""
    hall = Hall()
    other = hall.inventory.add("powerpanel", name="other", site=hall.site, location=None)
    units = [hall.device(name, "pdu", hall.racks[0]) for name in ("pdu-a", "pdu-b")]
    for rack in hall.racks:
        for side in (0, 1):
            hall.feed(f"{'ab'[side]}{rack}", rack, units[side] if rack == hall.racks[0] else None)
    for entry in hall.inventory.entries:
        if entry["model"] == "dcim.powerfeed" and entry["fields"]["name"].startswith("b"):
            entry["fields"]["power_panel"] = other
    cell = ("s11", "s12", "s13", "s14", "s21", "s22", "s23")
    assert survives(hall.imported().topology, "s24", cell).breaks == "R1"
    hall.plug(hall.named("tor-1"), units[0])
    found = hall.imported()
    assert found.topology.switches["tor-1"].supplies == ("a1",)
    assert noted(found.assumed, "hang on those, and not on the rack") == ("tor-1 on a1",)
    breaking = {device for device in ("a1", "b1", "panel", "other")
                if survives_without(found.topology, device, cell) is False}  # fmt: skip
    assert breaking == {"a1", "panel"}


def survives_without(topology: Any, device: str, cell: tuple[str, ...]) -> bool:
    from physalia.placement.survival.cuts import cut_sets  # noqa: PLC0415

    cut = cut_sets(topology, "s24").get(device)
    return cut is None or sum(cut.holds(topology.servers[name]) for name in cell) <= len(cell) // 2


def test_a_unit_whose_input_nobody_recorded_hangs_on_any_feed_of_its_rack() -> None:
    hall = Hall()
    unit = hall.device("pdu-a", "pdu", hall.racks[0])
    for rack in hall.racks:
        hall.feed(f"a{rack}", rack)
        hall.feed(f"b{rack}", rack)
    hall.plug(hall.named("tor-1"), unit)
    found = hall.imported()
    assert found.topology.powers["pdu-a"].supplies == ("a1", "b1")
    assert found.topology.switches["tor-1"].supplies == ("pdu-a",)
    assert noted(found.assumed, "without a recorded input") == ("pdu-a",)


def test_cables_between_the_same_server_and_switch_fall_together_and_that_is_said() -> None:
    hall = Hall()
    hall.feed("a1", hall.racks[0])
    hall.feed("a2", hall.racks[1])
    hall.join(hall.named("s11"), hall.named("tor-1"))
    found = hall.imported()
    assert found.topology.servers["s11"].switches == ("tor-1",)
    assert noted(found.assumed, "they fail together") == ("s11 and tor-1",)


def test_without_power_feeds_a_site_needs_an_assumption() -> None:
    hall = Hall()
    with pytest.raises(BadTopology, match="--feeds-per-rack assumes some"):
        hall.imported()
    found = hall.imported(feeds_per_rack=2)
    site = found.topology
    assert {name for name, power in site.powers.items() if power.kind == "feed"} == {"assumed feed A", "assumed feed B"}
    assert site.powers_above("R1")["feed"] == site.powers_above("R2")["feed"] == {"assumed feed A", "assumed feed B"}
    assert not site.single_points("R1")
    assert noted(found.assumed, "assumed feeds") == (
        "R1 by R1 by assumed feed A, R1 by assumed feed B", "R2 by R2 by assumed feed A, R2 by assumed feed B",
    )  # fmt: skip


def test_assumed_feeds_take_turns() -> None:
    site = Hall().imported(feeds_per_rack=1, feeds=2).topology
    assert [site.powers_above(rack)["feed"] for rack in ("R1", "R2")] == [{"assumed feed A"}, {"assumed feed B"}]
    alone = Hall().imported(feeds_per_rack=1).topology
    assert alone.single_points("R1") & alone.single_points("R2") == {"assumed feed A"}


def test_only_racks_of_which_nothing_is_said_get_assumed_feeds() -> None:
    hall = Hall()
    hall.feed("f1", hall.racks[0])
    site = hall.imported(feeds_per_rack=1).topology
    assert site.racks["R1"].supplies == ("f1",)
    assert site.powers_above("R2")["feed"] == {"assumed feed A"}


@pytest.mark.parametrize("cords", [1, 2])
def test_blades_are_fed_by_the_cords_of_their_enclosure(cords: int) -> None:
    """A blade has no power port: what its enclosure is plugged into is what it has."""
    hall = Hall()
    units = [hall.device(f"pdu-{at}", "pdu", hall.racks[0]) for at in (1, 2)]
    for at, unit in enumerate(units, 1):
        hall.feed(f"f{at}", hall.racks[0], unit)
    enclosure = hall.device("enclosure", "core", hall.racks[0])
    for unit in units[:cords]:
        hall.plug(enclosure, unit)
    for at, blade in enumerate(("s11", "s12"), 1):
        hall.inventory.add("devicebay", device=enclosure, name=f"bay {at}", installed_device=hall.named(blade))
    hall.inventory.add("devicebay", device=enclosure, name="empty", installed_device=None)
    found = hall.imported()
    servers = found.topology.servers.keys() & {"s11", "s12"}
    assert noted(found.assumed, "is not modelled") == ("s11 in enclosure", "s12 in enclosure")
    assert "s11" not in noted(found.assumed, "without recorded power cords")
    if cords == 1:
        assert not servers
        assert noted(found.left_out, "--single-corded") == ("s11 on f1", "s12 on f1")
        assert {"s11", "s12"} <= hall.imported(single_corded=Cords.AS_RACK).topology.servers.keys()
    else:
        assert servers == {"s11", "s12"}


def test_an_enclosure_in_its_own_bay_is_no_endless_way() -> None:
    hall = Hall()
    for at in (1, 2):
        hall.feed(f"f{at}", hall.racks[0])
    blade, other = hall.named("s11"), hall.named("s12")
    for inside, around in ((blade, other), (other, blade)):
        hall.inventory.add("devicebay", device=around, name="bay", installed_device=inside)
    assert {"s11", "s12"} <= set(noted(hall.imported().assumed, "without recorded power cords"))
