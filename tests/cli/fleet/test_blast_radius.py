"""`physalia blast-radius`: what is printed, exit codes, and bad input."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from physalia.cli import run
from physalia.fleet import files as fleets
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site
from physalia.placement.certificates.check import Refused
from physalia.placement.site import format as files
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch
from physalia.placement.site.validity import build
from tests.physalia.fleet.fleets import topology_of

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "blast-radius.schema.json").read_text(encoding="utf-8"))
TOPOLOGY = topology_of(240, capacity=10)


@pytest.fixture
def zone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    site, fleet = str(tmp_path / "site.json"), str(tmp_path / "fleet.npz")
    files.write(TOPOLOGY, Path(site))
    assert run(["fleet", "place", site, "-o", fleet, "--volumes", "60", "--cores", "1"]) == 0
    capsys.readouterr()
    return site, fleet


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


def test_no_device_alone_and_one_volume_by_four_servers(
    zone: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["blast-radius", *zone, "--json"]) == 0
    document = printed(capsys)
    cells, *monoliths = document["stores"]
    assert document["volumes"] == 60
    assert (cells["devices_that_harm"], cells["unserved_of_four"], document["four"]["at_most"]) == (0, 1, 1)
    assert all(one["unserved_of_four"] >= 56 for one in monoliths)
    assert document["pair"] is None
    assert run(["blast-radius", *zone]) == 0
    assert "Four servers leave 1 unserved." in capsys.readouterr().out


def test_two_devices(zone: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["blast-radius", *zone, "--failures", "2", "--json"]) == 0
    pair = printed(capsys)["pair"]
    assert pair["at_most"] == pair["unserved"] > 1
    in_blast = pair["in_blast"]
    assert in_blast["at_most"] == in_blast["blast"] >= pair["blast"]
    assert pair["counted"] < pair["pairs"]
    assert run(["blast-radius", *zone, "--failures", "2", "--time-limit-s", "0"]) == 3


def test_a_cell_on_one_rack_falls_with_it(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The instance reaches its copies, in other racks; the rack with its cell takes the copy that makes it needy."""
    site = Site.of(TOPOLOGY)
    rack = [at for at, stand in enumerate(site.stand_of.tolist()) if site.stands[stand][0] == "rack-1-02"]
    other = [at for at, stand in enumerate(site.stand_of.tolist()) if site.stands[stand][0] == "rack-1-05"]
    bad = Fleet(np.array([[other[0], other[1], rack[7]]], dtype=np.int32), np.array([rack[:7]], dtype=np.int32))
    fleets.write(bad, site, tmp_path / "bad.npz")
    assert run(["blast-radius", zone[0], str(tmp_path / "bad.npz"), "--json"]) == 1
    found = {one["devices"][0]: (one["unserved"], one["blast"]) for one in printed(capsys)["stores"][0]["worst"]}
    assert found["rack-1-02"] == (1, 1)
    assert run(["blast-radius", zone[0], str(tmp_path / "bad.npz")]) == 1
    assert "  rack-1-02: 1 unserved, 1 in blast" in capsys.readouterr().out


