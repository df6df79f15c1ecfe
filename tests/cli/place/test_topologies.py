"""``place generate``, ``import`` and ``examples``: what they write and print, and what they refuse."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from physalia import cli
from physalia.placement.site.format import dumps, read
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.shipped import EXAMPLES, example
from tests import PATIENCE_S

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "place-import.schema.json").read_text(encoding="utf-8"))
HARBOUR = str(example("netbox-harbour.json"))


def run(*words: object) -> int:
    return cli.run(["place", *(str(word) for word in words)])


def test_generate_writes_the_fabric_that_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fabric.json"
    options = ["--servers", 300, "--servers-per-rack", 10, "--feeding", "dual", "--redundant-racks", "--colors", 3,
               "--aggregation-per-row", 1, "--seed", 9]  # fmt: skip
    assert run("generate", *options, "-o", path) == 0
    expected = Fabric(
        servers=300,
        servers_per_rack=10,
        feeding=Feeding.DUAL,
        redundant_racks=True,
        colors=3,
        aggregation_per_row=1,
        seed=9,
    )
    assert path.read_bytes() == dumps(generate(expected))
    assert "300 servers, 30 racks, 3 rows" in capsys.readouterr().out


def test_generate_without_options_is_the_default_fabric(tmp_path: Path) -> None:
    assert run("generate", "-o", tmp_path / "f.json") == 0
    assert read(tmp_path / "f.json") == generate(Fabric())


def test_generate_tells_machines_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "--servers", 40, "-o", tmp_path / "f.json", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    assert told["counts"]["servers"] == 40
    assert told["seed"] == 0


def test_import_prints_what_was_assumed_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", "netbox", HARBOUR, "--site", "Harbour 1", "-o", tmp_path / "h.json") == 0
    printed = capsys.readouterr().out
    assert "39 servers, 11 racks, 3 rows" in printed
    assert "left out:\n" in printed
    assert "  racks of status available:\n    C4\n" in printed
    assert " and 5 more\n" in printed
    assert len(read(tmp_path / "h.json").servers) == 39


def test_import_takes_every_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--site", "harbour-1", "--rack-status", "active", "--rack-status", "available", "--rack-role", "compute",
               "--servers-per-rack", 6, "--switches-per-rack", 2, "--virtual-chassis", "each", "--uplinks", "core",
               "--role", "edge-router=core", "--source", "MDB-1=Utility 1", "--color", "red", "--color", "green",
               "--capacity", 9]  # fmt: skip
    assert run("import", "netbox", HARBOUR, *options, "-o", tmp_path / "h.json", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    site = read(tmp_path / "h.json")
    assert told["counts"]["servers"] == len(site.servers) == 12 * 6
    assert {server.color for server in site.servers.values()} == {"red", "green"}
    assert {server.capacity for server in site.servers.values()} == {9}
    assert site.powers["MDB-1"].supplies == ("Utility 1",)
    assert {"tor-c1-1", "tor-C3-2", "edge-1"} <= set(site.switches)
    assert ["C4"] not in [note["objects"] for note in told["left_out"]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--role", "server"], "--role server: this must be two names with = between them"),
        (["--role", "server=blade"], "there is no use blade; there are server, rack, aggregation, core, ignore"),
        (["--source", "=Utility"], "--source =Utility: this must be two names"),
    ],
)
def test_options_that_make_no_sense_are_one_sentence(
    tmp_path: Path, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", "netbox", HARBOUR, "--site", "harbour-1", *options, "-o", tmp_path / "h.json") == 2
    assert says in capsys.readouterr().err


def test_nothing_is_written_when_the_input_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", "netbox", HARBOUR, "-o", tmp_path / "h.json") == 2
    assert not list(tmp_path.iterdir())
    said = capsys.readouterr()
    assert said.err == f"physalia: {HARBOUR}: 2 sites have racks; name one of harbour-1, quay-2.\n"
    assert not said.out
    assert run("generate", "-o", tmp_path / "none" / "f.json") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_file_that_is_no_inventory_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in (b"", b"rack,site", b"[]", b"{}"):
        (tmp_path / "dump.json").write_bytes(content)
        assert run("import", "netbox", tmp_path / "dump.json", "-o", tmp_path / "h.json") == 2
        said = capsys.readouterr().err
        assert said.startswith(f"physalia: {tmp_path / 'dump.json'}: ")
        assert said.endswith(".\n")
        assert said.count("\n") == 1


def test_examples_are_listed_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("examples") == 0
    printed = capsys.readouterr().out
    assert all(str(example(name)) in printed for name in EXAMPLES)
    assert run("examples", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(entry["path"]).name for entry in told["examples"]] == list(EXAMPLES)


def test_nothing_heavy_is_imported_for_help() -> None:
    code = "import sys, physalia.cli.place.topologies; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert not {"networkx", "z3", "highspy", "numpy", "msgspec"} & set(done.stdout.split())
