"""Time: what nobody answered is sent again, not before its time and not for ever."""

import pytest

from physalia.model import (
    Action,
    Ask,
    Ballot,
    Campaign,
    Decide,
    Decision,
    Event,
    Learn,
    Prepare,
    Proposal,
    Propose,
    Refusal,
    Send,
    Stutter,
    Submit,
    Tick,
)
from tests.physalia.cell.worlds.cell_world import ignored, recorded, resent
from tests.physalia.cell.worlds.one_node import ONE, TWO, B, elected, fresh, hear, leader, learn, promise, vote


def test_nothing_is_sent_again_before_its_time() -> None:
    node = leader()
    assert node.step(Tick(1000)) == ignored()
    assert node.step(Tick(1099)) == ignored()
    prepares = [Send(member, Prepare(B, 0)) for member in (1, 2, 3)]
    assert node.step(Tick(1100)) == resent(*prepares)
    assert node.step(Tick(1199)) == ignored()
    promise(node, 2)
    assert node.step(Tick(1200)) == resent(prepares[0], prepares[2])


@pytest.mark.parametrize("event", ["propose", "decide", "campaign", "learn"])
def test_an_action_of_the_proposer_is_given_its_time(event: str) -> None:
    node = elected()
    node.step(Submit(ONE))
    if event != "propose":
        node.step(Propose(B, 1, ONE))
        vote(node, 1, 1)
        vote(node, 2, 1)
        hear(node, Decision(1, ONE), 2)
    events: dict[str, Event] = {
        "propose": Propose(B, 1, ONE),
        "decide": Decide(B, 1),
        "campaign": Campaign(Ballot(2, 1)),
        "learn": Learn(1),
    }
    node.step(Tick(0))
    assert isinstance(node.step(events[event]).announces, Action)
    assert node.step(Tick(100)) == ignored()
    assert node.step(Tick(199)) == ignored()
    assert node.step(Tick(200)).announces == Stutter("resent")


def test_what_changes_nothing_does_not_put_a_resend_off() -> None:
    node = leader()
    node.step(Tick(0))
    node.step(Decide(B, 1))
    node.step(Learn(1))
    node.step(Campaign(B))
    assert node.step(Tick(100)).announces == Stutter("resent")


def test_a_proposal_is_sent_again_to_those_who_did_not_vote() -> None:
    node = elected()
    promise(node, 3)
    for command in (ONE, TWO):
        node.step(Submit(command))
    node.step(Propose(B, 1, ONE))
    node.step(Propose(B, 2, TWO))
    vote(node, 2, 1)
    node.step(Tick(0))
    first, second = Proposal(B, 1, ONE), Proposal(B, 2, TWO)
    expected = [Send(1, first), Send(3, first), Send(1, second), Send(2, second), Send(3, second)]
    assert node.step(Tick(100)) == resent(*expected)


def test_the_last_decision_is_sent_again_until_it_is_acknowledged() -> None:
    node = elected()
    promise(node, 3)
    for slot, command in ((1, ONE), (2, TWO)):
        node.step(Submit(command))
        node.step(Propose(B, slot, command))
        vote(node, 1, slot)
        vote(node, 2, slot)
        node.step(Decide(B, slot))
    last = Decision(2, TWO)
    node.step(Tick(0))
    assert node.step(Tick(100)) == resent(Send(2, last), Send(3, last))
    assert hear(node, Ask(1), 3) == resent(Send(3, last))
    assert hear(node, Ask(2), 2) == recorded()
    assert hear(node, Ask(2), 2) == ignored()
    assert hear(node, Ask(2), 9) == ignored()
    assert node.step(Tick(200)) == resent(Send(3, last))
    assert hear(node, Ask(2), 3) == recorded()
    assert hear(node, Ask(1), 3) == resent(Send(3, last))
    assert node.step(Tick(300)) == ignored()
    assert hear(node, Ask(0), 2) == resent(Send(2, Decision(1, ONE)), Send(2, last))


def test_an_idle_node_sends_nothing_again() -> None:
    node = fresh()
    learn(node, 1, ONE)
    node.step(Tick(0))
    assert node.step(Tick(100)) == ignored()
    assert hear(node, Ask(1), 2) == ignored()


def test_who_is_silent_is_who_is_sent_to_again() -> None:
    """Whoever drives the node need not tick it when nobody is silent, or only those who are not there (R14)."""
    assert fresh().silent() == frozenset()
    node = leader()
    assert node.is_leading
    assert node.silent() == {1, 2, 3}
    promise(node, 1)
    promise(node, 2)
    assert node.silent() == {3}
    promise(node, 3)
    assert node.silent() == frozenset()
    node.step(Tick(0))
    assert node.step(Tick(10_000)) == ignored()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    assert node.silent() == {1, 2, 3}


def test_who_taught_somebody_wants_one_tick() -> None:
    """Until then it does not teach the same again."""
    node = fresh()
    learn(node, 1, ONE)
    assert not node.has_taught
    hear(node, Ask(0), 2)
    assert node.has_taught
    node.step(Tick(0))
    assert not node.has_taught


def test_a_refusal_by_one_is_seen_although_the_node_still_leads() -> None:
    node = leader()
    assert not node.was_refused
    hear(node, Refusal(B, Ballot(1, 3)), 3)
    assert node.was_refused
    assert node.is_leading


def test_members_are_those_of_the_first_unknown_slot() -> None:
    assert fresh().members == {1, 2, 3}
    assert not fresh().is_leading