def test_which_volumes_are_harmed_is_told(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One cell is in one rack, with the instance's copies elsewhere; a second one has its replica in that rack too."""
    site = Site.of(TOPOLOGY)
    rack, other = (
        [at for at, stand in enumerate(site.stand_of.tolist()) if site.stands[stand][0] == name]
        for name in ("rack-1-02", "rack-1-05")
    )
    clients = np.array([[other[0], other[1], other[2]], [other[0], other[3], rack[7]]], dtype=np.int32)
    bad = Fleet(clients, np.array([rack[:7], rack[:7]], dtype=np.int32), ("north", "south"))
    fleets.write(bad, site, tmp_path / "bad.npz")
    asked = ["blast-radius", zone[0], str(tmp_path / "bad.npz"), "--failures", "2"]
    assert run([*asked, "--names", "9", "--json"]) == 1
    document = printed(capsys)
    both = [{"cell": "south", "blast": True}, {"cell": "north", "blast": False}]
    harm = {one["devices"][0]: one for one in document["stores"][0]["worst"]}
    assert harm["rack-1-02"]["volumes"] == both
    assert {"south", "north"} == {one["cell"] for one in document["four"]["volumes"]}
    assert len(document["pair"]["volumes"]) == document["pair"]["unserved"] == 2
    assert [one["blast"] for one in document["pair"]["in_blast"]["volumes"]].count(True) == 2
    assert run([*asked, "--names", "1", "--json"]) == 1
    assert printed(capsys)["four"]["volumes"][0]["cell"] in {"north", "south"}
    assert run([*asked, "--names", "9"]) == 1
    assert "  rack-1-02: 2 unserved, 1 in blast\n    south (in blast), north\n" in capsys.readouterr().out
    assert run([*asked, "--json"]) == 1
    assert "volumes" not in printed(capsys)["pair"]


def test_cells_of_five_lose_their_majority_by_three_servers(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, fleet = str(tmp_path / "five.toml"), str(tmp_path / "five.npz")
    Path(policy).write_text("cell_size = 5\n", encoding="utf-8")
    assert run(["fleet", "place", zone[0], "-o", fleet, "--volumes", "9", "--cores", "1", "--policy", policy]) == 0
    assert run(["blast-radius", zone[0], fleet, "--policy", policy]) in {0, 1}
    said = capsys.readouterr().out
    assert said.count(" Three servers leave ") == 3
    assert "Four servers" not in said
    assert "no 3 servers leave more than" in said


def test_one_database_that_some_volumes_never_reach_is_no_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two rows that nothing joins: each cell is in its own; one database for both would be counted as if it served."""
    rows = ("north", "south")
    racks = [Rack(f"{row}-{at}", row, ("feed",)) for row in rows for at in range(4)]
    topology = build(
        name="islands", rows=rows, powers=[Power("feed", "feed")], racks=racks,
        switches=[*(Switch(f"tor-{one.name}", "rack", one.name) for one in racks),
                  *(Switch(f"agg-{row}", "aggregation") for row in rows)],
        links=[Link(f"tor-{one.name}--agg-{one.row}", (f"tor-{one.name}", f"agg-{one.row}")) for one in racks],
        servers=[Server(f"s-{one.name}-{at}", one.name, (f"tor-{one.name}",), "any", 9)
                 for one in racks for at in range(3)],
    )  # fmt: skip
    files.write(topology, tmp_path / "islands.json")
    site = Site.of(files.read(tmp_path / "islands.json"))
    clients, cells = ([[at, at + 3, at + 6] for at in (0, 12)], [[at + 1, at + 4, at + 7] for at in (0, 12)])
    fleets.write(Fleet(np.array(clients, dtype=np.int32), np.array(cells, dtype=np.int32)), site, tmp_path / "f.npz")
    (tmp_path / "three.toml").write_text("cell_size = 3\n", encoding="utf-8")
    asked = ["blast-radius", str(tmp_path / "islands.json"), str(tmp_path / "f.npz")]
    assert run([*asked, "--policy", str(tmp_path / "three.toml")]) == 2
    err = capsys.readouterr().err
    assert "islands.json: one database in a row leaves 1 volumes unserved though nothing has failed" in err
    assert err.count("\n") == 1


def test_volumes_without_a_place_are_on_no_side_of_the_comparison(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three of sixty have none, the first among them; of one database there are no more volumes than of the cells."""
    site = Site.of(files.read(Path(zone[0])))
    whole = fleets.read(Path(zone[1]), site, 7)
    cells = whole.cells.copy()
    cells[[0, 7, 59]] = NOBODY
    some, cert = tmp_path / "some.npz", tmp_path / "some.cert"
    fleets.write(whole.with_cells(cells), site, some)
    assert run(["blast-radius", zone[0], str(some), "--cert", str(cert), "--json"]) == 0
    document = printed(capsys)
    assert document["volumes"] == 57
    assert all(one["unserved_of_four"] <= 57 for one in document["stores"])
    assert document["certificate"]["stands"]
    there = np.flatnonzero(whole.with_cells(cells).placed)
    fleets.write(Fleet(whole.clients[there], whole.cells[there]), site, tmp_path / "only.npz")
    assert run(["blast-radius", zone[0], str(tmp_path / "only.npz"), "--json"]) == 0
    assert printed(capsys)["stores"] == document["stores"]


def test_a_certificate_that_was_asked_for_and_not_written_is_no_success(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Refused("it costs too much to check")

    monkeypatch.setattr("physalia.blast_radius.certificates.check.check", refuse)
    cert = tmp_path / "radius.json"
    assert run(["blast-radius", *zone, "--cert", str(cert)]) == 3
    assert "no certificate is written: it costs too much to check." in capsys.readouterr().out
    assert not cert.exists()


def test_bad_input(zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site.of(TOPOLOGY)
    fleets.write(Fleet.unplaced(np.array([[0, 1, 2]], dtype=np.int32), 7), site, tmp_path / "empty.npz")
    good = tmp_path / "good.json"
    fleets.write(fleets.read(Path(zone[1]), site, 7), site, good)
    text = good.read_text(encoding="utf-8")
    cell = json.loads(text)["cells"][0]
    twice, gone = tmp_path / "twice.json", tmp_path / "no-server.json"
    twice.write_text(text.replace(f'"{cell["servers"][1]}"', f'"{cell["servers"][0]}"', 1), encoding="utf-8")
    gone.write_text(
        text.replace(f'"instance":"{cell["instance"]}"', '"instance":"server-9-99-99"', 1), encoding="utf-8"
    )
    for name, old, changed in (
        ("copies", "replica", cell["primary"]), ("no-primary", "primary", None), ("no-primary-server", "primary", "-"),
    ):  # fmt: skip
        odd = text.replace(f'"{old}":"{cell[old]}"', f'"{old}":{json.dumps(changed)}', 1)
        (tmp_path / f"{name}.json").write_text(odd, encoding="utf-8")
    files.write(topology_of(240, capacity=10, seed=8), tmp_path / "other.json")
    likely = json.loads(Path(zone[0]).read_text(encoding="utf-8"))
    likely["failure_probability"] = {"devices": {"rack-1-01": 1.5}}
    (tmp_path / "likely.json").write_text(json.dumps(likely), encoding="utf-8")
    for arguments, said in (
        (["blast-radius", str(tmp_path / "other.json"), zone[1]], "fleet.npz: this fleet is of another topology"),
        (["blast-radius", zone[0], str(twice)], f"twice.json: cell-1 has two nodes on server {cell['servers'][0]}"),
        (["blast-radius", zone[0], str(gone)], "no-server.json: cell-1: instance server-9-99-99"),
        (
            ["blast-radius", zone[0], str(tmp_path / "copies.json")],
            f"copies.json: cell-1 has primary and replica on server {cell['primary']}; two copies are on two servers.",
        ),
        (
            ["blast-radius", zone[0], str(tmp_path / "no-primary.json")],
            f"no-primary.json: cell-1 has a replica, and no primary, on server {cell['replica']}; a volume with one",
        ),
        (["blast-radius", zone[0], str(tmp_path / "no-primary-server.json")], "cell-1: primary -: "),
        (
            ["blast-radius", str(tmp_path / "likely.json"), zone[1]],
            "likely.json: the failure probability of rack-1-01 is 1.5, which is not between 0 and 1",
        ),
        (["blast-radius", *zone, "--failures", "4"], "sets of more than 3 devices are not counted"),
        (["blast-radius", *zone, "--failures", "900"], "this site has 554 devices, and no more can fail"),
        (["blast-radius", *zone, "--check", str(tmp_path / "gone.json")], "gone.json: cannot be read"),
        (["blast-radius", zone[0], str(tmp_path / "empty.npz")], "no volume of this fleet has a cell"),
        (["blast-radius", zone[0], str(tmp_path / "gone.npz")], "cannot be read"),
    ):
        assert run(arguments) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1


def test_a_certificate_is_written_and_checked(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert = str(tmp_path / "radius.json")
    assert run(["blast-radius", *zone, "--failures", "2", "--cert", cert, "--json"]) == 0
    document = printed(capsys)
    assert document["certificate"] == {"file": cert, "stands": True}
    assert run(["blast-radius", *zone, "--check", cert, "--json"]) == 0
    assert printed(capsys)["verdict"] == "stands"
    text = Path(cert).read_text(encoding="utf-8")
    Path(cert).write_text(text.replace('"volumes": 60', '"volumes": 61'), encoding="utf-8")
    assert run(["blast-radius", *zone, "--check", cert]) == 1
    assert capsys.readouterr().out == "refused: the fleet has 60 volumes with a cell.\n"
    assert run(["blast-radius", *zone, "--cert", str(tmp_path / "no" / "where.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_certificate_of_three_devices_is_checked(
    zone: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert = tmp_path / "radius.json"
    assert run(["blast-radius", *zone, "--failures", "3", "--cert", str(cert), "--json"]) == 0
    three = printed(capsys)["triple"]
    made = json.loads(cert.read_text(encoding="utf-8"))
    assert made["triple"] == {key: three[key] for key in made["triple"]}
    assert run(["blast-radius", *zone, "--check", str(cert)]) == 0
    said = f"any three at most {three['unserved']} and {three['in_blast']['blast']} in blast"
    assert said in capsys.readouterr().out
    made["triple"] |= {"devices": ["feed-a", "rack-1-01", "rack-1-02"], "unserved": 0, "blast": 0, "at_most": 1}
    cert.write_text(json.dumps(made), encoding="utf-8")
    assert run(["blast-radius", *zone, "--check", str(cert)]) == 1
    assert "refused: " in capsys.readouterr().out


def test_three_devices_and_what_to_expect(zone: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["blast-radius", *zone, "--failures", "3", "--expected", "--worst", "2", "--json"]) == 0
    document = printed(capsys)
    assert document["triple"]["at_most"] == document["triple"]["unserved"] >= document["pair"]["unserved"] > 1
    in_blast = document["triple"]["in_blast"]
    assert in_blast["at_most"] == in_blast["blast"] >= max(document["triple"]["blast"], document["pair"]["blast"]) > 0
    cells, near, spread = document["expected"]
    assert 0 < cells["unserved"] < min(near["unserved"], spread["unserved"])
    assert [one["event"] for one in cells["events"]] == ["gray", "maintenance", "heat"]
    assert len(cells["fix_first"]) == 2
    assert run(["blast-radius", *zone, "--expected"]) == 0
    assert "fix first " in capsys.readouterr().out
