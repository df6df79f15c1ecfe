"""The page on rare scenarios has a row for each of them, with what it is like and how many stages it has."""

import re

from conformance.lockstep.guided import ground as of_lockstep
from conformance.shell.guided import ground as of_shell
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| (lockstep|shell) \| ([^|]+) \| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
COUNT = re.compile(r"\d+ runs|\d+ of \d+|not counted")


def test_every_scenario_has_its_row() -> None:
    told = [row[:4] for row in ROW.findall(PAGE)]
    there_are = [
        (scenario.name, world, scenario.like, str(len(scenario.stages)))
        for world, ground in (("lockstep", of_lockstep), ("shell", of_shell))
        for scenario in ground.SCENARIOS
    ]
    assert told == there_are
    assert len(told) >= 12


def test_every_row_counts_runs_or_stages() -> None:
    counts = [count for row in ROW.findall(PAGE) for count in row[4:]]
    assert all(COUNT.fullmatch(count) for count in counts)
    assert any(count.endswith("runs") for count in counts)


def test_what_is_expected_was_met() -> None:
    met = {row[0] for row in ROW.findall(PAGE) if row[4].endswith("runs")}
    assert met >= of_lockstep.EXPECTED | of_shell.EXPECTED
    assert len(met) >= 5
