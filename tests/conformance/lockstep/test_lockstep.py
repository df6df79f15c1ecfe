"""The lockstep holds on the real cell, refutes broken ones, and what it refutes can be replayed."""

from pathlib import Path

import pytest

from conformance.judges.coverage import ACTIONS, Coverage
from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from conformance.lockstep import link as lockstep
from conformance.lockstep.campaigns import SHORT_AMOUNTS, Amount
from conformance.lockstep.drive import drive
from conformance.lockstep.machine import explore
from conformance.lockstep.shrink import Budget, shrink
from conformance.world.setup import Setup
from tests.conformance.lockstep.broken_cells import Fault, NotApplied, break_cell
from tests.conformance.lockstep.faults import FAULTS

CHECKOUT = Path(__file__).resolve().parents[3]


def fault(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


def test_a_campaign_holds_and_reaches_what_it_is_for(tmp_path: Path) -> None:
    report = lockstep.run(
        Settings(shrink_s=1.0, profile=Profile.QUICK, models=("3 + 1 nodes, alpha 2",)), Silence(), runs_folder=tmp_path
    )
    assert report.verdict is Verdict.HOLDS, report.failures
    (row,) = report.rows
    assert row.states > 500
    assert row.edges > 500
    assert row.steps > 1_000
    assert "seed 0" in row.note
    assert not list(tmp_path.iterdir())


def test_the_same_seed_makes_the_same_runs() -> None:
    counts = []
    for _ in range(2):
        coverage = Coverage()
        assert drive(Setup.of(4, 3, 2), "7", 120, coverage) is None
        counts.append(coverage.marks)
    assert counts[0] == counts[1]


def test_what_never_happened_makes_a_campaign_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = Amount(runs=1, most_runs=1, length=5, scenarios=1, moves=1)
    monkeypatch.setitem(SHORT_AMOUNTS, Profile.QUICK, idle)
    report = lockstep.run(
        Settings(shrink_s=1.0, profile=Profile.QUICK, models=("3 nodes, alpha 3",)), Silence(), runs_folder=tmp_path
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("never: a crash loses knowledge" in line for line in report.failures[0].lines)


def test_an_unknown_campaign_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no campaign '5 nodes'"):
        lockstep.run(Settings(models=("5 nodes",)), Silence())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_refuted(fault: Fault, tmp_path: Path) -> None:
    report = lockstep.run(Settings(shrink_s=1.0, profile=Profile.DEFAULT), Silence(), break_cell(fault), tmp_path)
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures
    assert failure.lines[0] == "scenario:"
    assert failure.replay.endswith("replay.py")


def test_a_fault_that_does_not_apply_is_none() -> None:
    with pytest.raises(NotApplied, match="occurs 0 times"):
        break_cell(Fault("nothing", "acceptor", "no such text", ""))


def test_hypothesis_finds_a_fault_by_itself_and_it_shrinks() -> None:
    broken = break_cell(fault("a client is answered the opposite"))
    finding = explore(Setup.of(3, 3, 3), 50, 30, 0, Coverage(), lambda _: None, broken)
    assert finding is not None
    small = shrink(finding, broken, Budget(60.0))
    assert small.refuted.title.startswith("after decide(")
    length = len(small.scenario.happenings)
    assert 3 <= length < len(finding.scenario.happenings), "somebody must lead, and be asked; the calm may do the rest"


def test_hypothesis_holds_on_the_real_cell() -> None:
    coverage = Coverage()
    assert explore(Setup.of(4, 3, 2), 25, 30, 5, coverage, lambda _: None) is None
    assert not coverage.missing(ACTIONS[:-1])


def test_a_refusal_tells_the_guard_the_alternatives_and_the_state(tmp_path: Path) -> None:
    broken = break_cell(fault("an acceptor votes below its promise"))
    report = lockstep.run(Settings(shrink_s=1.0, profile=Profile.QUICK), Silence(), broken, tmp_path)
    lines = "\n".join(report.failures[0].lines)
    assert "first false guard: s.promised[n] <= b" in lines
    assert "enabled instead: " in lines
    assert "last matching state:" in lines
    assert "deliver " in lines


def test_a_difference_is_told_part_by_part(tmp_path: Path) -> None:
    broken = break_cell(fault("a vote forgets to raise the promise"))
    report = lockstep.run(Settings(shrink_s=1.0, profile=Profile.QUICK), Silence(), broken, tmp_path)
    differences = [line for line in report.failures[0].lines if line.startswith(("- ", "+ "))]
    assert [line[:11] for line in differences[:2]] == ["- promised[", "+ promised["]
