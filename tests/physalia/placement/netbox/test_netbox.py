"""NetBox inventories: the shipped one is imported whole, each option does what it says."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.placement.netbox.cables import Cabling
from physalia.placement.netbox.dump import loads, read
from physalia.placement.netbox.inventory import import_site
from physalia.placement.netbox.options import Chassis, Ledger, Options, Uplinks, Use
from physalia.placement.site.topology import Power, Rack, Switch
from physalia.placement.site.validity import build
from tests.physalia.placement.harbour import SHIPPED, Harbour, Inventory, as_text, harbour
from tests.physalia.placement.netbox.questions import find, imported, key_of, noted, topology


def test_the_shipped_inventory_is_the_one_described_here() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == as_text(harbour())


def test_the_shipped_inventory_without_assumptions() -> None:
    found = imported()
    site = found.topology
    assert site.name == "Harbour 1"
    assert list(site.racks) == [f"{row}{at}" for row in "ABC" for at in range(1, 5) if (row, at) != ("C", 4)]
    assert site.rows == ("Row A", "Row B", "Row C")
    assert len(site.servers) == 8 * 4 - 1 + 4 + 4
    assert noted(found.left_out, "racks of status available") == ("C4",)
    assert noted(found.left_out, "racks without a power feed") == ("Meet-me 1",)
    assert noted(found.left_out, "power feeds of status planned") == ("B4/B",)
    assert noted(found.left_out, "power feeds that lead to no rack") == ("spare",)
    assert noted(found.left_out, "devices of status offline") == ("srv-b3-4",)
    assert noted(found.left_out, "devices of role edge-router") == ("edge-1",)
    assert noted(found.left_out, "ways between these switches and the rest") == ("tor-c2",)
    assert set(noted(found.left_out, "management")) == {"srv-a1-1 ipmi", "tor-a2 et-8"}
    assert noted(found.left_out, "not connected") == ("cable 31",)
    assert noted(found.assumed, "without a cable to a top-of-rack") == tuple(f"srv-c2-{at}" for at in range(1, 5))


def test_circuits_and_panels_become_power() -> None:
    site = topology()
    assert site.powers["MDB-1"] == Power("MDB-1", "feed")
    assert site.powers["A1/A"] == Power("A1/A", "pdu", ("MDB-1",))
    assert site.racks["A1"].supplies == ("A1/A", "A1/B")
    assert site.racks["A3"].supplies == ("A3/A", "A3/B")  # the second by its cable alone
    assert site.single_points("B4") == {"B4/A", "MDB-1"}
    assert site.single_points("A1") == frozenset()
    assert site.powers_above("C1")["feed"] == {"MDB-3", "MDB-4"}


def test_what_feeds_panels_can_be_told() -> None:
    sources = {"MDB-1": "Utility 1", "MDB-2": "Utility 2", "MDB-3": "Utility 1", "MDB-4": "Utility 2"}
    site = topology(sources=sources)
    assert site.powers["MDB-3"] == Power("MDB-3", "ups", ("Utility 1",))
    assert site.powers["Utility 1"] == Power("Utility 1", "feed")
    assert site.powers_above("C1")["feed"] == site.powers_above("A1")["feed"] == {"Utility 1", "Utility 2"}
    one = topology(sources={"MDB-1": "Utility", "MDB-2": "Utility"})
    assert one.single_points("A1") == {"Utility"}


def test_cables_are_walked_through_patch_panels() -> None:
    site = topology()
    assert {link.ends for link in site.links.values() if "tor-c1" in link.ends} == {
        ("dist-1", "tor-c1"),
        ("dist-2", "tor-c1"),
    }


def test_the_way_leaves_a_panel_where_it_entered_the_one_before() -> None:
    site = topology(chassis=Chassis.EACH)
    uplinks = {link.ends for link in site.links.values() if "tor-c1" in link.name and "dist" in link.name}
    assert uplinks == {("dist-1", "tor-c1-1"), ("dist-2", "tor-c1-2")}


def test_every_cable_is_one_link_and_parallel_ones_are_links_of_their_own() -> None:
    tops = [f"tor-{row}{at}" for row in "ab" for at in range(1, 5)]
    assert sorted(topology().links) == sorted(
        [
            *(f"dist-{at}--{top}" for at in (1, 2) for top in [*tops, "tor-c1"]),
            *(f"core-{core}--dist-{at}" for core in (1, 2) for at in (1, 2)),
            "core-1--core-2",
            "core-1--dist-1 (2)",
        ]
    )


@pytest.mark.parametrize("status", ["planned", "decommissioning"])
def test_cables_that_carry_nothing_are_no_links(status: str) -> None:
    entries = harbour()
    trunk = find(entries, "rearport", device=key_of(entries, "device", name="patch-c"))["cable"]
    (cable,) = [entry for entry in entries if (entry["model"], entry["pk"]) == ("dcim.cable", trunk)]
    cable["fields"]["status"] = status
    assert not [name for name in imported(entries).topology.links if "tor-c1" in name]


def test_a_virtual_chassis_is_one_switch_or_its_members() -> None:
    one = topology()
    assert one.switches["tor-c1"] == Switch("tor-c1", "rack", "C1")
    assert {one.servers[f"srv-c1-{at}"].switches for at in range(1, 5)} == {("tor-c1",)}
    each = imported(chassis=Chassis.EACH)
    assert {"tor-c1-1", "tor-c1-2"} <= set(each.topology.switches)
    assert each.topology.servers["srv-c1-1"].switches == ("tor-c1-2",)
    assert each.topology.servers["srv-c1-2"].switches == ("tor-c1-1",)
    assert "tor-c1-1--tor-c1-2" in each.topology.links
    assert noted(each.assumed, "members of a virtual chassis") == ("tor-c1-1 and tor-c1-2",)


def test_a_virtual_chassis_over_two_racks_is_a_switch_in_each() -> None:
    """As one switch in its master's rack it would live although the other rack is dark, with who hangs on it there."""
    entries = harbour()
    chassis = key_of(entries, "virtualchassis", name="tor-c1")
    second = {"virtual_chassis": chassis, "vc_position": 2}
    find(entries, "device", **second)["rack"] = key_of(entries, "rack", name="C2")
    for master in (find(entries, "virtualchassis", name="tor-c1")["master"], key_of(entries, "device", **second), None):
        find(entries, "virtualchassis", name="tor-c1")["master"] = master
        found = imported(entries)
        site = found.topology
        assert "tor-c1" not in site.switches
        assert [site.switches[f"tor-c1 in {rack}"].rack for rack in ("C1", "C2")] == ["C1", "C2"]
        assert "tor-c1 in C1--tor-c1 in C2" in site.links
        # Two servers of rack C1 are cabled to each member, and stay with the one that their cable leads to.
        assert {site.servers[f"srv-c1-{at}"].switches for at in (2, 4)} == {("tor-c1 in C1",)}
        assert {site.servers[f"srv-c1-{at}"].switches for at in (1, 3)} == {("tor-c1 in C2",)}
        assert noted(found.assumed, "over several racks") == ("tor-c1 in C1, of 1", "tor-c1 in C2, of 1")


