"""A mirror's invariant that judges TLC's counterexample otherwise than TLC is seen."""

from typing import Any

import pytest
from attrs import evolve

from conformance.counterexamples import disagreements
from conformance.ladder import Runner, task_named
from conformance.links import Silence, Verdict
from conformance.manifest import load_manifest
from conformance.tlc import Limits, Processes
from conformance.toolchain import find_toolchain
from spec.cell_properties import CellProperties

MODEL, TWIN, INVARIANT = "MCCellTwoBallots", "leads-without-a-prepare", "leaders_own"


def run_twin() -> Any:
    manifest = load_manifest()
    with Processes() as processes:
        runner = Runner(manifest=manifest, toolchain=find_toolchain(), processes=processes, limits=Limits())
        return runner.run(task_named(manifest, MODEL, TWIN, refinement=True), Silence())


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
