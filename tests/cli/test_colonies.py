"""``physalia colony`` starts, looks, breaks, heals and ends; the demo judges what clients saw."""

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.cli import run
from physalia.colony import Processes, health, lay_out, load
from physalia.colony.processes import OF_ONE_SERVER, STARTING
from physalia.server import Settings, create

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "colony"
    yield made
    if list(made.glob("server-*.toml")):
        Processes(load(made)).kill_all()


def states(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `status` says of each server, and that its exit code is right."""
    code = run(["colony", "status", "--folder", str(folder), "--json"])
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "colony-status.schema.json").read_text(encoding="utf-8")))
    found = [server["state"] for server in told["servers"]]
    bad = [word for server in told["servers"] for word in server["network"] + server["wrong"]]
    assert code == (0 if set(found) == {"running"} and not bad else 1)
    return found + bad


def test_a_colony_is_started_broken_healed_and_ended(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ["--folder", str(folder)]
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # who starts a server waits for its first line in a file
    for name in OF_ONE_SERVER:  # as in the shell of whoever works with another colony: it is nothing to these servers
        monkeypatch.setenv(name, str(folder / "of-another"))
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
    assert run(["colony", "restart", *at]) == 0
    assert capsys.readouterr().out.count("is started anew") == 3
    assert run(["colony", "down", *at]) == 0
    monkeypatch.setattr(health, "START_S", 0.1)
    assert run(["colony", "restart", *at]) == 4, "nobody is well"
    capsys.readouterr()
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


def test_a_colony_whose_making_was_cut_short_is_made_anew(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are no settings of half of its servers, on which nobody could start it."""
    made: list[int] = []

    def cut_short(settings: Settings, *, are_cells_new: bool) -> None:
        made.append(settings.server)
        if len(made) == 2:
            raise KeyboardInterrupt
        create(settings, are_cells_new=are_cells_new)

    monkeypatch.setattr("physalia.colony.layout.create", cut_short)
    assert run(["colony", "up", "--folder", str(folder)]) == 130
    assert made == [1, 2]
    assert list(folder.parent.iterdir()) == []
    monkeypatch.undo()
    assert run(["colony", "up", "--folder", str(folder)]) == 0
    capsys.readouterr()


def test_a_server_that_does_not_start_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "up", "--servers", "1", "--folder", str(folder)]) == 0
    assert run(["colony", "down", "--folder", str(folder)]) == 0
    (folder / "server-1.keys").chmod(0o644)
    assert run(["colony", "up", "--folder", str(folder)]) == 4
    assert "server 1 does not start: physalia: " in capsys.readouterr().err


def test_it_is_looked_at_again_and_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--folder", str(folder)]
    assert run(["colony", "up", "--servers", "1", *at]) == 0
    watch = ["colony", "status", "--watch", "0.05", "--looks", "3", *at]
    for change, code, state in ((["heal", "1"], 0, "running"), (["break", "1"], 1, "not running")):
        assert run(["colony", *change, *at]) == 0
        capsys.readouterr()
        assert run(watch) == code
        assert capsys.readouterr().out.count(f": {state}") == 3
    assert run(["colony", "status", "--looks", "3", *at]) == 2
    assert "give both, or none" in capsys.readouterr().err


def test_a_colony_keeps_its_servers_and_who_does_not_run_is_told_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--folder", str(folder)]
    lay_out(folder, servers=2, cells=0)
    for words in (["--servers", "3"], ["--cells", "1"]):
        assert run(["colony", "up", *at, *words]) == 2
        assert f"{words[0]} says {words[1]}: name another folder" in capsys.readouterr().err
    for how in ("stop", "full", "clock"):
        assert run(["colony", "break", "1", "--how", how, *at]) == 4
        assert "server 1 does not run: `physalia colony up` starts it" in capsys.readouterr().err
    assert run(["colony", "up", "--servers", "2", "--cells", "0", "--json", *at]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "colony-up.schema.json").read_text(encoding="utf-8")))
    assert run(["kv", "get", "1", "k", "--at", told["url"], "--keys", told["keys"], "--deadline-s", "0.2"]) == 4
    assert [one["server"] for one in told["servers"]] == [1, 2]
    assert run(["colony", "break", "1", "--how", "stop", "--json", *at]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "colony-break.schema.json").read_text(encoding="utf-8")))
    assert told == {"schema_version": 1, "server": 1, "how": "stop", "from": None, "process": "standing still"}
    assert run(["colony", "break", "1", "--how", "full", *at]) == 4
    assert "server 1 stands still, and hears nothing" in capsys.readouterr().err
    assert run(["colony", "heal", "1", "--json", *at]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "colony-heal.schema.json").read_text(encoding="utf-8")))
    assert told == {"schema_version": 1, "server": 1, "process": "running"}


@pytest.mark.parametrize(("how", "wrong"), [("full", "out of room"), ("clock", "its clock is wrong")])
def test_a_server_that_runs_may_be_unwell_until_it_is_healed(
    folder: Path, capsys: pytest.CaptureFixture[str], how: str, wrong: str
) -> None:
    at = ["--folder", str(folder)]
    assert run(["colony", "up", "--servers", "1", *at]) == 0
    capsys.readouterr()
    assert states(folder, capsys) == ["running"]
    assert run(["colony", "break", "1", "--how", how, *at]) == 0
    capsys.readouterr()
    assert states(folder, capsys) == ["running", wrong]
    assert run(["colony", "status", *at]) == 1
    assert f": running; {wrong}; 1 nodes" in capsys.readouterr().out
    assert run(["colony", "heal", "1", *at]) == 0
    capsys.readouterr()
    assert states(folder, capsys) == ["running"]


