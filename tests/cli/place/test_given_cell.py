"""`place prove --survives --servers ..` heeds every option; servers can be named with commas in them; swapped files."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve

from conformance.links import BadInput
from physalia.cli import run
from physalia.cli.place.cells import cell_of
from physalia.cli.place.given_cell import NAMED
from physalia.placement.effort import Effort
from physalia.placement.site import format as files
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.site.topology import Topology
from physalia.placement.survival.prove import prove
from tests.physalia.placement.questions import row_of_racks

ROOT = Path(__file__).parents[3]
CELL = ("s12", "s13", "s21", "s22", "s31", "s32", "s41")


def schema(name: str) -> Any:
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("place-survival"))
    return document


@pytest.fixture
def site(tmp_path: Path) -> str:
    files.write(row_of_racks(), tmp_path / "site.json")
    return str(tmp_path / "site.json")


def judge(site: str, *more: str, cell: str = ",".join(CELL)) -> int:
    return run(["place", "prove", site, "--instance", "s11", "--survives", "--servers", cell, *more])


def policy(tmp_path: Path, most: int) -> str:
    file = tmp_path / f"at-most-{most}.toml"
    file.write_text(f'[[rules]]\nid = "rack-cap"\ntype = "cap"\nkind = "rack"\nmost = {most}\n', encoding="utf-8")
    return str(file)


def test_without_a_policy_only_survival_is_judged(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(site, "--json") == 0
    assert set(told(capsys)) == {"schema_version", "query", "servers", "survival"}


def test_the_rules_of_the_policy_are_judged(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(site, "--policy", policy(tmp_path, 2), "--json") == 0
    document = told(capsys)
    assert document["broken"] == []
    assert document["cost"]["worst_hop"] == 4
    assert judge(site, "--policy", policy(tmp_path, 1), "--json") == 1
    assert [one["rule"] for one in told(capsys)["broken"]] == ["rack-cap"] * 3
    assert judge(site, "--policy", policy(tmp_path, 1)) == 1
    assert "rule rack-cap is broken: 2 nodes are in rack r1; 1 may be." in capsys.readouterr().out


def test_a_certificate_says_what_can_be_said_of_it(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert = tmp_path / "cert.json"
    arguments = ("--policy", policy(tmp_path, 2), "--cert", str(cert))
    assert judge(site, *arguments, "--json") == 0
    assert told(capsys)["certificate"] == str(cert)
    made = json.loads(cert.read_text(encoding="utf-8"))
    jsonschema.validate(made, schema("place-certificate"))
    assert (made["claim"], made["note"], made["placement"]) == ("feasible", NAMED, sorted(CELL))
    assert run(["place", "check", str(cert), site, "--policy", arguments[1]]) == 0
    cert.unlink()
    assert judge(site, "--policy", policy(tmp_path, 1), "--cert", str(cert)) == 1
    assert "no certificate: a rule is broken." in capsys.readouterr().out
    assert not cert.exists()


def test_the_devices_that_matter_are_told(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(site, "--devices", "3", "--json") == 0
    document = told(capsys)
    assert 0 < document["unavailability"] < 1e-2
    assert len(document["devices"]) == 3
    assert judge(site, "--devices", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("of that time" in line for line in lines) == 3


def test_a_time_limit_holds_for_z3_too() -> None:
    heard: list[str] = []
    made = generate(Fabric(servers=2_000))
    names = list(made.servers)
    effort = Effort(deadline=1.0, told=heard.append, clock=lambda: 1.0)
    graph, by_z3 = prove(made, names[0], names[40:320:40], effort)
    assert graph.holds is not None
    assert by_z3.holds is None  # it got a millisecond


def with_commas(site: Topology, names: dict[str, str]) -> Topology:
    servers = {names.get(old, old): evolve(one, name=names.get(old, old)) for old, one in site.servers.items()}
    return evolve(site, servers=servers)


def test_servers_are_named_in_lists_or_one_by_one() -> None:
    site = with_commas(row_of_racks(), {"s12": "s1,2", "s13": "3,s"})
    assert cell_of(site, ["s21,s22", "s31"]) == ("s21", "s22", "s31")
    assert cell_of(site, ["s1,2", "3,s", "s21,s22"]) == ("s1,2", "3,s", "s21", "s22")
    assert cell_of(site, ['"s1,2",s21,"3,s"']) == ("s1,2", "s21", "3,s")
    assert cell_of(site, ["s21 , s22", " s31 "]) == ("s21", "s22", "s31")


@pytest.mark.parametrize("text", ["s21,,s22", ",s21", "s21,", "", " "])
def test_a_missing_name_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="a name is missing"):
        cell_of(row_of_racks(), [text])


def test_an_inventory_is_to_be_imported_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dumped = tmp_path / "netbox.json"
    dumped.write_text('[{"model": "dcim.site", "pk": 1, "fields": {}}]', encoding="utf-8")
    stored = tmp_path / "netbox.sql"
    stored.write_text("--\n\nCOPY public.dcim_site (id) FROM stdin;\n", encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text('[{"model": "library.book"}]', encoding="utf-8")
    for file, is_one in ((dumped, True), (stored, True), (other, False)):
        assert run(["place", "audit", str(file)]) == 2
        assert ("`physalia place import netbox` makes one of it" in capsys.readouterr().err) == is_one


def test_a_list_that_is_a_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(with_commas(row_of_racks(), {"s12": "s21,s22"}), tmp_path / "site.json")
    assert judge(str(tmp_path / "site.json"), cell="s21,s22") == 2
    assert "is the name of one server, and a list of 2" in capsys.readouterr().err


def test_a_cell_with_commas_in_its_names_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(with_commas(row_of_racks(), {"s12": "s1,2"}), tmp_path / "site.json")
    site, rest = str(tmp_path / "site.json"), ",".join(CELL[1:])
    assert judge(site, "--servers", rest, "--json", cell="s1,2") == 0
    assert told(capsys)["servers"] == ["s1,2", *CELL[1:]]
    availability = ["place", "availability", site, "--instance", "s11", "--json"]
    assert run([*availability, "--servers", f'"s1,2",{rest}']) == 0
    assert json.loads(capsys.readouterr().out)["servers"] == ["s1,2", *CELL[1:]]


def test_swapped_files_are_a_sentence(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert = tmp_path / "cert.json"
    assert judge(site, "--policy", policy(tmp_path, 2), "--cert", str(cert)) == 0
    capsys.readouterr()
    for arguments, wrong in (([site, str(cert)], site), ([str(cert), str(cert)], str(cert)), ([site, site], site)):
        assert run(["place", "check", *arguments]) == 2
        sentence = capsys.readouterr().err
        assert sentence.startswith(f"physalia: {wrong}: this is a ")
        assert sentence.endswith("the order is CERT TOPOLOGY.\n")


def test_a_certificate_for_a_topology_and_json_for_a_policy_are_a_sentence(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert = str(tmp_path / "cert.json")
    assert judge(site, "--policy", policy(tmp_path, 2), "--cert", cert) == 0
    capsys.readouterr()
    for command in (
        ["query", cert, "--instance", "s11"],
        ["audit", cert],
        ["availability", cert, "--instance", "s11", "--servers", "s12"],
    ):
        assert run(["place", *command]) == 2
        assert capsys.readouterr().err == f"physalia: {cert}: this is a certificate, but TOPOLOGY is a topology.\n"
    assert run(["place", "check", cert, site, "--policy", site]) == 2
    assert capsys.readouterr().err.startswith(f"physalia: {site}: this is not TOML: ")