def test_a_cable_inside_a_virtual_chassis_joins_its_members_and_needs_no_assumption() -> None:
    inventory = Harbour().inventory
    members = [one["pk"] for one in inventory.entries if one["fields"].get("virtual_chassis") is not None]
    ports = [inventory.add("interface", device=one, name="stack", mgmt_only=False) for one in members]
    inventory.cable(("interface", ports[0]), ("interface", ports[1]))
    assert imported(inventory.entries).topology == topology()
    each = imported(inventory.entries, chassis=Chassis.EACH)
    assert each.topology.links == topology(chassis=Chassis.EACH).links
    assert not [note for note in each.assumed if "virtual chassis" in note.what]


def test_devices_in_racks_of_another_status_are_left_out() -> None:
    entries = harbour()
    find(entries, "device", name="tor-c2")["rack"] = key_of(entries, "rack", name="C4")
    found = imported(entries)
    assert "tor-c2" not in found.topology.switches
    assert noted(found.left_out, "devices in racks that are left out") == ("tor-c2",)


def test_servers_and_switches_are_assumed_up_to_a_number() -> None:
    found = imported(servers_per_rack=6, switches_per_rack=2, uplinks=Uplinks.AGGREGATION)
    site = found.topology
    assert len(site.servers) == 11 * 6
    assert all(sum(server.rack == rack for server in site.servers.values()) == 6 for rack in site.racks)
    assert site.servers["C3-server-1"].switches == ("tor-C3-1", "tor-C3-2")
    assert {site.servers[f"A1-server-{at}"].switches for at in (5, 6)} == {("tor-a1", "tor-A1-2")}
    assert dict(entry.split(": ") for entry in noted(found.assumed, "servers fill"))["B3"] == "3"


