"""`physalia prove`: exit codes, one sentence for bad input, and JSON as the schemas say."""

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve

from conformance.induction import unbounded
from physalia.cli import run
from physalia.cli.proof.commands import _LAYERS
from spec.induction.layers.stack import LAYERS
from tests.spec.induction.test_layers import NoPhaseOne

ROOT = Path(__file__).parents[3]


def schema(name: str) -> Any:
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_base_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "ballots"]) == 0
    told = capsys.readouterr()
    assert "holds: 92 queries" in told.out
    assert "ballots: Ballot -> Node; Configuration -> Ballot, Quorum" in told.out
    assert "no cycles: every query is in the decidable fragment" in told.out
    assert "ballots: holds" in told.err
    assert "\x1b" not in told.out + told.err
    assert told.out.splitlines()[0].split()[:4] == ["layer", "on", "actions", "invariants"]


def test_every_query_is_told_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "disk", "--queries"]) == 0
    told = capsys.readouterr().out
    assert "disk/promise/proposals_safe" in told
    assert "proved as ballots/initiation/agreement" in told
    assert "ballots/reaches/two_slots" in told


def test_json_is_as_its_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "ballots", "--json", "--why", "--second", "--seed", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("prove"))
    assert (told["verdict"], told["queries"], told["seed"]) == ("holds", 92, 3)
    assert (told["states_evaluated"], told["tie"]) == (0, None)
    assert told["second_opinion"]["agrees"] == 92
    assert len(told["necessity"]) == 15
    assert len(told["layers"][0]["answers"]) == 92


@pytest.mark.slow
def test_the_tie_is_run_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "ballots", "--tie", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("prove"))
    assert told["queries"] == 92
    assert told["states_evaluated"] >= 10_000


@pytest.mark.slow
def test_all_layers_and_the_tie_as_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("prove"))
    assert told["queries"] >= 400
    assert told["states_evaluated"] >= 10_000
    assert told["edges_evaluated"] > told["states_evaluated"]


@pytest.mark.slow
def test_mutants_are_as_their_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "ballots", "--mutants", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema("prove-mutants"))
    assert told["refused"] + told["redundant"] + told["safe"] == told["mutants"] == 44
    assert told["refused"] == 38


def test_what_is_refuted_is_exit_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    system = NoPhaseOne().system()
    monkeypatch.setattr(unbounded, "system_of", lambda _: evolve(system, name="ballots"))
    assert run(["prove", "ballots"]) == 1
    told = capsys.readouterr().out
    assert "ballots/propose/proposals_safe: the claim does not follow" in told
    assert "step:   propose(" in told
    assert "again: physalia prove ballots" in told


def test_out_of_time_is_exit_3_with_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "ballots", "--timeout", "0.001", "--json"]) == 3
    told = capsys.readouterr()
    report = json.loads(told.out)
    jsonschema.validate(report, schema("prove"))
    assert report["verdict"] == "inconclusive"
    unknown = [answer for answer in report["layers"][0]["answers"] if answer["outcome"] == "unknown"]
    assert unknown
    for answer in unknown:
        assert answer["query"] in told.err
        assert (tmp_path / answer["file"]).is_file()
    assert not [a for a in report["layers"][0]["answers"] if a["outcome"] == "proved" and a["file"]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["balots"], "there is no layer called balots; there are ballots, disk"),
        (["--timeout", "soon"], "Invalid value for '--timeout'"),
        (["--timeout", "0"], "--timeout 0 is no time-out"),
        (["--timeout", "-3"], "--timeout -3 is no time-out"),
        (["--timeout", "nan"], "--timeout nan is no time-out"),
        (["--mutants", "--attacks"], "two different runs"),
        (["--mutants", "--why"], "--why says how the proof is run, and --mutants is another run: give one of them."),
        (["--attacks", "--smtlib", "scripts"], "--smtlib says how the proof is run, and --attacks is another run"),
        (["ballots", "--smtlib", "/dev/null"], "/dev/null: cannot be made (File exists); name a folder that can."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prove", *arguments]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.parametrize(
    ("module", "arguments", "says"),
    [
        ("z3", [], "the package z3-solver is missing: pip install 'physalia[verify]', or pip install z3-solver."),
        ("z3", ["--attacks"], "the package z3-solver is missing"),
        ("cvc5", ["ballots", "--second"], "the package cvc5 is missing"),
    ],
)
def test_a_missing_solver_is_exit_4(
    module: str, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert run(["prove", *arguments]) == 4
    assert says in capsys.readouterr().err


def test_scripts_are_written_where_asked(tmp_path: Path) -> None:
    assert run(["prove", "ballots", "--smtlib", str(tmp_path / "scripts")]) == 0
    scripts = sorted((tmp_path / "scripts").glob("*.smt2"))
    assert len(scripts) == 92
    assert scripts[0].read_text(encoding="utf-8").count("(check-sat)") == 1
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(["prove", "ballots", "--smtlib", str(tmp_path / "file")]) == 2


def test_help_names_the_layers_of_the_proof() -> None:
    assert ", ".join(LAYERS) == _LAYERS
