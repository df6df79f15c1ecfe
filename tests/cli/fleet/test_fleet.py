"""`physalia fleet` and `physalia place repair`: what is printed, exit codes, and bad input, which changes nothing."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from attrs import evolve

from physalia.cli import run
from physalia.fleet import files as fleets
from physalia.fleet.fleet import Fleet
from physalia.fleet.sites import Site
from physalia.placement.site import format as files
from physalia.placement.site.topology import Cell, Topology
from tests.physalia.fleet.fleets import topology_of

DOCS = Path(__file__).parents[3] / "docs"
ONE_COLOR = topology_of(240, capacity=10)


@pytest.fixture
def site(tmp_path: Path) -> str:
    files.write(ONE_COLOR, tmp_path / "site.json")
    return str(tmp_path / "site.json")


@pytest.fixture
def fleet(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    file = str(tmp_path / "fleet.npz")
    assert run(["fleet", "place", site, "-o", file, "--volumes", "60", "--cores", "1", "--seed", "4"]) == 0
    capsys.readouterr()
    return file


def printed(capsys: pytest.CaptureFixture[str], schema: str) -> Any:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads((DOCS / f"{schema}.schema.json").read_text(encoding="utf-8")))
    return document


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("physalia: ")
    assert err.count("\n") == 1
    return err


def read(file: str) -> tuple[Site, Fleet]:
    known = Site.of(files.read(Path(file).with_name("site.json")))
    return known, fleets.read(Path(file), known, 7)


def test_a_fleet_is_placed_the_same_for_the_same_seed(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "one.npz", tmp_path / "two.json"
    command = ["fleet", "place", site, "--volumes", "50", "--seed", "9", "--json"]
    assert run([*command, "-o", str(first), "--cores", "1"]) == 0
    document = printed(capsys, "fleet-place")
    assert (document["cells"], document["placed"], document["seed"]) == (50, 50, 9)
    assert run([*command, "-o", str(second), "--cores", "2"]) == 0
    known = Site.of(files.read(Path(site)))
    one, two = (fleets.read(file, known, 7) for file in (first, second))
    assert np.array_equal(one.cells, two.cells)
    assert np.array_equal(one.clients, two.clients)
    schema = json.loads((DOCS / "fleet.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(second.read_text(encoding="utf-8")), schema)


def test_more_volumes_than_there_is_room_for(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "place", site, "--fill", "1", "-o", str(tmp_path / "f.npz"), "--cores", "1"]) in {0, 1}
    assert run(["fleet", "place", site, "--volumes", "400", "-o", str(tmp_path / "f.npz"), "--cores", "1"]) == 1
    assert "of 400 cells placed" in capsys.readouterr().out


def test_a_report(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "report", site, fleet, "--sample", "2", "--worst", "3", "--json"]) == 0
    document = printed(capsys, "fleet-report")
    assert (document["verdict"], document["placed"], document["broken"]) == ("kept", 60, {})
    assert [one["certified"] for one in document["sample"]] == [True, True]
    assert 0 < document["bound"] <= document["mean_unavailability"]
    assert len(document["worst"]) == 3
    assert run(["fleet", "report", site, fleet]) == 0
    told = capsys.readouterr().out
    assert "60 of 60 cells have a place" in told
    assert "every rule is kept." in told


def test_a_report_of_nothing_is_no_pass(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    known, cells = read(fleet)
    nobody = Path(fleet).with_name("nobody.npz")
    for some in (Fleet.unplaced(cells.clients, 7), Fleet.unplaced(cells.clients[:0], 7)):
        fleets.write(some, known, nobody)
        assert run(["fleet", "report", site, str(nobody), "--json"]) == 3
        assert printed(capsys, "fleet-report")["verdict"] == "inconclusive"
        assert run(["fleet", "report", site, str(nobody)]) == 3
        told = capsys.readouterr().out
        assert "there is nothing to judge." in told
        assert "every rule is kept" not in told


def test_a_report_of_a_fleet_that_breaks_a_rule(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    known, cells = read(fleet)
    cells.cells[1] = cells.cells[0]
    fleets.write(cells, known, Path(fleet))
    assert run(["fleet", "report", site, fleet, "--json"]) == 1
    document = printed(capsys, "fleet-report")
    assert document["verdict"] == "broken"
    assert document["broken"]["cell-overlap"] >= 1


def test_the_audit_judges_what_was_placed(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "with-cells.json")
    assert (
        run(["fleet", "place", site, "--volumes", "20", "-o", str(tmp_path / "f.npz"), "--topology-output", out]) == 0
    )
    assert run(["place", "audit", out, "--no-best"]) == 0
    assert "20 of 20 cells were judged: every rule is kept." in capsys.readouterr().out
    assert run(["place", "repair", out, "--drain", "rack-1-01", "--json", "-o", str(tmp_path / "after.json")]) == 0
    document = printed(capsys, "place-repair")
    assert document["affected"] == document["moved"] > 0
    assert all(one["least"] for one in document["cells"])
    assert document["steps"] == sum(len(one["lost"]) for one in document["cells"])
    assert run(["place", "audit", str(tmp_path / "after.json"), "--no-best"]) == 0
    after = files.read(tmp_path / "after.json")
    racks = {after.servers[name].rack for cell in after.cells.values() for name in cell.servers}
    assert "rack-1-01" not in racks
    assert run(["place", "repair", out, "--drain", "rack-1-01"]) == 0
    assert " cells suffer; " in capsys.readouterr().out


def test_a_refill_moves_what_must_move_alone(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    known, before = read(fleet)
    out = str(Path(fleet).with_name("after.npz"))
    assert run(["fleet", "refill", site, fleet, "--drain", "pdu-1-a1", "-o", out, "--json"]) == 0
    document = printed(capsys, "fleet-refill")
    after = fleets.read(Path(out), known, 7)
    changed = (before.cells != after.cells).any(axis=1).sum()
    assert changed == document["moved"] == document["affected"] > 0
    gone = {known.number[name] for one in document["cells"] for name in one["lost"]}
    assert gone.isdisjoint(after.cells.ravel().tolist())
    assert run(["fleet", "report", site, out]) == 0


def test_what_cannot_be_drained_is_told(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(Path(fleet).with_name("after.npz"))
    assert run(["fleet", "refill", site, fleet, "--drain", "feed-a", "-o", out, "--json"]) == 1
    document = printed(capsys, "fleet-refill")
    assert document["moved"] < document["affected"]
    assert {one["outcome"] for one in document["cells"]} >= {"stuck"}


def test_swaps(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(Path(fleet).with_name("after.json"))
    assert run(["fleet", "improve", site, fleet, "-o", out, "--rounds", "2", "--json"]) == 0
    document = printed(capsys, "fleet-improve")
    assert document["tried"] == 2 * 20 * 60
    assert document["mean_unavailability"] <= document["mean_unavailability_before"]
    assert run(["fleet", "improve", site, fleet, "-o", out, "--time-limit-s", "0"]) == 3


def test_a_move_to_the_best_place(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(Path(fleet).with_name("after.npz"))
    assert run(["fleet", "move", site, fleet, "--cell", "cell-7", "-o", out, "--json"]) == 0
    document = printed(capsys, "fleet-move")
    assert document["least"]
    assert len(document["steps"]) == document["differ"]
    known, _ = read(fleet)
    after = fleets.read(Path(out), known, 7)
    assert [known.names[one] for one in after.cells[6].tolist()] == document["servers"]
    assert run(["fleet", "move", site, out, "--cell", "cell-7", "--servers", ",".join(document["servers"])]) == 0
    assert "already" in capsys.readouterr().out


# The best cell.


def test_the_most_available_cell_has_a_small_gap(site: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    order = ["fleet", "best", site, "--instance", "server-1-01-01", "--primary", "server-1-02-03"]
    assert run([*order, "--json"]) == 0
    document = printed(capsys, "fleet-best")
    assert 0 <= document["gap"] <= 0.01
    assert len(document["front"][-1]["servers"]) == 7
    assert run([*order, "--fleet", fleet]) == 0
    assert "no cell is better by more than 0." in capsys.readouterr().out
    assert run([*order, "--time-limit-s", "0"]) == 3
    capsys.readouterr()
    assert "instance nobody: there is no such server" in complaint(
        ["fleet", "best", site, "--instance", "nobody"], capsys
    )


# Bad input.


def test_bad_input_is_one_sentence_and_changes_nothing(
    site: str, fleet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, cells = read(fleet)
    out = tmp_path / "out.npz"
    full = _full_server(ONE_COLOR, cells)
    files.write(full[0], tmp_path / "full.json")
    fleets.write(cells, Site.of(full[0]), tmp_path / "full.npz")
    files.write(topology_of(240, seed=9), tmp_path / "other.json")
    drained, good = "--drain", cells.cells[0].tolist()
    names = [known.names[one] for one in good]
    twice = [names[0], *names[:6]]
    to_full = [*names[1:], full[1]]
    mixed = tmp_path / "twice.json"
    fleets.write(cells, known, mixed)
    text = mixed.read_text(encoding="utf-8")
    (tmp_path / "unknown.json").write_text(text.replace(names[0], "server-9-99-99"), encoding="utf-8")
    mixed.write_text(text.replace(f'"{names[1]}"', f'"{names[0]}"', 1), encoding="utf-8")
    clients = cells.clients.copy()
    clients[0, 2] = clients[0, 1]
    fleets.write(Fleet(clients, cells.cells), known, tmp_path / "copies.json")
    listed = _listing(known.topology, Cell("c", tuple(names), names[0], names[1], names[1]))
    files.write(listed, tmp_path / "listed.json")
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    fleets.write(cells.with_cells(np.full_like(cells.cells, -1)), known, tmp_path / "none.npz")
    (huge := tmp_path / "huge.toml").write_text(f"cell_size = {10**99}", encoding="utf-8")
    for arguments, said in (
        (["fleet", "report", str(tmp_path / "other.json"), fleet], "this fleet is of another topology"),
        (["fleet", "report", site, str(tmp_path / "unknown.json")], "server-9-99-99"),
        (["fleet", "report", site, str(mixed)], f"has two nodes on server {names[0]}"),
        (["fleet", "report", site, str(tmp_path / "broken.npz")], "this is no file of columns"),
        (["fleet", "report", site, str(tmp_path / "gone.npz")], "the fleet cannot be read"),
        (["fleet", "report", site, "fleet.txt"], "ends with .npz or .json"),
        (["fleet", "move", site, fleet, "--cell", "cell-99", "-o", str(out)], "there is no cell cell-99"),
        (["fleet", "move", site, fleet, "--cell", "cell-1", "--servers", ",".join(twice), "-o", str(out)],
         "on distinct servers"),
        (["fleet", "move", str(tmp_path / "full.json"), str(tmp_path / "full.npz"), "--cell", "cell-1", "--servers",
          ",".join(to_full), "-o", str(out)], "it is full"),
        (["fleet", "move", site, fleet, "--cell", "cell-1", "--servers", "nobody", "-o", str(out)], "are named"),
        (["fleet", "refill", site, fleet, drained, "rack-9-99", "-o", str(out)], "called rack-9-99"),
        (["place", "repair", site, drained, "agg-1-1"], "no server depends on agg-1-1 alone"),
        (["fleet", "best", site, "--instance", names[0], "--primary", names[1], "--replica", names[1]],
         f"--primary and --replica are both {names[1]}; two copies are on two servers"),
        (["fleet", "report", site, str(tmp_path / "copies.json")], "cell-1 has primary and replica on server"),
        (["place", "repair", str(tmp_path / "listed.json"), drained, "rack-1-01"],
         f"listed.json: c has primary and replica on server {names[1]}"),
        (["fleet", "best", site, "--instance", names[0], "--replica", names[1]], "has it as its --primary"),
        (["fleet", "place", site, "-o", str(out), "--volumes", "3", "--fill", "0.5"], "name one of them"),
        (["fleet", "place", site, "-o", str(out), "--volumes", "99999999999999"], "--volumes is at most 10,000,000"),
        (["fleet", "best", site, "--instance", names[0], "--policy", str(huge)], "cell_size is 1,000"),
        (["place", "repair", site, drained, "rack-1-01", "--policy", str(huge)], "cell_size is 1,000"),
        (["fleet", "place", site, "-o", str(out), "--policy", str(huge)], "cell_size is 1,000"),
        (["simulate", "zone", "--topology", site, "--fleet", str(tmp_path / "none.npz")], "none.npz: no volume"),
        (["fleet", "place", site, "-o", str(tmp_path / "no" / "where.npz"), "--volumes", "3"], "cannot be written"),
    ):  # fmt: skip
        assert said in complaint(arguments, capsys), arguments
    assert not out.exists()
    assert np.array_equal(read(fleet)[1].cells, cells.cells)


def _listing(topology: Topology, cell: Cell) -> Topology:
    """The same site with one cell listed, and its nodes counted on its servers."""
    servers = {name: evolve(one, nodes=int(name in cell.servers)) for name, one in topology.servers.items()}
    return evolve(topology, servers=servers, cells={cell.name: cell})


def _full_server(topology: Topology, cells: Fleet) -> tuple[Topology, str]:
    """The same site, one server of the first cell's colour being full that the cell is not on."""
    color = topology.servers[list(topology.servers)[int(cells.cells[0, 0])]].color
    used = set(cells.cells.ravel().tolist())
    name = next(
        one.name for at, one in enumerate(topology.servers.values()) if one.color == color and at not in used
    )  # fmt: skip
    full = evolve(topology.servers[name], nodes=topology.servers[name].capacity)
    return evolve(topology, servers={**topology.servers, name: full}), name


