"""From an inventory to an answer and its certificate, through the command line: possible and impossible."""

import json
import os
from pathlib import Path

import pytest

from physalia import cli
from physalia.placement.site.shipped import example

DEMONSTRATION = os.environ.get("PHYSALIA_NETBOX_DATA", "")
SITES = [
    pytest.param(
        (
            str(example("netbox-harbour.json")),
            ["--site", "harbour-1", "--uplinks", "aggregation"],
            ("srv-a1-1", "srv-a2-1", "srv-b1-1"),
        ),
        id="harbour",
    ),
    pytest.param(
        (
            max(map(str, Path(DEMONSTRATION).glob("*.*")))
            if DEMONSTRATION and Path(DEMONSTRATION).is_dir()
            else DEMONSTRATION,
            ["--site", "ncsu-065", "--servers-per-rack", "12", "--switches-per-rack", "1", "--uplinks", "core"],
            ("R105-server-01", "R106-server-01", "R202-server-01"),
        ),
        id="demonstration",
        marks=pytest.mark.skipif(
            not DEMONSTRATION, reason="PHYSALIA_NETBOX_DATA names no dump of NetBox's demonstration data"
        ),
    ),
]
Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *words: object) -> tuple[int, str]:
    code = cli.run(["place", *(str(word) for word in words)])
    return code, capsys.readouterr().out


@pytest.fixture
def imported(request: pytest.FixtureRequest, tmp_path: Path, capsys: Capture) -> tuple[Path, list[str]]:
    inventory, options, clients = request.param
    topology = tmp_path / "site.json"
    code, _ = run(capsys, "import", "netbox", inventory, *options, "-o", topology)
    assert code == 0
    return topology, [
        word for client, server in zip(("instance", "primary", "replica"), clients, strict=True)
        for word in (f"--{client}", server)
    ]  # fmt: skip


@pytest.mark.parametrize("imported", SITES, indirect=True)
@pytest.mark.parametrize("policy", [None, "near-and-surviving.toml"])
def test_a_cell_is_placed_and_its_certificate_stands(
    imported: tuple[Path, list[str]], policy: str | None, tmp_path: Path, capsys: Capture
) -> None:
    topology, clients = imported
    certificate = tmp_path / "cell.json"
    rules = [] if policy is None else ["--policy", example(policy)]
    code, printed = run(capsys, "query", topology, *clients, *rules, "--cert", certificate, "--json")
    assert code == 0
    assert len(json.loads(printed)["servers"]) == 7
    assert run(capsys, "check", certificate, topology)[0] == 0


@pytest.mark.parametrize("imported", SITES, indirect=True)
def test_a_site_with_too_few_sets_of_feeds_is_proven_to_have_no_place(
    imported: tuple[Path, list[str]], tmp_path: Path, capsys: Capture
) -> None:
    topology, clients = imported
    certificate = tmp_path / "cell.json"
    rules = ["--policy", example("apart-in-power.toml")]
    code, printed = run(capsys, "query", topology, *clients, *rules, "--cert", certificate)
    assert code == 1
    assert "feed-pairs" in printed
    assert run(capsys, "check", certificate, topology)[0] == 0


@pytest.mark.parametrize("imported", SITES, indirect=True)
def test_a_certificate_does_not_stand_for_another_topology(
    imported: tuple[Path, list[str]], tmp_path: Path, capsys: Capture
) -> None:
    topology, clients = imported
    certificate = tmp_path / "cell.json"
    assert run(capsys, "query", topology, *clients, "--cert", certificate)[0] == 0
    other = json.loads(topology.read_text(encoding="utf-8"))
    other["racks"][0]["supplies"] = other["racks"][0]["supplies"][:1]
    topology.write_text(json.dumps(other), encoding="utf-8")
    assert run(capsys, "check", certificate, topology)[0] == 1
