"""What was refuted is replayed on the nodes that were refuted, and on no others."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from conformance.judges.coverage import Coverage
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.lockstep import link as lockstep
from conformance.lockstep import replay
from conformance.lockstep.drive import drive
from conformance.lockstep.play import play
from conformance.lockstep.shrink import Finding
from conformance.world.cells import MakeNode
from conformance.world.scenario import Scenario, read_scenario
from conformance.world.setup import Setup
from physalia.cell import Node
from tests.conformance.lockstep.broken_cells import break_cell
from tests.conformance.lockstep.faults import FAULTS

CHECKOUT = Path(__file__).resolve().parents[3]

FOREIGN = '''

from conformance.world.cells import MakeNode
from physalia.cell import Node
from physalia.model import Send, Vote


class Loud(Node):
    """Sends every vote twice."""

    def step(self, event):
        step = super().step(event)
        votes = tuple(e for e in step.effects if isinstance(e, Send) and isinstance(e.message, Vote))
        return evolve(step, effects=(*step.effects, *votes))
'''


def run_script(script: Path | str, root: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, (root, *folders)))
    environment = dict(os.environ, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(
        [sys.executable, str(script)], cwd=root, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def nameless_nodes() -> MakeNode:
    """What makes nodes and cannot be imported: it exists only here."""

    def make(*given: Any) -> Node:
        return Node(*given)

    return make


def find_fault(name: str) -> Finding:
    fault = next(fault for fault in FAULTS if fault.name == name)
    finding = drive(Setup.of(3, 3, 3), "1", 200, Coverage(), break_cell(fault))
    assert finding is not None
    return finding


def test_a_foreign_cell_is_replayed_as_the_cell_that_was_refuted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the shipped cell holds; and where the foreign cell is not there, that is said, and not "holds"."""
    (tmp_path / "foreign_cell.py").write_text(FOREIGN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    loud = import_module("foreign_cell").Loud
    report = lockstep.run(Settings(shrink_s=2.0, profile=Profile.QUICK), Silence(), loud, tmp_path / "runs")
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures
    assert "nodes made by: foreign_cell:Loud" in failure.lines
    script = failure.replay.removeprefix("python ")
    again = run_script(script, CHECKOUT, tmp_path)
    assert again.returncode == 1, again.stderr
    assert again.stdout.startswith(f"refuted: {failure.title.partition(': ')[2]}")
    elsewhere = run_script(script, CHECKOUT)
    assert elsewhere.returncode == 2
    assert elsewhere.stdout == ""
    assert "foreign_cell:Loud, which is not here" in elsewhere.stderr
    assert "Traceback" not in elsewhere.stderr


def test_nodes_without_a_name_are_refused_in_a_sentence(tmp_path: Path) -> None:
    finding = find_fault("a vote is never written down")
    script = replay.keep(finding, nameless_nodes(), tmp_path)
    refused = run_script(script, CHECKOUT)
    assert refused.returncode == 2
    assert "has no name that can be imported: write it into the script as MODULE:ATTRIBUTE." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_shipped_cell_has_a_name() -> None:
    assert replay.find(replay.name_of(Node)) is Node
    assert replay.name_of(nameless_nodes()) == ""


def test_a_script_whose_scenario_is_damaged_says_so(tmp_path: Path) -> None:
    script = replay.keep(find_fault("a vote is never written down"), Node, tmp_path)
    script.with_name("scenario.txt").write_text("no scenario\n", encoding="utf-8")
    refused = run_script(script, CHECKOUT)
    assert refused.returncode == 2
    assert "cannot replay: line 1, 'no scenario'" in refused.stderr


def test_the_real_cell_holds_and_a_closed_pipe_is_survived(tmp_path: Path) -> None:
    finding = find_fault("a vote is never written down")
    script = replay.keep(finding, Node, tmp_path)
    healthy = run_script(script, CHECKOUT)
    assert healthy.returncode == 0, healthy.stderr
    assert healthy.stdout.startswith("holds: ")
    read, write = os.pipe()
    os.close(read)
    environment = dict(os.environ, PYTHONPATH=str(CHECKOUT))
    closed = subprocess.run(
        [sys.executable, str(script)], cwd=CHECKOUT, env=environment, stdout=write, stderr=subprocess.PIPE, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    os.close(write)
    assert (closed.returncode, closed.stderr) == (0, "")


def test_a_kept_finding_is_readable_and_reads_back(tmp_path: Path) -> None:
    broken = break_cell(next(fault for fault in FAULTS if fault.name == "a vote is never written down"))
    finding = drive(Setup.of(3, 3, 3), "1", 200, Coverage(), broken)
    assert isinstance(finding, Finding)
    script = replay.keep(finding, broken, tmp_path)
    text = script.with_name("scenario.txt").read_text(encoding="utf-8")
    assert text.startswith("# node ")
    assert read_scenario(text) == finding.scenario
    _, refuted = play(finding.scenario.setup, finding.scenario.happenings, broken)
    assert refuted is not None
    assert refuted.title == finding.refuted.title
    assert isinstance(finding.scenario, Scenario)