def test_what_a_file_holds_never_reaches_a_terminal_unescaped(
    site: str, fleet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, cells = read(fleet)
    evil = tmp_path / "evil.json"
    fleets.write(cells, known, evil)
    evil.write_text(evil.read_text(encoding="utf-8").replace('cell-5"', '\\u001b[2Jcell"'), encoding="utf-8")
    assert "\x1b" not in complaint(["fleet", "report", site, str(evil)], capsys)


def test_what_is_asked_for_has_an_end(site: str, fleet: str, tmp_path: Path) -> None:
    """More processes than rows, and candidates and rounds that no time is enough for; there is no look at a clock."""
    placed, better = str(tmp_path / "placed.npz"), str(tmp_path / "better.npz")
    assert run(["fleet", "place", site, "--volumes", "9", "-o", placed, "--cores", "99999999999"]) == 0
    for option in ("--candidates", "--rounds"):
        assert run(["fleet", "improve", site, fleet, "-o", better, option, str(10**12), "--time-limit-s", "0"]) == 3


def test_where_no_instance_is_ever_up_nothing_is_improved_and_nothing_is_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dark, placed = tmp_path / "dark.json", tmp_path / "placed.npz"
    files.write(evolve(topology_of(), probability={"server": 1.0}), dark)
    better = tmp_path / "better.npz"
    assert run(["fleet", "place", str(dark), "--volumes", "9", "-o", str(placed)]) == 0
    assert run(["fleet", "improve", str(dark), str(placed), "-o", str(better)]) == 0
    assert better.read_bytes() == placed.read_bytes()
    capsys.readouterr()
    assert run(["fleet", "best", str(dark), "--instance", next(iter(topology_of().servers))]) == 3
    assert "is never up" in capsys.readouterr().out
