"""Votes and Decide: what is counted, in which order slots are decided, and who is told."""

import pytest

from physalia.model import (
    Action,
    Answer,
    Ballot,
    Campaign,
    Command,
    Decide,
    Decision,
    Known,
    Learn,
    NoOp,
    Prepare,
    Propose,
    Report,
    Send,
    Step,
    Store,
    Submit,
    Verdict,
    Volume,
    Vote,
)
from tests.physalia.cell.worlds.cell_world import change, ignored, recorded, write
from tests.physalia.cell.worlds.one_node import OLD, ONE, TWO, B, elected, fresh, hear, learn, promise, proposed, vote


def test_a_majority_of_votes_decides_and_tells() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    assert vote(node, 1, 1) == recorded()
    assert node.due() == ()
    assert node.step(Decide(B, 1)) == ignored()
    assert vote(node, 3, 1) == recorded()
    assert node.due() == (Decide(B, 1),)
    assert node.step(Decide(Ballot(2, 1), 1)) == ignored()
    decision = Decision(1, ONE)
    effects = (
        Store(Known(1, ONE)),
        Send(2, decision),
        Send(3, decision),
        Answer(ONE.request, Verdict(True, Volume(1, "p1", "r1"))),
    )
    assert node.step(Decide(B, 1)) == Step(Action("decide", (B, 1)), effects)
    assert list(node.known) == [ONE]
    assert node.due() == ()
    assert node.step(Decide(B, 1)) == ignored()


def test_votes_count_once_a_node_and_under_its_own_name() -> None:
    node = elected()
    node.step(Submit(ONE))
    assert vote(node, 2, 1) == ignored()
    node.step(Propose(B, 1, ONE))
    assert hear(node, Vote(B, 1, 3), 2) == ignored()
    assert vote(node, 2, 1) == recorded()
    assert vote(node, 2, 1) == ignored()
    assert hear(node, Vote(B, 1, 2), 1) == ignored()
    assert vote(node, 3, 1, ballot=Ballot(2, 3)) == ignored()
    assert vote(node, 4, 1) == ignored()
    assert vote(node, 3, 2) == ignored()
    assert node.due() == ()


def test_slots_are_decided_in_order() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    node.step(Propose(B, 1, ONE))
    node.step(Propose(B, 2, TWO))
    vote(node, 1, 2)
    vote(node, 2, 2)
    assert node.due() == ()
    assert node.step(Decide(B, 2)) == ignored()
    vote(node, 1, 1)
    vote(node, 2, 1)
    assert node.due() == (Decide(B, 1),)
    node.step(Decide(B, 1))
    assert node.due() == (Decide(B, 2),)


def test_a_slot_that_can_be_decided_and_learned_offers_both() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    vote(node, 1, 1)
    vote(node, 2, 1)
    hear(node, Decision(1, ONE), 2)
    assert node.due() == (Decide(B, 1), Learn(1))
    node.step(Decide(B, 1))
    assert node.due() == ()
    assert vote(node, 3, 1) == ignored()


def test_the_no_op_answers_nobody() -> None:
    node = elected(reports=(Report(2, OLD, TWO),))
    node.step(Propose(B, 1, NoOp()))
    vote(node, 1, 1)
    vote(node, 2, 1)
    assert node.step(Decide(B, 1)).effects == (
        Store(Known(1, NoOp())),
        Send(2, Decision(1, NoOp())),
        Send(3, Decision(1, NoOp())),
    )


def test_a_command_decided_twice_is_answered_with_its_first_verdict() -> None:
    node = fresh()
    learn(node, 1, ONE)
    node.step(Campaign(B))
    promise(node, 1)
    promise(node, 2, Report(2, OLD, ONE))
    node.step(Propose(B, 2, ONE))
    vote(node, 1, 2)
    vote(node, 2, 2)
    answer = Answer(ONE.request, Verdict(True, Volume(1, "p1", "r1")))
    assert node.step(Decide(B, 2)).effects[-1] == answer


@pytest.mark.parametrize("alpha", [1, 2, 3])
def test_a_change_invites_the_new_with_the_old_prefix_and_takes_effect_after_alpha(alpha: int) -> None:
    node = fresh(alpha)
    learn(node, 1, NoOp())
    node.step(Campaign(B))
    promise(node, 1)
    promise(node, 2)
    reform = change(1, 0, {2, 3, 4})
    values: list[Command] = [reform, *(write(number) for number in range(alpha))]
    for slot, value in enumerate(values, start=2):
        assert node.step(Submit(value)) == recorded()  # type: ignore[arg-type]
        if slot == 2 + alpha:
            break
        assert node.step(Propose(B, slot, value)) == proposed(slot, value)
        vote(node, 1, slot)
        vote(node, 2, slot)
        effects = node.step(Decide(B, slot)).effects
        assert (Send(4, Prepare(B, 1)) in effects) == (slot == 2)
        assert [effect for effect in effects if isinstance(effect, Send) and effect.to == 1] == []
        told = {effect.to for effect in effects if isinstance(effect, Send) and isinstance(effect.message, Decision)}
        assert told == {2, 3, 4}
    assert node.due() == ()
    promise(node, 3)
    assert node.due() == (Propose(B, 2 + alpha, values[-1]),)
    assert node.step(Propose(B, 2 + alpha, values[-1])) == proposed(2 + alpha, values[-1], to=(2, 3, 4))
    assert vote(node, 1, 2 + alpha) == ignored()
    vote(node, 4, 2 + alpha)
    assert node.due() == ()
    vote(node, 2, 2 + alpha)
    assert node.due() == (Decide(B, 2 + alpha),)


def test_a_leader_that_learns_of_a_change_invites_the_new() -> None:
    node = elected(alpha=1)
    assert Send(4, Prepare(B, 0)) in learn(node, 1, change(1, 0, {1, 2, 4})).effects
    assert Send(4, Prepare(B, 0)) not in learn(node, 2, NoOp()).effects
