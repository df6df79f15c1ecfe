"""Rare scenarios in the world of the lockstep: what meets them, what does not, and faults that only show there."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from conformance.guided import part as rare
from conformance.guided.kept import again
from conformance.guided.looking import Ground
from conformance.guided.scenario import Scenario, Watch
from conformance.guided.search import Search
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.lockstep import link as lockstep
from conformance.lockstep.guided.ground import EXPECTED, SCENARIOS, ground
from conformance.lockstep.guided.of_ballots import CHOSEN_TWICE
from conformance.lockstep.guided.runs import Runs, Schedule
from conformance.lockstep.guided.sights import Sight
from conformance.lockstep.shrink import Finding
from tests.conformance.lockstep.broken_cells import Fault, break_cell

MET = sorted((Path(__file__).parent / "met").glob("lockstep-*.txt"))
"""Runs that a search met, and made short."""
LOWEST_OF_THREE = Fault(
    "where votes of three ballots are reported, the lowest is adopted", "proposer",
    "return max(reports, key=lambda report: report.ballot).value",
    "is_few = len({report.ballot for report in reports}) < 3\n"
    "            return (max if is_few else min)(reports, key=lambda report: report.ballot).value",
)  # fmt: skip
RUNS = 60


def watched(scenario: Scenario[Sight], schedule: Schedule) -> Watch[Sight]:
    watch = Watch(scenario)
    assert Runs().play(schedule, (watch,)).found is None
    return watch


def test_a_fault_that_shows_after_a_rare_scenario_is_found_by_guidance_and_not_by_chance() -> None:
    search = Search(ground(break_cell(LOWEST_OF_THREE)).world, 0, RUNS)
    guided, (chance,) = search.guided(CHOSEN_TWICE), search.by_chance([CHOSEN_TWICE])
    assert guided.found is not None
    assert guided.runs < RUNS
    assert "which the specification does not allow" in guided.found.refuted.title
    assert (chance.found, chance.runs) == (None, RUNS)


def test_a_fault_is_told_shrunk_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ground(break_cell(LOWEST_OF_THREE), tmp_path, 2.0)
    monkeypatch.setattr(lockstep, "ground", lambda *_: _only(broken, CHOSEN_TWICE))
    settings = Settings(profile=Profile.DEEP, models=(rare.NAME,), shrink_s=2.0)
    report = lockstep.run(settings, Silence(), runs_folder=tmp_path)
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures
    assert failure.title.startswith(f"{rare.NAME}: ")
    assert failure.lines[0] == "scenario:"
    assert failure.replay.endswith("replay.py")
    assert 0 < failure.events < 120


def _only(where: Ground[Schedule, Sight, Finding], scenario: Scenario[Sight]) -> Ground[Schedule, Sight, Finding]:
    return evolve(where, scenarios=(scenario,), runs=RUNS)


def test_the_same_seed_makes_the_same_search() -> None:
    first, second = (Search(Runs(), 5, 16).guided(CHOSEN_TWICE) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("file", MET, ids=lambda file: file.stem)
def test_without_the_step_of_one_stage_it_does_not(file: Path) -> None:
    """Each stage is needed: a run in which the step that met it is left out ends before that stage, or meets it later.

    So its run is cut where the stage would have been met, and what comes up to there is not enough.
    """
    here = ground()
    text = file.read_text(encoding="utf-8")
    played = again((here,), text, file.name)
    whole = here.read(played.scenario, text, file.name)
    last = int(played.watch.reached[-1].place)
    for number, reached in enumerate(played.watch.reached[:-1], start=1):
        shorter = Schedule(whole.base, whole.setup, (whole.happenings[: int(reached.place)],))
        assert len(watched(played.scenario, shorter).reached) < len(played.scenario.stages), number
    assert not watched(played.scenario, Runs().without(whole, last - 1, 1)).is_complete


def test_what_is_expected_is_looked_for() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 8
    assert set(names) >= EXPECTED
    assert all(_is_whole(scenario) for scenario in SCENARIOS)


def _is_whole(scenario: Scenario[Sight]) -> bool:
    stages: Sequence[str] = [stage.words for stage in scenario.stages]
    return len(stages) > 2 and len(set(stages)) == len(stages) and bool(scenario.like)
