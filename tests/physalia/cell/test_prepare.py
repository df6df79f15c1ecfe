"""Prepare: who may take over, with which ballot, and whom it asks; and whose promises count."""

from physalia.cell import Node
from physalia.model import (
    NO_BALLOT,
    Action,
    Ask,
    Ballot,
    Campaign,
    Decision,
    Flush,
    NoOp,
    Prepare,
    Promise,
    Propose,
    Refusal,
    Send,
    Step,
    Store,
    Submit,
    UsedBallot,
)
from tests.physalia.cell.worlds.cell_world import change, ignored, recorded, resent
from tests.physalia.cell.worlds.one_node import ONE, B, elected, fresh, hear, leader, learn, promise


def test_a_ballot_is_on_disk_before_it_is_used() -> None:
    node = fresh()
    sent = tuple(Send(member, Prepare(B, 0)) for member in (1, 2, 3))
    assert node.step(Campaign(B)) == Step(Action("prepare", (B,)), (Store(UsedBallot(B)), Flush(), *sent))
    assert (node.active, node.promised) == (B, NO_BALLOT)


def test_prepare_needs_a_ballot_of_ones_own_that_was_never_used() -> None:
    node = fresh()
    assert node.step(Campaign(Ballot(1, 2))) == ignored()
    node.step(Campaign(B))
    assert node.step(Campaign(B)) == ignored()
    hear(node, Prepare(Ballot(1, 2), 0), 2)
    assert node.step(Campaign(B)) == ignored()


def test_prepare_needs_a_ballot_above_the_promise_and_above_the_active_one() -> None:
    node = fresh()
    hear(node, Prepare(Ballot(2, 2), 0), 2)
    assert node.step(Campaign(Ballot(2, 1))) == ignored()
    assert node.step(Campaign(Ballot(5, 1))).announces == Action("prepare", (Ballot(5, 1),))
    assert node.step(Campaign(Ballot(4, 1))) == ignored()
    assert node.active == Ballot(5, 1)
    assert node.step(Campaign(Ballot(6, 1))).announces == Action("prepare", (Ballot(6, 1),))


def test_a_promise_or_a_vote_at_an_unused_ballot_of_ones_own_forbids_it() -> None:
    node = fresh()
    hear(node, Prepare(B, 0), 1)
    assert node.step(Campaign(B)) == ignored()


def test_only_a_member_of_the_first_unknown_slot_prepares() -> None:
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {2, 3, 4}))
    assert node.step(Campaign(B)).announces == Action("prepare", (B,))
    learn(node, 2, NoOp())
    told = [Send(member, Decision(2, NoOp())) for member in (2, 3, 4)]
    asked = [Send(member, Ask(2)) for member in (2, 3, 4)]
    assert node.step(Campaign(Ballot(2, 1))) == resent(*told, *asked)


def test_an_outsider_that_knows_nothing_asks() -> None:
    assert Node(4, (1, 2, 3), 2).step(Campaign(Ballot(1, 4))) == resent(*(Send(member, Ask(0)) for member in (1, 2, 3)))


def test_every_member_of_the_window_is_asked_with_the_known_prefix() -> None:
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 3, 4}))
    step = node.step(Campaign(B))
    assert step.effects[2:] == tuple(Send(member, Prepare(B, 1)) for member in (1, 2, 3, 4))


def test_the_next_ballot_is_above_what_was_used_promised_or_refused() -> None:
    node = fresh()
    assert node.next_ballot() == Ballot(1, 1)
    node.step(Campaign(Ballot(2, 1)))
    node.step(Campaign(Ballot(3, 1)))
    assert node.next_ballot() == Ballot(4, 1)
    assert hear(node, Refusal(Ballot(3, 1), Ballot(7, 2)), 2) == recorded()
    assert hear(node, Refusal(Ballot(3, 1), Ballot(6, 2)), 3) == recorded()
    assert node.next_ballot() == Ballot(8, 1)
    assert node.active == Ballot(3, 1)
    assert hear(node, Refusal(Ballot(2, 1), Ballot(9, 2)), 2) == ignored()
    assert node.next_ballot() == Ballot(8, 1)
    hear(node, Prepare(Ballot(9, 2), 0), 2)
    assert node.next_ballot() == Ballot(10, 1)


def test_promises_count_once_a_node_and_under_its_own_name() -> None:
    node = leader()
    node.step(Submit(ONE))
    assert hear(node, Promise(B, 3, (), 0), 2) == ignored()
    assert promise(node, 2) == recorded()
    assert promise(node, 2) == ignored()
    assert hear(node, Promise(B, 2, (), 0), 1) == ignored()
    assert node.due() == ()
    assert promise(node, 3) == recorded()
    assert node.due() == (Propose(B, 1, ONE),)


def test_promises_of_other_ballots_and_of_strangers_are_ignored() -> None:
    node = leader()
    node.step(Campaign(Ballot(2, 1)))
    node.step(Submit(ONE))
    assert promise(node, 2) == ignored()
    assert promise(node, 3, ballot=Ballot(3, 2)) == ignored()
    assert promise(node, 4, ballot=Ballot(2, 1)) == ignored()
    assert promise(fresh(), 2, ballot=Ballot(1, 3)) == ignored()
    promise(node, 1, ballot=Ballot(2, 1))
    assert node.due() == ()


def test_promises_do_not_outlive_their_ballot() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Campaign(Ballot(2, 1)))
    assert node.due() == ()
    assert node.step(Propose(B, 1, ONE)) == ignored()
    assert node.step(Propose(Ballot(2, 1), 1, ONE)) == ignored()