def test_only_racks_of_the_roles_told_are_filled() -> None:
    entries = harbour()
    find(entries, "rack", name="A1")["role"] = None
    site = imported(entries, servers_per_rack=6, rack_roles=("compute",)).topology
    counts = {rack: sum(server.rack == rack for server in site.servers.values()) for rack in ("A1", "A2")}
    assert counts == {"A1": 4, "A2": 6}


def test_racks_without_switches_take_no_assumed_servers() -> None:
    found = imported(servers_per_rack=6)
    assert noted(found.left_out, "racks without a top-of-rack switch") == ("C3",)
    assert not [server for server in found.topology.servers.values() if server.rack == "C3"]


def test_other_rack_statuses_can_be_used() -> None:
    assert "C4" in topology(rack_statuses=("active", "available")).racks


def test_uplinks_are_assumed_only_where_no_way_leads() -> None:
    without = set(topology().links)
    aggregation = imported(uplinks=Uplinks.AGGREGATION)
    assert set(aggregation.topology.links) - without == {"dist-1--tor-c2", "dist-2--tor-c2"}
    assert noted(aggregation.assumed, "no way to tier aggregation") == ("tor-c2",)
    core = topology(uplinks=Uplinks.CORE)
    assert set(core.links) - without == {"core-1--tor-c2", "core-2--tor-c2"}


def test_uplinks_go_to_the_switches_of_the_row_where_there_are_some() -> None:
    entries = harbour()
    planned = {entry["pk"] for entry in entries if entry["model"] == "dcim.cable"}
    for entry in entries:
        if entry["model"] == "dcim.cable" and entry["pk"] in planned:
            entry["fields"]["status"] = "planned"
    site = imported(entries, uplinks=Uplinks.AGGREGATION).topology
    above = {
        top: {end for link in site.links.values() if top in link.ends for end in link.ends} - {top}
        for top in ("tor-a1", "tor-b1", "tor-c2")
    }
    assert above == {"tor-a1": {"dist-1"}, "tor-b1": {"dist-2"}, "tor-c2": {"dist-1", "dist-2"}}
    assert {"core-1--dist-1", "core-2--dist-1", "core-1--dist-2", "core-2--dist-2"} <= set(site.links)


def test_colors_and_capacity_are_as_told() -> None:
    site = topology(colors=("red", "green"), capacity=3)
    assert [server.color for server in site.servers.values()][:4] == ["red", "green", "red", "green"]
    assert {server.capacity for server in site.servers.values()} == {3}


def test_roles_can_be_told() -> None:
    found = imported(roles={"edge-router": Use.CORE, "server": Use.SERVER})
    assert found.topology.switches["edge-1"] == Switch("edge-1", "core", None)
    assert "core-1--edge-1" in found.topology.links
    assert noted(found.assumed, "always have power") == ("edge-1",)
    assert not [note for note in found.assumed if "role server" in note.what]


def test_older_inventories_call_the_role_of_a_device_otherwise() -> None:
    entries = harbour()
    for entry in entries:
        if entry["model"] == "dcim.device":
            entry["fields"]["device_role"] = entry["fields"].pop("role")
    assert imported(entries).topology == topology()


