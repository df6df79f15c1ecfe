"""The link ``tlc`` refuses whatever differs from the manifest, and takes nothing else for a kill."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from conformance.graph.link import models_of
from conformance.links import LinkReport, Profile, Settings, Silence, Verdict
from conformance.manifest import load_manifest
from conformance.tlc import link as ladder
from conformance.tlc.cfg import part_assumption
from conformance.tlc.limits import Outcome
from conformance.tlc.messages import TraceState
from conformance.tlc.run import TlcRun
from tests.conformance.tlc.small_specifications import COUNTER, MANIFEST, specify

GOOD = MANIFEST.format(distinct=34, generated=57, depth=7)
CHECKS = "INVARIANTS Small Witnesses"


def run_link(
    folder: Path, manifest: str, monkeypatch: pytest.MonkeyPatch, counter: str = COUNTER, **settings: Any
) -> LinkReport:
    specify(folder, checks=CHECKS, counter=counter)
    (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
    monkeypatch.setattr(ladder, "load_manifest", lambda: load_manifest(folder))
    return ladder.run(Settings(profile=Profile.QUICK, **settings), Silence())


def test_what_is_as_the_manifest_says_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_link(tmp_path, GOOD, monkeypatch)
    assert report.verdict is Verdict.HOLDS
    assert (report.models, report.states, report.edges) == (1, 34, 57)
    assert report.notes == ("1 of 1 twins are killed with everything checked.",)


SEEN = TlcRun(
    outcome=Outcome.PASSED,
    distinct=34,
    generated=57,
    depth=7,
    seconds=1.0,
    reached=frozenset({"ReachThree"}),
    taken={"Add": 3, "Forget": 2},
)
CAUGHT = evolve(SEEN, outcome=Outcome.VIOLATED, violated="Small", trace=(TraceState("Add", "count = 6"),) * 3)


def task_in(folder: Path, manifest: str, twin: str | None = None) -> ladder.Task:
    specify(folder)
    (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
    return ladder.task_named(load_manifest(folder), "MCCounter", twin, refinement=True)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (evolve(SEEN, distinct=35), "distinct states: the manifest says 34, TLC says 35."),
        (evolve(SEEN, generated=56), "generated states: the manifest says 57, TLC says 56."),
        (evolve(SEEN, depth=8), "depth: the manifest says 7, TLC says 8."),
        (evolve(SEEN, reached=frozenset()), "ReachThree was never reached."),
        (
            evolve(SEEN, reached=frozenset({"ReachThree", "ReachTwo"})),
            "ReachTwo was reached, and the manifest does not list it.",
        ),
        (evolve(SEEN, taken={"Add": 3, "Forget": 0}), "Forget was never taken."),
        (CAUGHT, "violation: the manifest says none, TLC says Small."),
    ],
)
def test_every_difference_of_a_model_refutes(tmp_path: Path, run: TlcRun, says: str) -> None:
    task = task_in(tmp_path, GOOD)
    assert ladder.judge(task, SEEN, "").verdict is Verdict.HOLDS
    judged = ladder.judge(task, run, run.violated)
    assert (judged.verdict, judged.differences) == (Verdict.REFUTED, (says,))
    assert judged.failure is not None
    assert judged.failure.replay == "physalia spec tlc MCCounter"


@pytest.mark.parametrize(
    ("run", "violated", "says"),
    [
        (CAUGHT, "Tiny", "violation: the manifest says Small, TLC says Tiny."),
        (SEEN, "", "violation: the manifest says Small, TLC says none."),
        (evolve(CAUGHT, trace=()), "Small", "states in the counterexample: the manifest says 3, TLC says 0."),
    ],
)
def test_every_difference_of_a_twin_refutes(tmp_path: Path, run: TlcRun, violated: str, says: str) -> None:
    task = task_in(tmp_path, GOOD, "leaps")
    assert ladder.judge(task, CAUGHT, "Small").verdict is Verdict.HOLDS
    judged = ladder.judge(task, run, violated)
    assert (judged.verdict, judged.differences) == (Verdict.REFUTED, (says,))
    assert judged.failure is not None
    assert judged.failure.replay == "physalia spec tlc MCCounter --twin leaps"


def test_a_listed_action_must_be_taken(tmp_path: Path) -> None:
    task = task_in(tmp_path, GOOD.replace('["ReachThree"]', '["ReachThree"]\nactions = ["Never"]'))
    assert ladder.judge(task, SEEN, "").differences == ("Never was never taken.",)
    assert ladder.judge(evolve(task, counts_actions=False), SEEN, "").verdict is Verdict.HOLDS


def test_actions_are_counted_where_no_graph_shows_them() -> None:
    """The link about graphs sees each step of a model that it compares; counting costs TLC a quarter of its time."""
    manifest = load_manifest()
    settings = Settings(profile=Profile.DEFAULT)
    counted = {task.model.name for task in ladder.tasks_of(manifest, settings) if task.counts_actions and not task.twin}
    compared = {model.name for model in models_of(manifest, settings)[0]}
    assert compared
    assert counted == {model.name for model in manifest.models if model.profile is not Profile.DEEP} - compared
    alone = ladder.tasks_of(manifest, evolve(settings, models=("MCCellHole",)))
    assert all(task.counts_actions for task in alone)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.BROKEN, Verdict.ERROR),
        (Outcome.OUT_OF_TIME, Verdict.INCONCLUSIVE),
        (Outcome.OUT_OF_MEMORY, Verdict.INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize("twin", [None, "leaps"])
def test_what_did_not_finish_is_neither_pass_nor_kill(
    tmp_path: Path, outcome: Outcome, verdict: Verdict, twin: str | None
) -> None:
    judged = ladder.judge(task_in(tmp_path, GOOD, twin), evolve(CAUGHT, outcome=outcome), "")
    assert judged.verdict is verdict
    assert judged.failure is not None


def test_a_twin_that_survives_refutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = GOOD.replace('with = "count\' = count + k + k"', 'with = "count\' = count + k + 0"')
    report = run_link(tmp_path, harmless, monkeypatch)
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].lines == ("violation: the manifest says Small, TLC says none.",)
    assert report.notes == ("0 of 1 twins are killed with everything checked.",)


def test_a_twin_that_does_not_apply_is_an_error_and_the_models_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    astray = GOOD.replace('replace = "count\' = count + k"', 'replace = "count\' = count + q"')
    report = run_link(tmp_path, astray, monkeypatch)
    assert (report.verdict, report.models, report.states) == (Verdict.ERROR, 1, 34)
    assert "occurs 0 times in Counter.tla" in report.failures[0].title
    broken = run_link(tmp_path, astray, monkeypatch, COUNTER.replace("count <= 5", "count <= 4"))
    assert broken.verdict is Verdict.REFUTED


def test_an_evaluation_error_is_no_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = GOOD.replace('with = "count\' = count + k + k"', 'with = "count\' = log[17]"')
    report = run_link(tmp_path, wild, monkeypatch)
    assert report.verdict is Verdict.ERROR
    assert report.notes == ("0 of 1 twins are killed with everything checked.",)


ENDLESS = COUNTER.replace("Small == count <= 5", "Small == TRUE").replace("count < 4 /\\ ", "")


@pytest.mark.parametrize("outcome", [Outcome.EXCEEDED, Outcome.OUT_OF_TIME, Outcome.OUT_OF_MEMORY])
def test_more_states_than_there_are_refute_whatever_stopped_the_run(tmp_path: Path, outcome: Outcome) -> None:
    run = evolve(SEEN, outcome=outcome, distinct=35, errors=("It was stopped.",))
    judged = ladder.judge(task_in(tmp_path, GOOD), run, "")
    more = "distinct states: the manifest says 34, TLC had found 35 and was not done."
    assert (judged.verdict, judged.differences) == (Verdict.REFUTED, (more, "It was stopped."))
    assert judged.failure is not None
    assert judged.failure.title == "MCCounter: TLC finds more states than the manifest says"


@pytest.mark.parametrize("outcome", [Outcome.OUT_OF_TIME, Outcome.OUT_OF_MEMORY, Outcome.OUT_OF_BOUNDS])
def test_a_run_that_was_cut_with_no_more_states_than_there_are_says_nothing(tmp_path: Path, outcome: Outcome) -> None:
    run = evolve(SEEN, outcome=outcome, distinct=34, errors=("It was cut.",))
    judged = ladder.judge(task_in(tmp_path, GOOD), run, "")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.differences == ("It was cut.", "By then it had found 34 distinct states.")


def test_a_model_that_has_no_end_any_more_is_refuted_at_its_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_twin = GOOD.partition("[[twin]]")[0]
    report = run_link(tmp_path, without_twin, monkeypatch, ENDLESS)
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures
    assert failure.title == "MCCounter: TLC finds more states than the manifest says"
    assert failure.lines[0].startswith("distinct states: the manifest says 34, TLC had found ")
    assert failure.lines[1] == "TLC was stopped beyond 34 distinct states, which are all that there should be."


def test_running_out_of_time_below_the_count_is_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = MANIFEST.format(distinct=10**12, generated=10**12, depth=7)
    report = run_link(tmp_path, many, monkeypatch, ENDLESS, tlc_time_s=3.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    (failure,) = [one for one in report.failures if one.title.startswith("MCCounter: ")]
    assert failure.title == "MCCounter: TLC did not finish (out of time)"
    assert "PHYSALIA_TLC_TIME" in failure.lines[0]


def test_a_module_that_cannot_be_read_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_link(tmp_path, GOOD, monkeypatch, COUNTER.replace("Tiny == count < 2", "Tiny == countt < 2"))
    assert report.verdict is Verdict.ERROR
    (failure,) = report.failures
    assert failure.title == (
        "MCCounter: TLC cannot read or evaluate the specification, which is no violation (and so for 1 more runs)"
    )
    assert failure.lines == ("Counter.tla:11:9: Unknown operator: `countt'.",)


def test_an_assumption_that_is_false_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run_link(tmp_path, GOOD, monkeypatch, COUNTER.replace("Init ==", "ASSUME 2 < 1\nInit =="))
    assert report.verdict is Verdict.REFUTED
    lines = report.failures[0].lines
    assert lines[0] == "violation: the manifest says none, TLC says the ASSUME in Counter.tla:4: 2 < 1."
    assert "an ASSUME" in lines[1]


def test_of_bounds_that_contradict_each_other_the_very_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = (
        "ASSUME /\\ 1 < 2 /\\ {1} \\in SUBSET {1}  \\* both hold\n       /\\ 3 \\in (1..2)\n       /\\ 2 < 3\nInit =="
    )
    report = run_link(tmp_path, GOOD, monkeypatch, COUNTER.replace("Init ==", bounds))
    said = "violation: the manifest says none, TLC says the ASSUME in Counter.tla:4: 3 \\in (1..2)."
    assert report.failures[0].lines[0] == said


def test_a_list_of_bounds_is_parted_also_where_they_quantify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = (
        "ASSUME /\\ \\A x \\in {1} : x > 0 /\\ x < 2  \\* holds\n"
        "       /\\ \\E x \\in {1, 2} :\n            x > 2\n       /\\ 2 < 3\nInit =="
    )
    report = run_link(tmp_path, GOOD, monkeypatch, COUNTER.replace("Init ==", bounds))
    said = "violation: the manifest says none, TLC says the ASSUME in Counter.tla:4: \\E x \\in {1, 2} : x > 2."
    assert report.failures[0].lines[0] == said


def test_a_list_in_a_list_is_left_alone(tmp_path: Path) -> None:
    module = tmp_path / "M.tla"
    lines = ["ASSUME /\\ \\A x \\in {1} : /\\ x > 0", "                       /\\ x > 1", "       /\\ 1 < 2"]
    module.write_text("\n".join(["---- MODULE M ----", *lines, "====", ""]), encoding="utf-8")
    assert not part_assumption("line 2, col 8 to line 4, col 15 of module M", tmp_path)


@pytest.mark.parametrize(
    "text", ["2 < 1", "(1 < 2 /\\ 2 < 1)", "\\A x \\in {1} : x > 1 /\\ x > 2", "1 < 2 => 2 < 1 /\\ TRUE"]
)
def test_an_assumption_that_has_no_plain_conjuncts_is_left_alone(tmp_path: Path, text: str) -> None:
    module = tmp_path / "M.tla"
    module.write_text(f"---- MODULE M ----\nASSUME {text}\n====\n", encoding="utf-8")
    before = module.read_text(encoding="utf-8")
    assert not part_assumption(f"line 2, col 8 to line 2, col {7 + len(text)} of module M", tmp_path)
    assert module.read_text(encoding="utf-8") == before


def test_numbers_that_a_new_model_does_not_have_yet_are_printed(tmp_path: Path) -> None:
    new = "".join(line for line in GOOD.splitlines(True) if not line.startswith(("distinct", "generated", "depth")))
    judged = ladder.judge(task_in(tmp_path, new), SEEN, "")
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.differences == (
        "The manifest does not say yet, and TLC says:", "distinct = 34", "generated = 57", "depth = 7",
    )  # fmt: skip
    assert judged.failure is not None
    assert judged.failure.title == "MCCounter: the manifest does not say yet what TLC finds"
    wrong = ladder.judge(task_in(tmp_path, new), evolve(SEEN, reached=frozenset()), "")
    assert wrong.verdict is Verdict.REFUTED


def test_nothing_run_is_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = GOOD.replace('profile = "quick"', 'profile = "deep"')
    report = run_link(tmp_path, later, monkeypatch)
    assert (report.verdict, report.models) == (Verdict.INCONCLUSIVE, 0)
