"""Promise and Vote: every conjunct of their guards, and the order of what they do."""

from physalia.cell import Node
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Action,
    Ask,
    Ballot,
    Campaign,
    Command,
    Flush,
    Message,
    NoOp,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Receive,
    Refusal,
    Report,
    Send,
    Step,
    Store,
    Stutter,
    Vote,
)
from tests.physalia.cell.worlds.cell_world import ignored, resent, write

LOW, MIDDLE, HIGH = Ballot(1, 1), Ballot(1, 3), Ballot(2, 1)
ONE, TWO, THREE = write(1), write(2), write(3)


def hear(node: Node, message: Message, sender: int = 1) -> Step:
    return node.step(Receive(sender, message))


def promised(ballot: Ballot, *reports: Report, node: int = 2) -> Step:
    effects = (Store(Promised(ballot)), Flush(), Send(ballot.node, Promise(ballot, node, reports, 0)))
    return Step(Action("promise", (node, ballot)), effects)


def voted(ballot: Ballot, slot: int, value: Command, node: int = 2) -> Step:
    effects = (Store(Accepted(ballot, slot, value)), Flush(), Send(ballot.node, Vote(ballot, slot, node)))
    return Step(Action("vote", (node, ballot, slot)), effects)


def refused(ballot: Ballot, by: Ballot) -> Step:
    return Step(Stutter("refused"), (Send(ballot.node, Refusal(ballot, by)),))


def fresh(node: int = 2) -> Node:
    return Node(node, {1, 2, 3}, 2)


def test_a_fresh_node_has_promised_and_accepted_nothing() -> None:
    node = fresh()
    assert (node.promised, node.active, dict(node.accepted), list(node.known)) == (NO_BALLOT, NO_BALLOT, {}, [])


def test_a_promise_is_on_disk_before_it_is_sent() -> None:
    node = fresh()
    assert hear(node, Prepare(LOW, 0)) == promised(LOW)
    assert node.promised == LOW


def test_a_prepare_below_the_promise_is_refused() -> None:
    node = fresh()
    hear(node, Prepare(HIGH, 0))
    assert hear(node, Prepare(LOW, 0)) == refused(LOW, HIGH)
    assert hear(node, Prepare(MIDDLE, 0), sender=3) == refused(MIDDLE, HIGH)
    assert node.promised == HIGH


def test_ballots_of_one_round_are_ordered_by_node() -> None:
    node = fresh()
    assert hear(node, Prepare(LOW, 0)) == promised(LOW)
    assert hear(node, Prepare(MIDDLE, 0), sender=3) == promised(MIDDLE)
    assert hear(node, Prepare(LOW, 0)) == refused(LOW, MIDDLE)


def test_a_prepare_is_answered_again_with_the_same_bytes() -> None:
    node = fresh()
    first = hear(node, Prepare(LOW, 0))
    hear(node, Proposal(LOW, 1, ONE))
    assert hear(node, Prepare(LOW, 0)) == resent(first.effects[-1])


def test_a_node_that_voted_under_a_ballot_may_still_promise_it_once() -> None:
    node = fresh()
    assert hear(node, Proposal(LOW, 1, ONE)) == voted(LOW, 1, ONE)
    promise = promised(LOW, Report(1, LOW, ONE))
    assert hear(node, Prepare(LOW, 0)) == promise
    assert hear(node, Prepare(LOW, 0)) == resent(promise.effects[-1])


def test_a_promise_reports_the_votes_above_the_prefix_by_rising_slot() -> None:
    node = fresh()
    for slot, value in ((3, THREE), (1, ONE), (2, TWO)):
        hear(node, Proposal(LOW, slot, value))
    hear(node, Proposal(MIDDLE, 3, ONE), sender=3)
    ask = Send(1, Ask(0))
    step = hear(node, Prepare(HIGH, 1))
    expected = promised(HIGH, Report(2, LOW, TWO), Report(3, MIDDLE, ONE))
    assert step == Step(expected.announces, (*expected.effects, ask))


def test_a_vote_is_on_disk_before_it_is_sent_and_raises_the_promise() -> None:
    node = fresh()
    assert hear(node, Proposal(MIDDLE, 2, ONE), sender=3) == voted(MIDDLE, 2, ONE)
    assert node.promised == MIDDLE
    assert dict(node.accepted) == {2: Accepted(MIDDLE, 2, ONE)}
    assert hear(node, Prepare(LOW, 0)) == refused(LOW, MIDDLE)


def test_a_proposal_below_the_promise_is_refused_even_in_a_new_slot() -> None:
    node = fresh()
    hear(node, Prepare(HIGH, 0))
    assert hear(node, Proposal(LOW, 1, ONE)) == refused(LOW, HIGH)
    assert dict(node.accepted) == {}


def test_a_proposal_at_the_promise_is_voted_for() -> None:
    node = fresh()
    hear(node, Prepare(LOW, 0))
    assert hear(node, Proposal(LOW, 1, ONE)) == voted(LOW, 1, ONE)


def test_a_vote_is_cast_once_and_sent_again_for_a_duplicate() -> None:
    node = fresh()
    hear(node, Proposal(LOW, 1, ONE))
    assert hear(node, Proposal(LOW, 1, ONE)) == resent(Send(1, Vote(LOW, 1, 2)))
    assert hear(node, Proposal(LOW, 2, TWO)) == voted(LOW, 2, TWO)


def test_a_higher_ballot_replaces_a_vote() -> None:
    node = fresh()
    hear(node, Proposal(LOW, 1, ONE))
    assert hear(node, Proposal(HIGH, 1, TWO)) == voted(HIGH, 1, TWO)
    assert dict(node.accepted) == {1: Accepted(HIGH, 1, TWO)}


def test_only_the_owner_speaks_for_its_ballot() -> None:
    node = fresh()
    assert hear(node, Prepare(LOW, 0), sender=3) == ignored()
    assert hear(node, Proposal(LOW, 1, NoOp()), sender=3) == ignored()
    assert node.promised == NO_BALLOT


def test_a_node_falls_idle_with_a_promise_above_its_own_ballot_but_not_at_it() -> None:
    node = fresh()
    own = node.next_ballot()
    node.step(Campaign(own))
    assert hear(node, Prepare(own, 0), sender=2) == promised(own)
    assert node.active == own
    hear(node, Prepare(HIGH, 0))
    assert node.active == NO_BALLOT


def test_a_node_falls_idle_with_a_vote_above_its_own_ballot_but_not_at_it() -> None:
    node = fresh()
    own = node.next_ballot()
    node.step(Campaign(own))
    assert hear(node, Proposal(own, 1, ONE), sender=2) == voted(own, 1, ONE)
    assert node.active == own
    assert hear(node, Proposal(HIGH, 1, TWO)) == voted(HIGH, 1, TWO)
    assert node.active == NO_BALLOT


def test_a_refusal_leaves_the_leader_alone() -> None:
    node = fresh()
    hear(node, Prepare(HIGH, 0))
    node.step(Campaign(Ballot(5, 2)))
    hear(node, Prepare(LOW, 0))
    assert node.active == Ballot(5, 2)
