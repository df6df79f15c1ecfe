"""Mixed versions: the runs hold and reach what they are for; nodes that skip, guess or go on are refuted."""

import pytest

from conformance.links import Profile, Settings, Silence, Verdict
from conformance.lockstep import mixed
from physalia.cell import Node
from physalia.cell.proposer import Proposer
from physalia.model import Event, Execute, Reason, Receive, Refused, Slot, Step, StoreReply
from physalia.store import VERSION, Store

QUICK = Settings(profile=Profile.QUICK)


def test_mixed_versions_hold_and_reach_what_they_are_for() -> None:
    row, failure = mixed.runs(QUICK, Silence())
    assert failure is None
    assert row.verdict is Verdict.HOLDS
    assert row.steps > 0


def test_nothing_reached_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mixed.RUNS, Profile.QUICK, 1)
    row, failure = mixed.runs(QUICK, Silence())
    assert row.verdict is Verdict.INCONCLUSIVE
    assert failure is not None


def _skips(self: Store, slot: Slot, command: Execute) -> StoreReply:
    if not self.is_understood(command):
        self.slot = slot
        return Refused("invalid")
    return apply(self, slot, command)


def _goes_on(self: Node, event: Event) -> Step:
    if self._stopped and isinstance(event, Receive):
        why, self._stopped = self._stopped, ""
        took = step(self, event)
        self._stopped = why
        return took
    return step(self, event)


def _takes_the_oldest_alone(self: Proposer, command: Execute) -> Reason | None:
    return objection(self, command) if command.version == VERSION else "not understood"


apply, step, objection = Store.apply, Node.step, Proposer._objection


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "said"),
    [
        (Store, "apply", _skips, "no apply"),
        (Node, "step", _goes_on, "has stopped, and does something"),
        (Proposer, "_objection", _takes_the_oldest_alone, "does not take a command that it understands"),
    ],
)
def test_broken_nodes_are_refuted(
    owner: type, name: str, wrong: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    row, failure = mixed.runs(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert said in failure.title
    assert failure.events > 0
