"""Learn, the decisions that are heard early, and teaching."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from physalia.cell import Node, learner
from physalia.cell.image import weigh
from physalia.cell.learner import HEARD_AHEAD_SLOTS, TAUGHT_AT_ONCE_SLOTS
from physalia.model import (
    Action,
    Ask,
    Ballot,
    Change,
    Chunk,
    Command,
    Decision,
    Execute,
    Known,
    Learn,
    Message,
    NodeId,
    NoOp,
    OpenSession,
    Prepare,
    Proposal,
    Put,
    Receive,
    RequestId,
    Send,
    Step,
    Store,
    Tick,
    Transact,
    Transaction,
)
from physalia.store import LIMITS
from physalia.store import Store as Database
from tests.physalia.cell.worlds.cell_world import ignored, recorded, resent, write

ONE, TWO, THREE = write(1), write(2), write(3)


def fresh(alpha: int = 2, lesson_bytes: int = LIMITS.lesson_bytes) -> Node:
    return Node(2, {1, 2, 3}, alpha, store=Database(evolve(LIMITS, lesson_bytes=lesson_bytes)))


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


def test_each_decision_is_taught_to_a_node_once_in_a_tick() -> None:
    node = fresh()
    teach(node, ONE, TWO)
    lesson = resent(Send(3, Decision(2, TWO)))
    assert hear(node, Ask(1), sender=3) == lesson
    assert hear(node, Ask(1), sender=3) == ignored()
    assert hear(node, Ask(0), sender=3) == ignored()
    assert hear(node, Ask(1), sender=9) == resent(Send(9, Decision(2, TWO)))
    teach(node, THREE)
    assert hear(node, Ask(1), sender=3) == resent(Send(3, Decision(3, THREE)))
    node.step(Tick(5))
    assert hear(node, Ask(0), sender=3) == resent(
        *(Send(3, Decision(n, v)) for n, v in ((1, ONE), (2, TWO), (3, THREE)))
    )


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=300))
def test_a_lesson_that_arrives_many_times_and_in_any_order_makes_no_storm(choices: list[tuple[int, bool]]) -> None:
    """Each message that is duplicated makes at most one question, and each decision is sent once."""
    teacher, pupil = fresh(), Node(3, {1, 2, 3}, 2)
    teach(teacher, *(write(number) for number in range(40)))
    told_twice: tuple[NodeId, Message] = (3, Decision(40, teacher.known[39]))
    flight = [told_twice, told_twice]
    told, copies, steps = 0, 0, 0
    more = iter(choices)
    while flight:
        steps += 1
        place, is_copied = next(more, (0, False))
        receiver, message = flight[place % len(flight)]
        if is_copied:
            copies += 1
        else:
            del flight[place % len(flight)]
        node = teacher if receiver == 2 else pupil
        sent = [effect for effect in hear(node, message, 5 - receiver).effects if isinstance(effect, Send)]
        told += sum(isinstance(send.message, Decision) for send in sent)
        flight += [(send.to, send.message) for send in sent]
        while pupil.due():
            pupil.step(pupil.due()[0])
    assert told == 40
    assert list(pupil.known) == list(teacher.known)
    assert steps <= 2 * (2 + told + copies)


def test_whoever_asks_for_more_than_is_known_here_is_asked_in_return() -> None:
    node = fresh()
    teach(node, ONE)
    assert hear(node, Ask(2), sender=3) == ignored(Send(3, Ask(1)))


def test_one_answer_teaches_a_bounded_number_of_slots() -> None:
    node = fresh()
    teach(node, *(write(number) for number in range(TAUGHT_AT_ONCE_SLOTS + 2)))
    slots = [effect.message.slot for effect in hear(node, Ask(1), sender=3).effects]  # type: ignore[union-attr]
    assert slots == list(range(2, TAUGHT_AT_ONCE_SLOTS + 2))


def kept(node: Node, prefix: int) -> list[object]:
    return [effect.message for effect in hear(node, Ask(prefix), sender=3).effects if isinstance(effect, Send)]


def test_one_answer_teaches_a_bounded_number_of_bytes() -> None:
    """As many decisions as fit, but always one; who asks again in the same tick is taught no more."""
    node = fresh(lesson_bytes=3 * weigh(write(1)))
    teach(node, *(write(number) for number in range(9)))
    told = kept(node, 2)
    assert [one.slot for one in told if isinstance(one, Decision)] == [3, 4, 5]
    assert kept(node, 2) == []
    node = fresh(lesson_bytes=1)
    teach(node, *(write(number) for number in range(9)))
    assert [one.slot for one in kept(node, 5) if isinstance(one, Decision)] == [6]


def overwritten(times: int) -> Node:
    """A node that knows one item, which was written so often."""
    node = fresh()
    opened = Execute(RequestId("s", 1), 1, OpenSession())
    puts = (Transact(1, Transaction(then=(Put("key", b"v" * 50 + bytes([n])),))) for n in range(times))
    teach(node, opened, *(Execute(RequestId("s", n), 1, put) for n, put in enumerate(puts, start=2)))
    return node


def test_who_lacks_more_than_one_lesson_is_taught_what_is_lighter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot of one item, or the log of all that was written to it; of a few slots always the log."""
    monkeypatch.setattr(learner, "TAUGHT_AT_ONCE_SLOTS", 8)
    (chunk,) = kept(overwritten(60), 2)
    assert isinstance(chunk, Chunk)
    assert chunk.slot == 61
    few = kept(overwritten(60), 55)
    assert [one.slot for one in few if isinstance(one, Decision)] == list(range(56, 62))
    node = fresh()  # whose verdicts weigh more than the log
    teach(node, *(write(number) for number in range(60)))
    assert [one.slot for one in kept(node, 2) if isinstance(one, Decision)] == list(range(3, 11))


def test_the_log_may_hold_anything_and_apply_is_total() -> None:
    node = fresh(alpha=1)
    away = Change(RequestId("control", 1), 0, frozenset({1, 3}))
    teach(node, NoOp(), away, away, NoOp(), write(1, expects=9))
    assert list(node.known) == [NoOp(), away, away, NoOp(), write(1, expects=9)]
