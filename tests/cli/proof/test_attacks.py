"""`physalia prove --attacks`: a line each, or scenarios; JSON as its schema says; one sentence for a wrong name."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.induction import attacks as judged
from conformance.links import Verdict
from physalia.cli import run
from spec.induction.attacks.attacks import ATTACKS
from spec.induction.proving.unroll import NoRun

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "prove-attacks.schema.json").read_text(encoding="utf-8"))
QUICK = ["vote-below-the-promise", "erased-when-effective"]


def test_attacks_that_are_named_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--attacks", *QUICK]) == 0
    printed = capsys.readouterr().out
    for name in QUICK:
        assert f"{name} (R" in printed
    assert "vote(" in printed
    assert "lose(" in printed
    assert "replayed on spec/ballots.py" in printed
    assert "holds: 12 steps to a violation of agreement" in printed


def test_all_attacks_are_a_line_each(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "ATTACKS", {name: ATTACKS[name] for name in QUICK})
    assert run(["prove", "--attacks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == QUICK
    assert lines[-1] == "the scenario: physalia prove --attacks NAME"


def test_json_is_as_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--attacks", "--json", *QUICK]) == 0
    told: Any = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    assert [one["name"] for one in told["attacks"]] == QUICK
    assert told["attacks"][0]["replay"]["violated"] == "one_value_chosen"


def test_an_unknown_attack_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--attacks", "stale-juri"]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.strip() == "physalia: there is no attack called stale-juri; did you mean stale-jury?"


@pytest.mark.parametrize(("proved", "code", "verdict"), [(True, 1, Verdict.REFUTED), (False, 3, Verdict.INCONCLUSIVE)])
def test_an_attack_without_a_run_is_no_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, proved: bool, code: int, verdict: Verdict
) -> None:
    def no_run(_: str) -> None:
        raise NoRun("there is none", proved=proved)

    monkeypatch.setattr(judged, "attack", no_run)
    assert run(["prove", "--attacks", "--json", QUICK[0]]) == code
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, SCHEMA)
    assert told["verdict"] == verdict
