"""The explorer's benchmark measures both sides of one model, and refuses what it cannot measure."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import explorer
from conformance.links import BadInput, Profile
from conformance.manifest import Manifest, Model

TLA = Path(__file__).resolve().parents[2] / "tla"


def model(name: str, distinct: int) -> Model:
    return Model(
        name=name, rung="Cell", purpose="", bounds="", profile=Profile.QUICK, expect="holds",
        distinct=distinct, generated=0, depth=0,
    )  # fmt: skip


def manifest(*models: Model) -> Manifest:
    return Manifest(folder=TLA, models=models, twins=())


def test_both_sides_of_one_model_are_measured() -> None:
    chosen = model("MCCellFailedChange", 189)
    figures = explorer.measure(chosen, manifest(chosen), rounds=1)
    assert figures["states"] == 189
    ratio = figures["states_per_second"] / figures["tlc_states_per_second"]
    assert figures["ratio_to_tlc_one_worker"] == pytest.approx(ratio, rel=0.05)
    assert figures["tlc"]


def test_the_largest_model_that_there_is_time_for() -> None:
    models = (model("MCCellChange", 10127), model("MCCellContest", 62743), model("MCCellChangeTwoBallots", 940463))
    assert explorer.largest_model(manifest(*models)).name == "MCCellContest"
    with pytest.raises(BadInput, match="no model"):
        explorer.largest_model(manifest(models[2]))


def test_sides_that_disagree_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_tlc(*_: Any) -> explorer.Run:
        return explorer.Run(190, 1.0, "2.15")

    monkeypatch.setattr(explorer, "run_tlc", run_tlc)
    chosen = model("MCCellFailedChange", 189)
    with pytest.raises(BadInput, match="find \\[189, 190\\] states"):
        explorer.measure(chosen, manifest(chosen), rounds=1)
