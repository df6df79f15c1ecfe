"""`physalia simulate zone`: what is printed and written, exit codes, progress, interruptions, and bad input."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.cli import run
from physalia.placement.site import format as files
from tests.cli.test_cli import schema
from tests.physalia.fleet.fleets import topology_of
from tests.physalia.pictures.browser import browser

SMALL = "[site]\nservers = 240\nvolumes = 24\n[storm]\nvolumes = 400\nservers = 40\nhours = 1.0\n"


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return ["simulate", "zone", "--scenario", str(path), "--days", "8", "--cores", "1"]


def test_for_machines_people_and_browsers(small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, html = tmp_path / "kept.jsonl", tmp_path / "zone.html"
    small += ["--runs", "2", "--resume", str(kept)]
    assert run([*small, "--json", "--html", str(html)]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("simulate-zone"))
    assert (document["servers"], document["volumes"], document["runs"], document["seed"]) == (240, 24, 2, 0)
    assert run(small) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 runs of 8 days: 240 servers, 24 volumes, seed 0"
    assert any(re.match(r"routers: \d+ of 27 failed make .* at most 8/27 = 29.6%", line) for line in lines)
    _looks(html, document, tmp_path)


def _looks(html: Path, document: Any, scratch: Path) -> None:
    """The page is whole, asks for nothing, and has a table with numbers behind each of its pictures."""
    with browser(scratch) as window:
        window.open(html)
        assert window.requests() == [html.resolve().as_uri()]
        assert window.complaints() == []
        told = json.loads(window.run("return document.getElementById('data').textContent"))
        assert told == {key: one for key, one in document.items() if key != "schema_version"}
        sections = "[...document.querySelectorAll('section')]"
        assert window.run(f"return {sections}.length") == window.run(
            "return document.querySelectorAll('nav li').length"
        )
        assert window.run(f"return {sections}.length") == 14
        pictures = window.run(f"return {sections}.filter(one => one.querySelector('svg')).length")
        assert pictures == 13
        rows = window.run(f"return {sections}.map(one => one.querySelectorAll('tbody tr').length)")
        assert all(rows[2:]), "only where no volume was on one copy, or waited, is there no row"
        for scheme in ("light", "dark"):
            window.prefers(scheme)
            assert window.run("return getComputedStyle(document.querySelector('svg .line')).stroke") != "none"


def test_time_that_is_too_short_is_told_and_what_was_done_is_kept(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.jsonl"
    given = [*small, "--runs", "2", "--resume", str(kept)]
    assert run([*given, "--time-limit-s", "0"]) == 3
    told = capsys.readouterr().out
    assert told == f"time ran out; what was done is in {kept}, and the same command goes on (seed 0).\n"
    assert run([*given, "--time-limit-s", "0", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("simulate-zone"))
    assert document["complete"] is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--days", "-1"], "--days is -1, and must be above 0"),
        (["--days", "nan"], "--days is nan, and must be above 0"),
        (["--days", "inf"], "--days is inf"),
        (["--runs", "0"], "--runs"),
        (["--topology", "site.json"], "--topology and --fleet go together"),
        (["--html", "/no/such/folder/zone.html"], "there is no folder /no/such/folder"),
        (["--resume", "/no/such/folder/kept"], "there is no folder /no/such/folder"),
        (
            ["--html", "zone.out", "--resume", "./zone.out"],
            "--html zone.out is named twice: what is written would take",
        ),
        (["--scenario", "gone.toml"], "gone.toml: the scenario cannot be read"),
        (["--policy", "gone.toml"], "gone.toml: the policy cannot be read"),
    ],
)
def test_bad_options(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    _refused(["simulate", "zone", *options], said, capsys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[failures.server]\nper_year = 2.0\n", "per_year is 2, and must be at most 1."),
        (
            "[failures.server]\nrepair_hrs = 6.0\n",
            "failures.server: there is no setting repair_hrs; there are per_year",
        ),
        (
            '[[events]]\nat_hours = 1\nkind = "core"\ncount = 1\nfor_hours = 1\nrow = "row-1"\n',
            "event 1: there is no setting row; there are at_hours, kind, count, for_hours.",
        ),
        ("[keeper]\nstep_hours = -1.0\n", "keeper: step_hours is -1, and must be above 0."),
        ('[[events]]\nat_hours = 1\nkind = "core"\ncount = 9\nfor_hours = 1\n', "event 1 fails 9 devices of kind core"),
    ],
)
def test_bad_scenarios(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SMALL + text, encoding="utf-8")
    _refused(["simulate", "zone", "--scenario", str(path)], said, capsys)


def test_a_fleet_of_another_site_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(topology_of(240, capacity=10), tmp_path / "site.json")
    files.write(topology_of(480, capacity=10), tmp_path / "other.json")
    fleet = str(tmp_path / "fleet.npz")
    assert run(["fleet", "place", str(tmp_path / "site.json"), "-o", fleet, "--volumes", "20", "--cores", "1"]) == 0
    capsys.readouterr()
    _refused(["simulate", "zone", "--topology", str(tmp_path / "other.json"), "--fleet", fleet], "fleet.npz", capsys)
    given = ["simulate", "zone", "--topology", str(tmp_path / "site.json"), "--fleet", fleet, "--days", "1"]
    small = tmp_path / "small.toml"
    small.write_text(SMALL + "[[events]]\nat_hours = 1\nkind = 'server'\ncount = 2\nfor_hours = 1\n", encoding="utf-8")
    assert run([*given, "--scenario", str(small), "--runs", "1", "--cores", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("simulate-zone"))
    assert (document["servers"], document["volumes"]) == (240, 20)
    assert document["stores"][0]["writes"]["low"] is None


def test_help_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "zone", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for word in ("devices fail and return", "--resume", "--html", "Exit code 0", "docs/zone.md"):
        assert word in told


def _refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
