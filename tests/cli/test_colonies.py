"""``physalia colony`` starts, looks, breaks, heals and ends; the demo judges what clients saw."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from physalia.cli import run
from physalia.colony import Processes, load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "colony"
    yield made
    if list(made.glob("server-*.toml")):
        colony = load(made)
        for server in colony.settings:
            Processes(colony).kill(server)


def states(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `status` says of each server, and that its exit code is right."""
    code = run(["colony", "status", "--folder", str(folder), "--json"])
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "colony-status.schema.json").read_text(encoding="utf-8")))
    found = [server["state"] for server in told["servers"]]
    assert code == (0 if set(found) == {"running"} else 1)
    return found


def test_a_colony_is_started_broken_healed_and_ended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--folder", str(folder)]
    assert run(["colony", "up", "--servers", "3", *at]) == 0
    assert capsys.readouterr().out.count("listens at 127.0.0.1:") == 3
    assert states(folder, capsys) == ["running", "running", "running"]
    assert run(["colony", "break", "2", *at]) == 0
    assert run(["colony", "break", "3", "--how", "stop", *at]) == 0
    assert capsys.readouterr().out == "server 2 is not running\nserver 3 is standing still\n"
    assert states(folder, capsys) == ["running", "not running", "standing still"]
    for server in ("2", "3"):
        assert run(["colony", "heal", server, *at]) == 0
    capsys.readouterr()
    assert states(folder, capsys) == ["running", "running", "running"]
    assert run(["colony", "down", *at]) == 0
    assert states(folder, capsys) == ["not running", "not running", "not running"]
    assert run(["colony", "up", *at]) == 0  # the same colony again
    capsys.readouterr()
    assert states(folder, capsys) == ["running", "running", "running"]


def test_bad_input_is_exit_2_and_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "status", "--folder", str(folder)]) == 2
    assert "there is no colony in" in capsys.readouterr().err
    folder.mkdir()
    (folder / "letter").touch()
    assert run(["colony", "up", "--folder", str(folder)]) == 2
    assert "is not empty" in capsys.readouterr().err
    (folder / "letter").unlink()
    assert run(["colony", "up", "--servers", "1", "--folder", str(folder)]) == 0
    assert run(["colony", "break", "9", "--folder", str(folder)]) == 2
    assert "there is no server 9" in capsys.readouterr().err
    assert run(["colony", "break", "1", "--folder", str(folder)]) == 0
    assert run(["colony", "break", "1", "--how", "stop", "--folder", str(folder)]) == 4
    assert "server 1 does not run" in capsys.readouterr().err


def test_a_server_that_does_not_start_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "up", "--servers", "1", "--folder", str(folder)]) == 0
    assert run(["colony", "down", "--folder", str(folder)]) == 0
    (folder / "server-1.keys").chmod(0o644)
    assert run(["colony", "up", "--folder", str(folder)]) == 4
    assert "server 1 does not start: physalia: " in capsys.readouterr().err


def test_a_number_that_another_process_was_given_is_no_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "up", "--servers", "1", "--folder", str(folder)]) == 0
    assert run(["colony", "down", "--folder", str(folder)]) == 0
    capsys.readouterr()
    (folder / "server-1.pid").write_text("1", encoding="ascii")
    assert states(folder, capsys) == ["not running"]


def test_the_demo_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "demo", "--rounds", "1", "--pause", "0.5", "--clients", "4", "--cells", "2"]) == 0
    said = capsys.readouterr()
    assert "answers are those of one register a cell, through 3 kills" in said.out
    assert said.err.count("was killed") == said.err.count("is back") == 3
