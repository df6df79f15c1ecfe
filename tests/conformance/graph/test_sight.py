"""What the explorer must see: it sees it, and an explorer that overlooks something is not believed."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.graph import mirror, sight
from conformance.links import Silence, Verdict
from conformance.manifest import load_manifest
from spec.machine import Exploration, Machine, explore


def test_the_explorer_sees_what_there_is() -> None:
    assert sight.overlooked() == ()


def _without_invariants(machine: Machine[Any], **how: Any) -> Exploration[Any]:
    return explore(machine, **(how | {"invariants": ()}))


def _without_refinement(machine: Machine[Any], **how: Any) -> Exploration[Any]:
    return explore(machine, **(how | {"refinement": False}))


def _without_end(machine: Machine[Any], **how: Any) -> Exploration[Any]:
    return explore(machine, **(how | {"limits": None}))


@pytest.mark.parametrize(
    ("blind", "said"),
    [
        (_without_invariants, "it overlooks a violated invariant"),
        (_without_refinement, "it overlooks a step that is none above"),
        (_without_end, "it does not give up at a limit"),
    ],
)
def test_a_blind_explorer_is_found_out(
    blind: Callable[..., Exploration[Any]], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "explore", blind)
    assert said in sight.overlooked()


def test_no_mirror_holds_that_a_blind_explorer_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_unseen", lambda: ("the explorer is not to be believed: it sleeps.",))
    checked = mirror.check(load_manifest(), "MCRegister", Silence())
    assert checked.verdict is Verdict.REFUTED
