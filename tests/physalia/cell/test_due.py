"""What is due is a function of what a node remembers: told here once more, slowly, from the step table."""

import random

import pytest

from physalia.cell import Node
from physalia.cell.proposer import Proposer
from physalia.model import (
    NO_BALLOT,
    Command,
    Consult,
    Decide,
    Install,
    Internal,
    Learn,
    NodeId,
    NoOp,
    Promise,
    Propose,
    Serve,
    Slot,
    Step,
    Submit,
)
from tests.physalia.cell.worlds.node_runs import Run
from tests.physalia.cell.worlds.one_node import ONE, TWO, B, elected


def defined(node: Node) -> tuple[Internal, ...]:
    """The guards of the internal steps, with nothing remembered that can be computed."""
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
    if ballot != NO_BALLOT:
        events += rounds(node, slot - 1)
    came = [(teacher, one.slot) for teacher, one in learner.transfers.coming.items() if one.landing is not None]
    installs = [Install(teacher, slot) for teacher, slot in came if slot >= first]
    return *events, *([Learn(first)] if first in learner.heard else []), *installs


def rounds(node: Node, highest: Slot) -> list[Internal]:
    """Of a leader that knows of nothing beyond this slot."""
    reads, ballot, learner = node._reads, node.active, node._learner
    read = reads.under_way
    noted = highest if read is None else read.slot
    if read is None and (not reads.waiting or noted + 1 > len(learner.known) + learner.configurations.alpha):
        return []
    members = learner.configurations.members(noted + 1)
    vouching = {
        sender
        for sender, promise in node._proposer.leadership.promises.items()
        if sender in members and promise.floor <= noted and noted + 1 not in {r.slot for r in promise.accepted}
    }
    if read is not None:
        is_served = 2 * len(vouching & read.echoes) > len(members) and noted <= len(learner.known)
        return [Serve(ballot, read.round.read)] if is_served else []
    number = reads.last.read + 1 if reads.last.ballot == ballot else 1
    return [Consult(ballot, number)] if 2 * len(vouching) > len(members) else []


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
