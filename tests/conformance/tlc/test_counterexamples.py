"""The steps of TLC's counterexamples get their arguments; a mirror's invariant that judges one otherwise is seen."""

from typing import Any

import pytest
from attrs import evolve

from conformance.links import Silence, Verdict
from conformance.manifest import load_manifest
from conformance.tlc.counterexamples import disagreements, narrate, shown_steps
from conformance.tlc.limits import Limits
from conformance.tlc.link import Runner, task_named
from conformance.tlc.run import Processes
from conformance.tlc.toolchain import find_toolchain
from spec.cell_properties import CellProperties

MODEL, TWIN, INVARIANT = "MCCellTwoBallots", "leads-without-using-its-ballot", "leaders_own"


def run_twin(model: str = MODEL, twin: str | None = TWIN) -> Any:
    manifest = load_manifest()
    with Processes() as processes:
        runner = Runner(manifest=manifest, toolchain=find_toolchain(), processes=processes, limits=Limits())
        return runner.run(task_named(manifest, model, twin, refinement=True), Silence())


def titles(model: str, run: Any) -> list[tuple[str, str]]:
    return [(step.title, step.remark) for step in shown_steps(model, run)]


def test_every_step_of_a_model_has_its_arguments() -> None:
    run = run_twin("MCCellIdleWindow", None).run
    found = titles("MCCellIdleWindow", run)
    assert found[1] == ("Prepare(1)", "")
    assert found[2] in {(f"Promise({n}, 1)", "") for n in (1, 2, 4)}
    assert "Propose(1, 1, replace)" in [title for title, _ in found]
    assert {title.partition("(")[0] for title, _ in found[1:]} == {"Prepare", "Promise", "Propose", "Vote", "Decide"}
    assert not any(remark for _, remark in found)
    assert "for ever" in narrate("MCCellIdleWindow", run)[-1]


def test_the_step_of_the_bug_has_arguments_and_the_guard_that_is_gone() -> None:
    model = "MCCellTwoBallotsRefines"
    found = titles(model, run_twin(model, "half-a-quorum").run)
    remarks = dict(found)
    assert remarks["Vote(1, 1, 1)"] == ""
    assert remarks["Propose(1, 1, swap)"] == "the mirror refuses it: false is self.allowed(s, b, i, v)"
    assert "is_majority" in remarks[found[-1][0]]


def test_a_step_that_the_mirror_cannot_take_says_so() -> None:
    run = run_twin().run
    mutilated = evolve(run.trace[1], text=run.trace[0].text)
    assert titles(MODEL, evolve(run, trace=(run.trace[0], mutilated)))[1] == (
        run.trace[1].action, "no arguments: the mirror's action never does this",
    )  # fmt: skip
    strange = evolve(run.trace[1], action="Gossip")
    assert titles(MODEL, evolve(run, trace=(run.trace[0], strange)))[1] == (
        "Gossip", "no arguments: the mirror has no such action",
    )  # fmt: skip
    no_state = evolve(run.trace[1], text=run.trace[1].text.replace("active = ", "idle = "))
    assert "such a state" in titles(MODEL, evolve(run, trace=(run.trace[0], no_state)))[1][1]
    assert "no mirror" in titles("MCCounter", run)[1][1]


def test_both_sides_agree_on_a_counterexample() -> None:
    judged = run_twin()
    assert (judged.verdict, judged.violated) == (Verdict.HOLDS, "LeadersOwn")
    assert disagreements(judged.task.twin, judged.run, "LeadersOwn") == ()
    assert disagreements(judged.task.twin, judged.run, "SomethingElse") == ()
    elsewhere = evolve(judged.task.twin, file="Commands.tla")
    assert disagreements(elsewhere, judged.run, "Agreement") == ()


@pytest.mark.parametrize(
    ("constant", "says"), [(True, "leaders_own holds in the last state"), (False, "leaders_own is violated before")]
)
def test_an_invariant_that_is_always_the_same_is_refuted(
    monkeypatch: pytest.MonkeyPatch, constant: bool, says: str
) -> None:
    def always(_self: object, _state: object) -> bool:
        return constant

    always.is_invariant = True  # type: ignore[attr-defined]
    monkeypatch.setattr(CellProperties, INVARIANT, always)
    judged = run_twin()
    assert judged.verdict is Verdict.REFUTED
    assert says in judged.differences[0]
