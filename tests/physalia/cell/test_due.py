"""What is due is a function of what a node remembers: told here once more, slowly, from the step table."""

import random

import pytest

from physalia.cell import Node
from physalia.cell.proposer import Proposer
from physalia.model import (
    NO_BALLOT,
    Command,
    Decide,
    Internal,
    Learn,
    NodeId,
    NoOp,
    Promise,
    Propose,
    Slot,
    Step,
    Submit,
)
from tests.physalia.cell.node_runs import Run
from tests.physalia.cell.one_node import ONE, TWO, B, elected


def defined(node: Node) -> tuple[Internal, ...]:
    """The guards of Propose, Decide and Learn, with nothing remembered that can be computed."""
    leadership, learner = node._proposer.leadership, node._learner
    ballot, first = leadership.prepare.ballot, len(learner.known) + 1
    events: list[Internal] = []
    slot = first
    while slot in leadership.proposals:
        slot += 1
    if ballot != NO_BALLOT and slot < first + learner.configurations.alpha:
        events += [Propose(ballot, slot, value) for value in values(node, slot, leadership.promises)]
    if ballot != NO_BALLOT and first in leadership.proposals:
        voters, members = leadership.votes[first], learner.configurations.members(first)
        events += [Decide(ballot, first)] if 2 * len(voters & members) > len(members) else []
    return *events, *([Learn(first)] if first in learner.heard else [])


def values(node: Node, slot: Slot, promises: dict[NodeId, Promise]) -> list[Command]:
    members = node._learner.configurations.members(slot)
    quorum = [promise for sender, promise in promises.items() if sender in members and promise.floor < slot]
    if 2 * len(quorum) <= len(members):
        return []
    reports = [report for promise in quorum for report in promise.accepted if report.slot == slot]
    if reports:
        return [max(reports, key=lambda report: report.ballot).value]
    free = [command for command in node._proposer.waiting if command not in node._proposer.leadership.spent]
    is_hole = any(report.slot > slot for promise in promises.values() for report in promise.accepted)
    return free[:1] or ([NoOp()] if is_hole else [])


def check(number: int) -> int:
    """Compare after every step of so many runs; how often something was due."""
    chance, due = random.Random(11), 0
    for _ in range(number):
        run = Run()
        for _ in range(40):
            run.advance(chance)
            assert run.node.due() == defined(run.node)
            due += bool(run.node.due())
    return due


def test_due_is_what_the_guards_say() -> None:
    assert check(300) > 500


@pytest.mark.parametrize("value", [0, 2])
def test_a_proposer_that_forgets_how_far_promises_report_is_found(monkeypatch: pytest.MonkeyPatch, value: Slot) -> None:
    honest = Proposer.record_promise

    def broken(self: Proposer, sender: NodeId, promise: Promise) -> Step:
        step = honest(self, sender, promise)
        self.leadership.reported = value
        return step

    monkeypatch.setattr(Proposer, "record_promise", broken)
    with pytest.raises(AssertionError):
        check(300)


def test_a_gap_between_proposals_would_be_found() -> None:
    node = elected()
    node.step(Submit(ONE))
    assert node.due() == defined(node) == (Propose(B, 1, ONE),)
    node._proposer.leadership.proposals[2] = TWO
    assert node.due() != defined(node)
