"""Propose: which value may go into which slot, and which majority says so."""

from physalia.model import Ballot, Campaign, NoOp, Propose, Report, Submit
from tests.physalia.cell.worlds.cell_world import change, ignored, recorded
from tests.physalia.cell.worlds.one_node import (
    FOUR,
    OLD,
    OLDER,
    ONE,
    THREE,
    TWO,
    B,
    elected,
    fresh,
    leader,
    learn,
    promise,
    proposed,
)


def test_a_command_is_proposed_to_the_members_of_its_slot() -> None:
    node = elected()
    assert node.step(Submit(ONE)) == recorded()
    assert node.due() == (Propose(B, 1, ONE),)
    assert node.step(Propose(B, 1, ONE)) == proposed(1, ONE)
    assert node.due() == ()


def test_only_what_is_due_is_proposed() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    assert node.step(Propose(Ballot(2, 1), 1, ONE)) == ignored()
    assert node.step(Propose(B, 2, ONE)) == ignored()
    assert node.step(Propose(B, 1, TWO)) == ignored()
    assert node.step(Propose(B, 1, NoOp())) == ignored()
    assert node.step(Propose(B, 1, ONE)) == proposed(1, ONE)
    assert node.step(Propose(B, 1, ONE)) == ignored()
    assert node.step(Propose(B, 2, ONE)) == ignored()
    assert node.step(Propose(B, 2, TWO)) == proposed(2, TWO)


def test_the_vote_with_the_highest_ballot_binds() -> None:
    node = leader(members=(1, 2, 3, 4, 5))
    node.step(Submit(ONE))
    promise(node, 2, Report(1, OLDER, TWO))
    promise(node, 3, Report(1, OLD, THREE))
    assert node.due() == ()
    promise(node, 1)
    assert node.due() == (Propose(B, 1, THREE),)
    promise(node, 4, Report(1, OLDER, TWO))
    assert node.due() == (Propose(B, 1, THREE),)


def test_a_report_binds_in_its_own_slot_only() -> None:
    node = elected(alpha=3, reports=(Report(2, OLD, TWO),))
    node.step(Submit(ONE))
    assert node.due() == (Propose(B, 1, ONE),)
    node.step(Propose(B, 1, ONE))
    assert node.due() == (Propose(B, 2, TWO),)
    node.step(Propose(B, 2, TWO))
    assert node.due() == ()


def test_a_hole_below_a_vote_is_filled_with_the_no_op_but_not_one_above() -> None:
    node = elected(alpha=3, reports=(Report(2, OLD, TWO),))
    assert node.due() == (Propose(B, 1, NoOp()),)
    assert node.step(Propose(B, 1, NoOp())) == proposed(1, NoOp())
    node.step(Propose(B, 2, TWO))
    assert node.due() == ()
    assert node.step(Propose(B, 3, NoOp())) == ignored()


def test_a_hole_is_one_whoever_tells_of_the_vote_above_it() -> None:
    """Slot 2 belongs to {1, 2, 3}, slot 3 to {1, 4, 5}: what 4 voted for there makes slot 2 a hole."""
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 4, 5}))
    node.step(Campaign(B))
    promise(node, 2)
    promise(node, 3)
    assert node.due() == ()
    promise(node, 4, Report(3, OLD, FOUR))
    assert node.due() == (Propose(B, 2, NoOp()),)


def test_a_promise_counts_only_above_its_floor() -> None:
    node = leader(alpha=2)
    node.step(Submit(ONE))
    promise(node, 1)
    promise(node, 2, Report(1, OLD, TWO), floor=1)
    assert node.due() == ()
    promise(node, 3)
    assert node.due() == (Propose(B, 1, ONE),)


def test_a_vote_in_the_slot_itself_makes_no_hole_of_it() -> None:
    node = leader(alpha=2)
    promise(node, 1)
    promise(node, 2, Report(1, OLD, TWO), floor=1)
    promise(node, 3)
    assert node.due() == ()


def test_a_floor_below_the_slot_does_not_matter() -> None:
    node = leader(alpha=2)
    learn(node, 1, TWO)
    node.step(Submit(ONE))
    promise(node, 1)
    promise(node, 2, floor=1)
    assert node.due() == (Propose(B, 2, ONE),)


def test_each_slot_has_the_majority_of_its_own_configuration() -> None:
    """After a change at slot 1, alpha 2: slot 2 belongs to {1, 2, 3}, slot 3 to {1, 4, 5}."""
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 4, 5}))
    node.step(Campaign(B))
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    promise(node, 4)
    promise(node, 5)
    assert node.due() == ()
    promise(node, 2)
    assert node.due() == ()
    promise(node, 3)
    assert node.step(Propose(B, 2, ONE)) == proposed(2, ONE)
    assert node.step(Propose(B, 3, TWO)) == proposed(3, TWO, to=(1, 4, 5))


def test_the_majority_that_chose_one_slot_says_nothing_of_the_next_configuration() -> None:
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 4, 5}))
    node.step(Campaign(B))
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    promise(node, 2)
    promise(node, 3)
    node.step(Propose(B, 2, ONE))
    assert node.due() == ()
    promise(node, 1)
    assert node.due() == ()
    promise(node, 4, Report(3, OLD, FOUR))
    assert node.due() == (Propose(B, 3, FOUR),)
