"""The benchmark of the exhaustive link: its figures are the link's, and one that does not hold has none."""

import json
import sys

import pytest

from benchmarks import exhaustive
from conformance.links import LinkReport, Profile, Settings, Verdict

ONE = "MCCellChangeIssued"


def test_the_figures_are_those_of_the_link(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["exhaustive", "--json", "--model", ONE])
    assert exhaustive.main() == 0
    figures = json.loads(capsys.readouterr().out)
    (row,) = figures["rows"]
    assert row["scope"] == f"{ONE} addressed"
    assert figures["implementation_states"] == row["states"] > 53
    assert figures["model_edges"] == 90


def test_a_link_that_is_refuted_has_no_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuted = LinkReport(link="exhaustive", verdict=Verdict.REFUTED, seconds=1.0, models=1, states=7)
    monkeypatch.setattr(exhaustive, "run", lambda _settings, _progress: refuted)
    monkeypatch.setattr(sys, "argv", ["exhaustive"])
    assert exhaustive.main() == 1
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("", "refuted: []\n")


def test_a_profile_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Settings] = []

    def run(settings: Settings, _progress: object) -> LinkReport:
        asked.append(settings)
        return LinkReport(link="exhaustive", verdict=Verdict.HOLDS, seconds=1.0, states=7)

    monkeypatch.setattr(exhaustive, "run", run)
    monkeypatch.setattr(sys, "argv", ["exhaustive", "--deep"])
    assert exhaustive.main() == 0
    assert asked[0].profile is Profile.DEEP
