"""NetBox inventories that are damaged, are none, or are asked for what they do not have: one sentence says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.dump import loads, read
from physalia.placement.netbox.options import Uplinks, Use
from tests.physalia.placement.harbour import harbour
from tests.physalia.placement.netbox.questions import Entries, find, imported


def drop_model(model: str) -> Callable[[Entries], Entries]:
    return lambda entries: [entry for entry in entries if entry["model"] != f"dcim.{model}"]


def change(model: str, where: dict[str, Any], **fields: Any) -> Callable[[Entries], Entries]:
    def changed(entries: Entries) -> Entries:
        find(entries, model, **where).update(fields)
        return entries

    return changed


def lose(model: str, where: dict[str, Any], name: str) -> Callable[[Entries], Entries]:
    def changed(entries: Entries) -> Entries:
        del find(entries, model, **where)[name]
        return entries

    return changed


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        *((drop_model(model), f"holds no dcim.{model}; dump") for model in ("site", "rack", "device", "devicerole")),
        (drop_model("powerpanel"), "the file holds no dcim.powerpanel at all, dump it too."),
        (drop_model("location"), "dcim.rack 2 (A1) cannot be used: it refers to dcim.location 1,"),
        (drop_model("location"), "the file holds no dcim.location at all, dump it too."),
        (drop_model("rackrole"), "it refers to dcim.rackrole 1,"),
        (drop_model("virtualchassis"), "it refers to dcim.virtualchassis 1,"),
        (drop_model("cabletermination"), "there is dcim.cable but no dcim.cabletermination"),
        (drop_model("cable"), "cannot be used: it refers to dcim.cable "),
        (drop_model("interface"), "dcim.cabletermination 3 cannot be used: it refers to dcim.interface 1,"),
        (drop_model("rearport"), "it refers to dcim.rearport 1,"),
        (drop_model("frontport"), "it refers to dcim.frontport 1,"),
        (drop_model("powerport"), "it refers to dcim.powerport 1,"),
        (lambda entries: drop_model("cable")(drop_model("cabletermination")(entries)), "it refers to dcim.cable"),
        (change("rack", {"name": "A1"}, location=99), "(A1) cannot be used: it refers to dcim.location 99,"),
        (change("rack", {"name": "A1"}, site="harbour-1"), "its field site holds 'harbour-1', which is no key"),
        (change("rack", {"name": "A1"}, status=3), "its field status holds 3, which is no text"),
        (lose("rack", {"name": "A1"}, "status"), "dcim.rack 2 (A1) cannot be used: it has no field status"),
        (change("powerfeed", {"name": "A1/A"}, power_panel=None), "(A1/A) cannot be used: it hangs on no power panel"),
        (change("cabletermination", {"cable": 1, "cable_end": "A"}, termination_type=41), "--natural-foreign"),
        (lambda entries: [*entries, entries[0]], "two entries are dcim.site 1;"),
        (lambda entries: [*entries, {"model": "dcim.site", "fields": {}}], "has no key; dump without"),
        (lambda entries: [*entries, {"model": "dcim.site"}], "is no entry of a dump of NetBox"),
        (lambda entries: [*entries, 7], "is no entry of a dump of NetBox"),
    ],
)  # fmt: skip
def test_a_damaged_inventory_is_one_sentence(damage: Callable[[Entries], Entries], says: str) -> None:
    with pytest.raises(BadTopology) as caught:
        imported(damage(harbour()))
    sentence = str(caught.value)
    assert sentence.startswith("dump.json: ")
    assert says in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "this is not JSON"),
        (b"\xff", "this is not JSON"),
        (b"id,name\n1,A1\n", "this is not JSON"),
        (b"{}", "this is no dump of NetBox"),
        (b"[]", "holds no dcim.site and no dcim.rack and no"),
    ],
)
def test_what_is_no_dump_is_one_sentence(content: bytes, says: str) -> None:
    with pytest.raises(BadTopology, match=rf"^dump\.json: .*{says}.*\.$"):
        loads(content, "dump.json")


def test_an_inventory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTopology, match=r"none\.json: the inventory cannot be read: No such file"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"site": None}, "2 sites have racks; name one of harbour-1, quay-2"),
        ({"site": "pier-3"}, "0 sites are called pier-3; those with racks are harbour-1, quay-2"),
        ({"site": "quay-2"}, "site Quay 2 has no rack of status active that a power feed leads to"),
        ({"rack_statuses": ("reserved", "planned")}, "has no rack of status reserved or planned"),
        ({"roles": {"blade": Use.SERVER}}, "there is no device role blade; there are core-switch, distribution-switch"),
        ({"sources": {"MDB-9": "Utility"}}, "there is no power panel MDB-9; there are MDB-1, MDB-2"),
        ({"servers_per_rack": -1}, "servers_per_rack is -1, which is negative"),
        ({"capacity": -1}, "capacity is -1, which is negative"),
        ({"colors": ("blue", "")}, "an empty color was asked for"),
        ({"colors": ()}, "an empty color was asked for"),
        ({"roles": {"server": Use.IGNORE}}, "no server of site Harbour 1 can be used"),
        (
            {"roles": {"core-switch": Use.IGNORE}, "uplinks": Uplinks.CORE},
            "there is no switch of tier core to assume uplinks to",
        ),
    ],
)
def test_options_that_give_no_topology_are_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadTopology) as caught:
        imported(**options)
    assert str(caught.value).startswith("dump.json: ")
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")
