"""Every dialect of NetBox says the same of the same site: dumps from before 3.6, from 4.5 on, and databases as text."""

import re
from typing import Any

import pytest

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.dump import loads
from physalia.placement.netbox.inventory import import_site
from physalia.placement.netbox.options import Imported, Options
from tests.physalia.placement.harbour import Inventory, as_text, harbour

Entries = list[dict[str, Any]]
TYPES = {
    ("dcim", name): at for at, name in enumerate(("interface", "frontport", "rearport", "powerport", "powerfeed"), 7)
}
TYPES |= {("circuits", "circuittermination"): 90}
KEYS = {"site", "location", "rack", "role", "device", "power_panel", "cable", "virtual_chassis", "master", "parent",
        "rear_port", "front_port", "termination_type", "device_role"}  # fmt: skip


def imported(content: str) -> Imported:
    return import_site(loads(content.encode(), "inventory"), Options(site="harbour-1"))


def before_3_6(entries: Entries) -> Entries:
    """A device called its role otherwise."""
    for entry in entries:
        if entry["model"] == "dcim.device":
            entry["fields"]["device_role"] = entry["fields"].pop("role")
    return entries


def from_4_5(entries: Entries) -> Entries:
    """What is behind a front port is an entry of its own."""
    found = []
    for entry in entries:
        found.append(entry)
        if entry["model"] == "dcim.frontport":
            fields = entry["fields"]
            behind = {"rear_port": fields.pop("rear_port"), "rear_port_position": fields.pop("rear_port_position")}
            mapping = {"device": fields["device"], "front_port": entry["pk"], "front_port_position": 1, **behind}
            found.append({"model": "dcim.portmapping", "pk": 1000 + entry["pk"], "fields": mapping})
    return found


def as_sql(entries: Entries) -> str:
    """The tables of a database that hold these entries, as pg_dump writes them."""
    tables: dict[str, Entries] = {}
    for entry in entries:
        tables.setdefault(entry["model"].replace(".", "_"), []).append(entry)
    lines = ["--", "-- PostgreSQL database dump", "--", ""]
    for table, rows in tables.items():
        names = list(dict.fromkeys(name for row in rows for name in row["fields"]))
        columns = ", ".join(["id", *(f"{name}_id" if name in KEYS else f'"{name}"' for name in names)])
        lines.append(f"COPY public.{table} ({columns}) FROM stdin;")
        lines += [
            "\t".join([str(row["pk"]), *(_cell(name, row["fields"].get(name)) for name in names)]) for row in rows
        ]
        lines += ["\\.", ""]
    lines.append("COPY public.django_content_type (id, app_label, model) FROM stdin;")
    lines += ["\t".join((str(key), *kind)) for kind, key in TYPES.items()]
    return "\n".join([*lines, "\\.", "", "CREATE INDEX something ON public.dcim_cable USING btree (id);", ""])


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if name == "termination_type":
        return str(TYPES[tuple(value)])
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


@pytest.mark.parametrize("dialect", [before_3_6, from_4_5])
@pytest.mark.parametrize("form", [as_text, as_sql])
def test_a_dialect_says_the_same(dialect: Any, form: Any) -> None:
    expected = imported(as_text(harbour()))
    assert any("patch" in one for note in expected.left_out for one in note.objects)
    assert imported(form(dialect(harbour()))) == expected


def test_a_database_without_a_dialect_says_the_same() -> None:
    assert imported(as_sql(harbour())) == imported(as_text(harbour()))


def test_without_its_mapping_a_way_through_a_panel_is_refused() -> None:
    entries = [entry for entry in from_4_5(harbour()) if entry["model"] != "dcim.portmapping"]
    with pytest.raises(
        BadTopology, match=r"frontport 1 .* does not name its rear port, .* the file holds no dcim.port"
    ):
        imported(as_text(entries))


def test_a_front_port_may_have_several_rear_ports() -> None:
    """One front port, two strands: a way through either rear port arrives."""
    inventory = Inventory()
    panel = inventory.add("device", name="panel", rack=None)
    front = inventory.add("frontport", device=panel, name="f", positions=2)
    rears = [inventory.add("rearport", device=panel, name=f"r{at}", positions=1) for at in (1, 2)]
    for at, rear in enumerate(rears, start=1):
        inventory.add("portmapping", device=panel, front_port=front, front_port_position=at, rear_port=rear,
                      rear_port_position=1)  # fmt: skip
    ends = [inventory.add("interface", device=panel, name=name) for name in "abc"]
    inventory.cable(("interface", ends[0]), ("frontport", front))
    for rear, end in zip(rears, ends[1:], strict=True):
        inventory.cable(("rearport", rear), ("interface", end))
    assert far_ends(inventory, ends[0]) == ends[1:]
    assert [far_ends(inventory, end) for end in ends[1:]] == [[ends[0]], [ends[0]]]


@pytest.mark.parametrize(
    ("profile", "far"),
    [("trunk-2c1p", [[3], [4]]), ("", [[3, 4], [3, 4]]), ("trunk-2c4p-shuffle", [[3, 4], [3, 4]])],
)
def test_a_trunk_leads_from_each_connector_to_the_same_one(profile: str, far: list[list[int]]) -> None:
    """Where the profile does not tell, every end leads to every other, as it did before there were profiles."""
    inventory = Inventory()
    device = inventory.add("device", name="d", rack=None)
    ends = [inventory.add("interface", device=device, name=str(at)) for at in range(4)]
    cable = inventory.add("cable", status="connected", label="", profile=profile)
    for at, end in enumerate(ends):
        inventory.add("cabletermination", cable=cable, cable_end="AB"[at // 2], termination_type=["dcim", "interface"],
                      termination_id=end, connector=1 + at % 2)  # fmt: skip
    assert [far_ends(inventory, end) for end in ends[:2]] == far


def far_ends(inventory: Inventory, interface: int) -> list[int]:
    from physalia.placement.netbox.cables import Cabling  # noqa: PLC0415

    for model in ("site", "rack", "devicerole"):
        if not any(entry["model"] == f"dcim.{model}" for entry in inventory.entries):
            inventory.add(model, name=model)
    dump = loads(as_text(inventory.entries).encode(), "inventory")
    start = dump.tables["interface"][interface]
    return [found.key for found in Cabling(dump).far_ends(start, "interface")]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text.replace("\tHarbour 1\t", "\t"), "line 6 has 3 values, and its table dcim_site 4 columns"),
        (lambda text: text[: text.index("\\.")], "the file ends inside the table dcim_site; it was cut off"),
        (lambda text: re.sub(r"COPY public.dcim_rack .*?\\\.", "", text, flags=re.DOTALL), "holds no dcim.rack; dump"),
        (lambda text: text.replace("COPY public.django_content_type", "COPY public.other"), "termination_type is None"),
    ],
)  # fmt: skip
def test_a_damaged_database_is_one_sentence(damage: Any, says: str) -> None:
    text = as_sql(harbour())
    with pytest.raises(BadTopology, match=re.escape(says)) as caught:
        imported(damage(text))
    assert damage(text) != text
    assert "\n" not in str(caught.value)
