"""The benchmark of histories: its figures are there, and a wrong verdict has none."""

import json
import sys

import pytest
from attrs import evolve

from benchmarks import histories
from conformance.histories.judging import judge
from conformance.links import Verdict


def test_the_figures_are_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["histories", "--json", "--quick"])
    assert histories.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["operations"] == 400
    assert figures["kv_operations"] == 10_000
    assert figures["linearizable"] == figures["histories"] == 8
    assert figures["disagreements"] == 0
    assert figures["window_4000_operations"] == figures["window_kv"] == 1
    assert figures["ratio_to_peer"] > 0


def test_a_wrong_verdict_has_no_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(histories, "judge", lambda *given: evolve(judge(*given), verdict=Verdict.INCONCLUSIVE))
    monkeypatch.setattr(sys, "argv", ["histories", "--quick"])
    assert histories.main() == 1
    assert capsys.readouterr().err.startswith("wrong: a cas-register of 400 operations: inconclusive")
