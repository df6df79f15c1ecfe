"""What nodes show of themselves: it is so in every run, and whoever shows or says something else is refuted."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.judges import shown
from conformance.judges.coverage import Coverage
from conformance.lockstep.campaigns import CAMPAIGNS
from conformance.lockstep.drive import drive
from conformance.lockstep.play import Play
from conformance.refutation import How
from conformance.world.cells import MakeNode
from physalia.cell import Node, inspect
from physalia.cell.steps import IGNORED, RECORDED
from physalia.model import Event, NodeId, Receive, Step

READERS = next(campaign for campaign in CAMPAIGNS if campaign.name.startswith("readers"))
FORGETTING = next(campaign for campaign in CAMPAIGNS if campaign.name.startswith("forgetting"))
RUNS = 16


def _said(make_node: MakeNode) -> tuple[str, str]:
    """What is first said of such nodes, and how it showed itself; nothing if they hold."""
    for campaign in (READERS, FORGETTING):
        for number in range(RUNS):
            setup = campaign.setups[number % len(campaign.setups)]
            seed = f"shown/{number}"
            finding = drive(setup, seed, 160, Coverage(), make_node, _nothing, campaign.steer, _nothing)
            if finding is not None:
                return finding.refuted.title, finding.refuted.how
    return "", ""


def _nothing(_: Play) -> None:
    """Nobody is told."""


def test_what_nodes_show_is_so() -> None:
    assert _said(Node) == ("", "")


@pytest.mark.parametrize(
    "name",
    ["life_state", "prefix", "floor", "digest", "promised", "leads", "members", "version_of_members", "next_members",
     "alpha", "in_force_from_slot", "items", "state_bytes", "log_slots", "votes", "waits_for", "does_not_serve",
     "stopped"],
)  # fmt: skip
def test_whoever_shows_something_else_is_refuted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(node: Node) -> dict[str, Any]:
        return inspect(node) | {name: "something else"}

    monkeypatch.setattr(shown, "inspect", wrong)
    title, how = _said(Node)
    assert f"shows a wrong `{name}`" in title
    assert how == How.JUDGED


def test_whoever_cannot_be_looked_at_has_an_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(_: Node) -> dict[str, Any]:
        raise LookupError("nobody knows")

    monkeypatch.setattr(shown, "inspect", raises)
    title, how = _said(Node)
    assert "raises LookupError when somebody looks at it" in title
    assert how == How.RAISED


class _NobodyOwes(Node):
    def silent(self) -> frozenset[NodeId]:
        return frozenset()


class _NeverIdle(Node):
    @property
    def is_idle(self) -> bool:
        return False


class _NeverRefused(Node):
    @property
    def was_refused(self) -> bool:
        return False


class _RecordsNothing(Node):
    def step(self, event: Event) -> Step:
        step = super().step(event)
        return RECORDED if step is IGNORED and isinstance(event, Receive) else step


class _RecordsInSilence(Node):
    def step(self, event: Event) -> Step:
        step = super().step(event)
        return IGNORED if step is RECORDED and isinstance(event, Receive) else step


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (_NobodyOwes, "says that others owe it an answer"),
        (_NeverIdle, "is not idle, as it says"),
        (_NeverRefused, "does not say whether it was refused"),
        (_RecordsNothing, "says that it recorded something, and remembers nothing"),
        (_RecordsInSilence, "says that it ignored something, and remembers it"),
    ],
)
def test_whoever_says_something_else_is_refuted(wrong: Callable[..., Node], said: str) -> None:
    assert said in _said(wrong)[0]
