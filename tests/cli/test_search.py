"""``physalia conformance search``: what it prints, keeps and replays, and what it refuses."""

import json
from pathlib import Path

import jsonschema
import pytest
from attrs import evolve

from conformance.guided import looking
from conformance.guided.looking import Ground
from conformance.lockstep.guided import ground as of_lockstep
from physalia.cli.app import invoke
from physalia.cli.schemas import docs_folder
from tests.conformance.guided.toy import ground, word


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Ground[str, str, str]:
    """Letters in the place of the lockstep."""
    here = evolve(ground(word("abc"), word("ab?")), name="lockstep")
    monkeypatch.setattr(of_lockstep, "ground", lambda **_: here)
    return here


def test_it_says_what_was_met_and_what_chance_met(
    toy: Ground[str, str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert invoke(["conformance", "search", "--world", "lockstep", "--runs", "80", "--scenario", "abc"]) == 0
    said = capsys.readouterr().out
    assert "abc" in said
    assert "ab?" not in said
    assert "holds: 1 of 1 met, within 80 runs each, seed 0" in said
    command = ["conformance", "search", "--world", "lockstep", "--runs", "80", "--keep", str(tmp_path), "--json"]
    assert invoke(command) == 3
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    jsonschema.validate(
        told, json.loads((docs_folder() / "conformance-search.schema.json").read_text(encoding="utf-8"))
    )
    assert [one["guided"]["runs"] is None for one in told["scenarios"]] == [False, True]
    assert "ab?: not met; the furthest stage was: an b comes" in captured.err
    assert [file.name for file in tmp_path.iterdir()] == ["abc.txt"]
    assert (tmp_path / "abc.txt").read_text(encoding="utf-8").endswith("\nabc\n")


def test_it_tells_the_medians_of_several_seeds(toy: Ground[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["conformance", "search", "--world", "lockstep", "--runs", "80", "--seed", "4", "--seeds", "3"]
    assert invoke([*command, "--scenario", "abc", "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    after = sorted(one["guided"]["runs"] for one in told["scenarios"])
    assert [one["seed"] for one in told["scenarios"]] == told["seeds"] == [4, 5, 6]
    assert f"{after[1]} runs" in captured.err
    assert "1 of 1 met, within 80 runs each, medians of 3 seeds from 4 on" in captured.err


def test_a_kept_run_is_replayed(
    toy: Ground[str, str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "look", None)
    file = tmp_path / "abc.txt"
    for run, code, says in (
        ("abc", 0, "holds: 3 of 3 stages"),
        ("abd", 3, "3. an c comes: not met"),
        ("a!c", 1, "refuted wrong: a!c"),
    ):
        file.write_text(f"# scenario: abc\n{run}\n", encoding="utf-8")
        assert invoke(["conformance", "search", "--replay", str(file)]) == code
        assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--world", "moon"], "there is no world 'moon'; there are lockstep and shell"),
        (["--scenario", "nothing"], "there is no scenario 'nothing'"),
        (["--keep", "no/folder"], "--keep no/folder is no folder"),
        (["--replay", "no-file"], "--replay no-file cannot be read"),
        (["--runs", "0"], "--runs"),
    ],
)
def test_bad_input_is_one_sentence(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["conformance", "search", *options]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
