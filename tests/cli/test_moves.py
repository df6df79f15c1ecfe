"""``physalia admin move`` and ``inspect``: what they refuse, and how a move that was cut short goes on."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.cli import run
from physalia.colony import Colony, Processes, lay_out

CELL = "1"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def colony(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colony]:
    made = lay_out(tmp_path_factory.mktemp("moves") / "colony", servers=4, cells=1, size=3)
    processes = Processes(made)
    processes.start(*made.settings)
    yield made
    processes.kill_all()


def homes(colony: Colony, capsys: pytest.CaptureFixture[str]) -> dict[int, str]:
    """What each server that has a node of the cell says where in its life that is."""
    assert run(["admin", "inspect", CELL, "--folder", str(colony.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("admin-inspect"))
    return {one["server"]: one["life_state"] for one in told["nodes"]}


def schema(name: str) -> Any:
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_a_cell_moves_and_a_move_that_was_cut_short_goes_on(
    colony: Colony, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    at = ["--folder", str(colony.folder)]
    (there,) = {1, 2, 3, 4} - set(homes(colony, capsys))
    leaves = min({1, 2, 3, 4} - {there})
    written = colony.folder / "moves" / f"{CELL}.json"
    Processes(colony).kill(there)
    move = ["admin", "move", CELL, "--from", str(leaves), "--to", str(there), *at]
    assert run([*move, "--deadline-s", "0.5"]) == 1, "the server that is to have the new node is gone"
    assert "not moved" in capsys.readouterr().err
    assert not written.exists(), "there is no plan without a disk to name"
    Processes(colony).start(there)
    assert run([*move, "--deadline-s", "0.001"]) == 1
    assert "did not move within" in capsys.readouterr().err
    assert written.exists(), "who has no time has a plan"
    assert run(["admin", "move", CELL, "--from", str(there), "--to", str(leaves), *at]) == 2
    assert "another move" in capsys.readouterr().err
    assert run([*move, "--json"]) == 0
    assert not written.exists()
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("admin-move"))
    assert (told["cell"], told["from"], told["to"], told["moved"], told["why"]) == (1, leaves, there, True, "")
    assert "has caught up" in told["told"][0] or "version" in told["told"][0]
    states = homes(colony, capsys)
    while states[there] == "created":  # a majority of the others is enough for the move; this one is told by them
        states = homes(colony, capsys)
    assert (states[leaves], states[there]) == ("gone", "member")
    assert run(["admin", "inspect", CELL, *at]) == 0
    assert "left; as of version 1 the cell is on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--from", "9", "--to", "1"], "has no member on server 9"),
        (["--from", "2", "--to", "3"], "two of them would fail together"),
    ],
)
def test_what_cannot_be_moved_is_a_sentence(
    colony: Colony, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    members = [server for server, state in homes(colony, capsys).items() if state == "member"]
    words = [str(members[int(word) - 2]) if word in "23" else word for word in words]
    assert run(["admin", "move", CELL, *words, "--folder", str(colony.folder)]) == 1
    assert why in capsys.readouterr().err
    assert run(["admin", "move", CELL, *words, "--folder", str(colony.folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("admin-move"))
    assert why in told["why"]
    assert not told["moved"]


@pytest.mark.parametrize("plain", ["[]", "{}", '{"cell": "x"}', '{"disk": 5}', "\xff", "[" * 100_000])
def test_what_is_no_plan_is_refused(
    colony: Colony, capsys: pytest.CaptureFixture[str], tmp_path: Path, plain: str
) -> None:
    file = tmp_path / "plan"
    file.write_text(plain, encoding="latin-1")
    words = ["--from", "1", "--to", "2", "--plan", str(file), "--folder", str(colony.folder)]
    assert run(["admin", "move", CELL, *words]) == 2
    assert "is no move" in capsys.readouterr().err


def test_the_schema_of_what_nodes_are_lets_nothing_else_through(
    colony: Colony, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["admin", "inspect", CELL, "--folder", str(colony.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    changes: list[dict[str, Any]] = [
        {"secret": 1}, {"life_state": "asleep"}, {"prefix": -1}, {"waits_for": {"nobody": []}},
    ]  # fmt: skip
    for change in changes:
        wrong = {**told, "nodes": [told["nodes"][-1] | change]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema("admin-inspect"))


def test_a_cell_that_nobody_knows(colony: Colony, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--folder", str(colony.folder)]
    assert run(["admin", "inspect", "99", *at]) == 1
    assert "has no node of it" in capsys.readouterr().out
    assert run(["admin", "move", "99", "--from", "1", "--to", "2", *at]) == 1
    assert "has a node of cell 99" in capsys.readouterr().err
    assert run(["admin", "inspect", "0", *at]) == 2


def test_a_move_for_which_there_is_no_room_leaves_no_half_of_it(
    colony: Colony, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file that was cut short would be in the way of the same command for ever."""
    before = homes(colony, capsys)
    went = next(server for server, state in before.items() if state == "member")
    came = next(server for server in colony.settings if before.get(server) != "member")
    asked = ["admin", "move", CELL, "--from", str(went), "--to", str(came), "--folder", str(colony.folder)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        code = run([*asked, "--plan", str(tmp_path / "plan.json")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (code, "cannot be written (File too large): nobody was asked" in capsys.readouterr().err) == (4, True)
    assert not list(tmp_path.iterdir())
    assert homes(colony, capsys) == before