def test_who_starts_servers_keeps_others_from_it_between_looking_and_noting_down(folder: Path) -> None:
    """Of two who start one server at once, one would note down a process that ends, and lose the one that runs."""
    colony = lay_out(folder, servers=1, cells=0)

    def is_alone() -> bool:
        with (folder / STARTING).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    class Watched(Processes):
        def pid(self, server: int) -> int | None:
            seen.append(is_alone())
            return super().pid(server)

        def _begin(self, name: str, module: str, *words: str, **more: Any) -> None:
            super()._begin(name, module, *words, **more)
            seen.append(is_alone())

    seen: list[bool] = []
    Watched(colony).start(1)
    assert seen == [True, True]
    assert not is_alone()
    assert Processes(colony).pid(1) is not None


def test_a_number_that_another_process_was_given_is_no_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "up", "--servers", "1", "--folder", str(folder)]) == 0
    assert run(["colony", "down", "--folder", str(folder)]) == 0
    capsys.readouterr()
    (folder / "server-1.pid").write_text("1", encoding="ascii")
    assert states(folder, capsys) == ["not running"]


def test_the_network_of_a_server_is_broken_and_healed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--folder", str(folder)]
    assert run(["colony", "up", "--servers", "2", *at]) == 0
    for how, said, shown in (
        ("cut", "cut off", "cut"),
        ("split", "cut off from other servers", "cut"),
        ("delay", "late", "late"),
        ("lose", "losing its connections", "lost again and again"),
    ):
        capsys.readouterr()
        assert run(["colony", "break", "2", "--how", how, *at]) == 0
        assert capsys.readouterr().out == f"server 2 is {said}\n"
        assert states(folder, capsys) == ["running", "running", shown, shown]
        assert run(["colony", "heal", "2", *at]) == 0
        capsys.readouterr()
        assert states(folder, capsys) == ["running", "running"]
    assert run(["colony", "break", "2", "--how", "cut", "--from", "0", *at]) == 0
    capsys.readouterr()
    assert states(folder, capsys) == ["running", "running", "cut"], "only clients do not reach it"
    assert run(["colony", "break", "1", "--how", "full", *at]) == 0
    assert "its journal may not grow" in capsys.readouterr().out
    assert run(["colony", "break", "1", "--how", "clock", *at]) == 0
    assert "its clock goes three times as fast" in capsys.readouterr().out
    assert '"rate": 3.0' in (folder / "server-1.log").read_text(encoding="utf-8")
    assert run(["colony", "heal", "1", *at]) == run(["colony", "heal", "2", *at]) == 0
    assert '"rate": 1.0' in (folder / "server-1.log").read_text(encoding="utf-8")
    capsys.readouterr()
    assert states(folder, capsys) == ["running", "running"]
    for wrong, why in (
        (["--how", "cut", "--from", "one"], "expected numbers of servers"),
        (["--how", "cut", "--from", "7"], "--from names server 7"),
        (["--how", "kill", "--from", "1"], "no fault of the network"),
        (["--how", "cut", "--from", "1,2"], "--from names server 2 itself"),
        (["--how", "burn"], "burn"),
    ):
        assert run(["colony", "break", "2", *wrong, *at]) == 2
        assert why in capsys.readouterr().err
    Processes(load(folder)).end_network()
    assert "gone" in states(folder, capsys)
    assert run(["colony", "break", "2", "--how", "cut", *at]) == 4
    assert "the network does not answer" in capsys.readouterr().err
    assert run(["colony", "heal", "2", *at]) == 0, "it is started again"


def test_the_demo_holds(capsys: pytest.CaptureFixture[str]) -> None:
    demo = ["colony", "demo", "--seconds", "10", "--clients", "4", "--cells", "2", "--faults", "kill,full", "--json"]
    assert run(demo) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "colony-demo.schema.json").read_text(encoding="utf-8")))
    assert [part["name"] for part in told["parts"]] == ["kv", "store", "moves", "looks", "disks"]
    assert {part["verdict"] for part in told["parts"]} == {"holds"}
    assert told["faults"].keys() <= {"kill", "full"}


def test_a_demo_of_which_little_was_answered_is_inconclusive(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    demo = ["colony", "demo", "--seconds", "0", "--clients", "1000", "--cells", "1", "--keep", str(tmp_path / "kept")]
    from physalia.colony import trouble  # noqa: PLC0415

    async def nothing(*_: object) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trouble, "work", nothing)
        assert run(demo) == 3
    said = capsys.readouterr()
    assert "too few to judge" in said.out
    assert "faults: inconclusive: none of the faults that were asked for happened" in said.out
    assert f"inconclusive: through no fault; all of it is in {tmp_path}" in said.out
    assert (tmp_path / "kept" / "kv.jsonl").exists()


def test_an_unknown_fault_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["colony", "demo", "--faults", "kill,meteor"]) == 2
    assert "there is no fault called 'meteor'" in capsys.readouterr().err
