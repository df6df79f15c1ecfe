"""A node by itself: what it is told holds, and each fault that long runs seldom show is refuted there."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.database import link
from conformance.links import Profile, Settings, Silence, Verdict
from physalia.cell import learner, node, steps, teaching
from physalia.cell.acceptor import Acceptor
from physalia.cell.configuration import is_majority
from physalia.cell.learner import Learner
from physalia.cell.life.leaving import Leaving
from physalia.cell.log import Log
from physalia.cell.loss import find_loss
from physalia.cell.reads import Consultation, Reads
from physalia.cell.steps import sends
from physalia.model import Action, Echo, Effect, Message, NodeId, Promise, Refusal, Round, Send, Slot, Step, Vote

QUICK = Settings(profile=Profile.QUICK)


def _deaf_to(*kinds: type) -> Callable[..., str]:
    def hears(message: Message, *rest: Any) -> str:
        return "" if isinstance(message, kinds) else find_loss(message, *rest)

    return hears


def _hears_of_others(message: Message, *rest: Any) -> str:
    """A refusal stops it, whoever used the ballot."""
    return "a refusal" if isinstance(message, Refusal) else find_loss(message, *rest)


def _asks_all(self: Reads) -> list[Effect]:
    read = self.under_way
    return [] if read is None else sends(read.members, read.round)


def _trusts_a_floor(self: Reads, slot: Slot) -> list[NodeId]:
    """Who forgot what it voted in the slot vouches for it all the same."""
    promises = self.proposer.leadership.promises.items()
    return [node for node, promise in promises if all(report.slot != slot for report in promise.accepted)]


def _trusts_a_vote(self: Reads, slot: Slot) -> list[NodeId]:
    return [node for node, promise in self.proposer.leadership.promises.items() if promise.floor < slot]


def _believes_every_echo(self: Reads, read: Consultation) -> bool:
    return is_majority(read.echoes, read.members)


def _still_leaves(self: Leaving, learner: Learner) -> Step:
    """What it waits for stays, though it is a member again."""
    duty = self.duty
    step = leave(self, learner)
    self.duty = self.duty or duty
    return step


leave = Leaving.leave


def _names_all(self: Reads) -> frozenset[NodeId]:
    return frozenset() if self.under_way is None else self.under_way.members


def _always_echoes(self: Acceptor, round_: Round) -> Step:
    echo = Echo(round_.ballot, round_.read, self.node)
    return Step(Action("echo", (self.node, round_.ballot, round_.read)), (Send(round_.ballot.node, echo),))


def _keeps_more(self: Learner, floor: Slot) -> None:
    self.settled = self.prefix
    self.known.truncate(floor - 2)


def _records_any(self: Learner, sender: int, decision: Any) -> Step:
    self.heard[decision.slot] = decision.value
    return steps.RECORDED


def _weighs(size: int) -> Callable[..., int]:
    return lambda _: size


def _ends_early(log: Log, after: Slot, last: Slot, most_bytes: int) -> tuple[Slot, int]:
    """What fills a lesson to the last byte does not fit."""
    return teaching.stretch(log, after, last, most_bytes - 1)


def _as_if_from_the_first_slot(log: Log, after: Slot, last: Slot, most_bytes: int) -> tuple[Slot, int]:
    """A slot weighs on average what it would if the lesson had begun at slot 1."""
    end, size_bytes = teaching.stretch(log, after, last, most_bytes)
    return end, size_bytes * (end - after) // end


@pytest.mark.parametrize(
    ("where", "name", "wrong", "said"),
    [
        (node, "find_loss", _deaf_to(Refusal), "and goes on: a refusal"),
        (node, "find_loss", _deaf_to(Vote), "and goes on: a vote of another"),
        (node, "find_loss", _deaf_to(Promise), "and goes on: a promise of another"),
        (node, "find_loss", _hears_of_others, "without a cause: a refusal"),
        (Learner, "record", _records_any, "hears of slot"),
        (Learner, "truncate", _keeps_more, "keeps"),
        (learner, "weight_of", _weighs(1_000_000), "should be taught a snapshot"),
        (learner, "weight_of", _weighs(0), "should be taught as much of the log as fits"),
        (learner, "stretch", _ends_early, "should be taught as much of the log as fits"),
        (learner, "stretch", _as_if_from_the_first_slot, "should be taught a snapshot"),
        (Acceptor, "echo", _always_echoes, "hears of a round"),
        (Leaving, "leave", _still_leaves, "a member again leaves"),
        (Reads, "vouching", _trusts_a_floor, "goes on with a read: two of three cannot"),
        (Reads, "vouching", _trusts_a_vote, "goes on with a read: two of three cannot"),
        (Reads, "is_vouched", _believes_every_echo, "goes on with a read: two of three vouch"),
        (Reads, "silent", _names_all, "says who owes it an echo"),
        (Reads, "unanswered", _asks_all, "asks again about a round"),
    ],
)
def test_a_fault_is_refuted(where: Any, name: str, wrong: object, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, name, wrong)
    row, failure = link.by_itself(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert said in failure.title


def test_a_vote_is_not_recorded_before_it_is_asked_what_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way past that question is for votes under the ballot that the node leads, and no others."""
    receive = node.Node._receive

    def hurries(self: node.Node, sender: int, message: Message) -> Step:
        if isinstance(message, Vote) and message.node != self.node_id:
            return self._proposer.record_vote(sender, message)
        return receive(self, sender, message)

    monkeypatch.setattr(node.Node, "_receive", hurries)
    _, failure = link.by_itself(QUICK, Silence())
    assert failure is not None
    assert "and goes on: a vote of another" in failure.title