def test_names_that_are_not_unique_here_are_changed_and_listed() -> None:
    entries = harbour()
    find(entries, "powerfeed", name="A2/A")["name"] = "A1/A"
    find(entries, "powerfeed", name="A3/A")["name"] = "A3+a"
    find(entries, "rack", name="B3")["name"] = "R & D & B3"
    find(entries, "device", name="srv-a1-1")["name"] = "A1"
    find(entries, "device", name="srv-a1-2")["name"] = "srv----a1--2"
    found = imported(entries)
    assert set(noted(found.assumed, "names are unique here")) == {
        "power feed A1/A -> power feed A1/A",
        "rack R & D & B3 -> R and D and B3",
        "device A1 -> device A1",
        "power feed A3+a -> A3 and a",
        "device srv----a1--2 -> srv-a1-2",
    }
    assert found.topology.racks["A2"].supplies == ("power feed A1/A", "A2/B")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("-srv-1-", "srv-1"),
        ("a---b", "a-b"),
        ("--", "server-7"),
        ("& x &", "and x and"),
        ("-& a & & b-", "and a and and b"),
    ],
)
def test_names_that_could_be_read_in_two_ways_are_changed(wanted: str, name: str) -> None:
    ledger = Ledger()
    assert ledger.name("server", wanted, 7) == name
    assert f"server {wanted} -> {name}" in noted(ledger.assumed, "these were changed")


@given(st.text(st.characters(codec="utf-8").filter(str.isprintable) | st.sampled_from("-& +")))
def test_whatever_something_is_called_a_topology_can_hold_its_name(wanted: str) -> None:
    ledger = Ledger()
    names = [ledger.name(kind, wanted, key) for key, kind in enumerate(("row", "rack", "power feed", "switch"))]
    row, rack, feed, switch = names
    site = build(
        rows=[row],
        racks=[Rack(rack, row, (feed.replace("+", " "),))],
        powers=[Power(feed.replace("+", " "), "feed")],
        switches=[Switch(switch, "rack", rack)],
        links=[],
        servers=[],
    )
    assert site.rows == (row,)


def test_many_things_of_one_name_are_told_apart() -> None:
    ledger = Ledger()
    given = [ledger.name("device", "A", key) for key in (1, 2, 3)]
    given += [ledger.name("device", "A (device 4, 1)", 9), ledger.name("device", "A", 4)]
    assert given == ["A", "device A", "A (device 3, 1)", "A (device 4, 1)", "A (device 4, 2)"]


def test_panels_cabled_in_a_circle_end_the_walk() -> None:
    site = Inventory()
    panel = site.add("device", name="panel")
    rears = [site.add("rearport", device=panel, name=f"r{at}", positions=1) for at in range(2)]
    fronts = [
        site.add("frontport", device=panel, name=f"f{at}", rear_port=rear, rear_port_position=1)
        for at, rear in enumerate(rears)
    ]
    site.cable(("rearport", rears[0]), ("rearport", rears[1]))
    site.cable(("frontport", fronts[0]), ("frontport", fronts[1]))
    for model in ("site", "rack", "devicerole", "powerpanel", "powerfeed"):
        site.add(model, name=model)
    dump = loads(json.dumps(site.entries).encode(), "circle.json")
    assert Cabling(dump).far_ends(dump.tables["frontport"][fronts[0]], "interface") == []


DEMONSTRATION = os.environ.get("PHYSALIA_NETBOX_DATA", "")
DUMPS = sorted(Path(DEMONSTRATION).glob("*.*")) if os.path.isdir(DEMONSTRATION) else [Path(DEMONSTRATION)]  # noqa: PTH112


@pytest.mark.skipif(not DEMONSTRATION, reason="PHYSALIA_NETBOX_DATA names no dump of NetBox's demonstration data")
@pytest.mark.parametrize("file", DUMPS, ids=lambda file: file.name)
@pytest.mark.parametrize(("chassis", "switches"), [(Chassis.ONE, 22), (Chassis.EACH, 26)])
def test_netboxs_demonstration_data(chassis: Chassis, switches: int, file: Path) -> None:
    options = Options(site="ncsu-065", servers_per_rack=12, switches_per_rack=1, chassis=chassis, uplinks=Uplinks.CORE)
    found = import_site(read(file), options)
    site = found.topology
    assert (len(site.racks), len(site.servers), len(site.switches)) == (20, 240, switches)
    assert noted(found.left_out, "racks of status available") == ("R305", "R306", "R307", "R308")
    assert noted(found.left_out, "racks without a power feed") == ("Plant 1", "Plant 2")
    pairs = {site.powers_above(rack)["feed"] for rack in site.racks}
    assert pairs == {frozenset({"Panel 1", "Panel 2"}), frozenset({"Panel 3", "Panel 4"})}
    assert not any(site.single_points(rack) for rack in site.racks)
