"""Learn, the decisions that are heard early, and teaching."""

from physalia.cell import Node
from physalia.cell.learner import HEARD_AHEAD_SLOTS, TAUGHT_AT_ONCE_SLOTS
from physalia.model import (
    Action,
    Ask,
    Ballot,
    Change,
    Command,
    Decision,
    Known,
    Learn,
    Message,
    NoOp,
    Prepare,
    Proposal,
    Receive,
    RequestId,
    Send,
    Step,
    Store,
)
from tests.physalia.cell.cell_world import ignored, recorded, resent, write

ONE, TWO, THREE = write(1), write(2), write(3)


def fresh(alpha: int = 2) -> Node:
    return Node(2, {1, 2, 3}, alpha)


def hear(node: Node, message: Message, sender: int = 1) -> Step:
    return node.step(Receive(sender, message))


def learned(slot: int, value: Command) -> Step:
    return Step(Action("learn", (2, slot)), (Store(Known(slot, value)),))


def teach(node: Node, *values: Command) -> None:
    for slot, value in enumerate(values, start=len(node.known) + 1):
        hear(node, Decision(slot, value))
        assert node.step(Learn(slot)) == learned(slot, value)


def test_a_decision_is_recorded_and_learning_it_is_a_step_of_its_own() -> None:
    node = fresh()
    assert node.due() == ()
    assert hear(node, Decision(1, ONE)) == recorded()
    assert (list(node.known), node.due()) == ([], (Learn(1),))
    assert node.step(Learn(1)) == learned(1, ONE)
    assert (list(node.known), node.due()) == ([ONE], ())


def test_decisions_are_learned_in_order() -> None:
    node = fresh()
    assert hear(node, Decision(2, TWO)) == recorded(Send(1, Ask(0)))
    assert node.due() == ()
    assert node.step(Learn(2)) == ignored()
    assert node.step(Learn(1)) == ignored()
    assert hear(node, Decision(1, ONE)) == recorded()
    assert node.step(Learn(2)) == ignored()
    node.step(Learn(1))
    assert node.due() == (Learn(2),)
    node.step(Learn(2))
    assert list(node.known) == [ONE, TWO]
    assert node.step(Learn(2)) == ignored()


def test_a_duplicate_of_what_was_heard_is_ignored_and_of_what_is_known_acknowledged() -> None:
    node = fresh()
    hear(node, Decision(1, ONE))
    assert hear(node, Decision(1, ONE)) == ignored()
    node.step(Learn(1))
    assert hear(node, Decision(1, ONE), sender=3) == resent(Send(3, Ask(1)))
    assert node.due() == ()


def test_a_gap_is_asked_for_until_it_is_filled() -> None:
    node = fresh()
    assert hear(node, Decision(3, THREE)) == recorded(Send(1, Ask(0)))
    assert hear(node, Decision(3, THREE), sender=3) == ignored(Send(3, Ask(0)))
    assert hear(node, Decision(1, ONE)) == recorded()
    assert hear(node, Decision(3, THREE)) == ignored(Send(1, Ask(0)))
    node.step(Learn(1))
    assert hear(node, Decision(3, THREE)) == ignored(Send(1, Ask(1)))
    assert hear(node, Decision(2, TWO)) == recorded()
    assert hear(node, Decision(3, THREE)) == ignored()


def test_a_prepare_with_a_longer_prefix_is_a_reason_to_ask() -> None:
    node = fresh()
    teach(node, ONE)
    assert Send(1, Ask(1)) not in hear(node, Prepare(Ballot(1, 1), 1)).effects
    assert hear(node, Prepare(Ballot(2, 1), 2)).effects[-1] == Send(1, Ask(1))


def test_a_proposal_beyond_the_window_is_a_reason_to_ask() -> None:
    node = fresh(alpha=2)
    assert Send(1, Ask(0)) not in hear(node, Proposal(Ballot(1, 1), 2, ONE)).effects
    assert hear(node, Proposal(Ballot(1, 1), 3, ONE)).effects[-1] == Send(1, Ask(0))


def test_decisions_far_ahead_are_not_remembered() -> None:
    node = fresh()
    assert hear(node, Decision(HEARD_AHEAD_SLOTS, ONE)) == recorded(Send(1, Ask(0)))
    assert hear(node, Decision(HEARD_AHEAD_SLOTS + 1, ONE)) == ignored(Send(1, Ask(0)))
    hear(node, Decision(1, TWO))
    node.step(Learn(1))
    assert hear(node, Decision(HEARD_AHEAD_SLOTS + 1, ONE)) == recorded(Send(1, Ask(1)))


def test_a_node_teaches_what_comes_after_the_prefix() -> None:
    node = fresh()
    teach(node, ONE, TWO, THREE)
    assert hear(node, Ask(1), sender=3) == resent(Send(3, Decision(2, TWO)), Send(3, Decision(3, THREE)))
    assert hear(node, Ask(0), sender=9).effects[0] == Send(9, Decision(1, ONE))
    assert hear(node, Ask(3), sender=3) == ignored()


def test_whoever_asks_for_more_than_is_known_here_is_asked_in_return() -> None:
    node = fresh()
    teach(node, ONE)
    assert hear(node, Ask(2), sender=3) == ignored(Send(3, Ask(1)))


def test_one_answer_teaches_a_bounded_number_of_slots() -> None:
    node = fresh()
    teach(node, *(write(number) for number in range(TAUGHT_AT_ONCE_SLOTS + 2)))
    slots = [effect.message.slot for effect in hear(node, Ask(1), sender=3).effects]  # type: ignore[union-attr]
    assert slots == list(range(2, TAUGHT_AT_ONCE_SLOTS + 2))


def test_the_log_may_hold_anything_and_apply_is_total() -> None:
    node = fresh(alpha=1)
    away = Change(RequestId("control", 1), 0, frozenset({1, 3}))
    teach(node, NoOp(), away, away, NoOp(), write(1, expects=9))
    assert list(node.known) == [NoOp(), away, away, NoOp(), write(1, expects=9)]
