"""What a restart keeps, and which records no run can have left."""

from collections.abc import Sequence

import pytest

from physalia.cell import CorruptRecords, Node
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Action,
    Ballot,
    Campaign,
    Decision,
    DurableRecord,
    Known,
    Learn,
    NoOp,
    Prepare,
    Promised,
    Proposal,
    Receive,
    Refusal,
    Report,
    Send,
    Step,
    Store,
    Stutter,
    UsedBallot,
    Vote,
)
from tests.physalia.cell.worlds.cell_world import change, ignored, resent, write

LOW, MIDDLE, HIGH, OWN = Ballot(1, 1), Ballot(1, 3), Ballot(2, 1), Ballot(3, 2)
ONE, TWO = write(1), write(2)


def restarted(*records: DurableRecord, alpha: int = 2) -> Node:
    return Node(2, {1, 2, 3}, alpha, records)


def test_a_restarted_node_stays_silent_for_the_ballot_that_it_promised() -> None:
    node = restarted(Promised(LOW))
    assert node.promised == LOW
    assert node.step(Receive(1, Prepare(LOW, 0))) == ignored()
    assert node.step(Receive(1, Proposal(LOW, 1, ONE))).announces == Action("vote", (2, LOW, 1))


def test_a_restarted_node_that_only_voted_may_promise() -> None:
    node = restarted(Accepted(LOW, 1, ONE))
    assert node.promised == LOW
    step = node.step(Receive(1, Prepare(LOW, 0)))
    assert step.announces == Action("promise", (2, LOW))
    assert step.effects[-1].message.accepted == (Report(1, LOW, ONE),)  # type: ignore[union-attr]


def test_promises_and_votes_survive() -> None:
    node = restarted(Promised(LOW), Accepted(MIDDLE, 2, TWO))
    assert node.promised == MIDDLE
    assert dict(node.accepted) == {2: Accepted(MIDDLE, 2, TWO)}
    assert node.step(Receive(1, Prepare(LOW, 0))) == Step(Stutter("refused"), (Send(1, Refusal(LOW, MIDDLE)),))
    assert node.step(Receive(3, Proposal(MIDDLE, 2, TWO))) == resent(Send(3, Vote(MIDDLE, 2, 2)))


def test_a_used_ballot_is_never_used_again() -> None:
    node = restarted(UsedBallot(OWN))
    assert (node.active, node.promised) == (NO_BALLOT, NO_BALLOT)
    assert node.next_ballot() == Ballot(4, 2)
    assert node.step(Campaign(OWN)) == ignored()
    assert node.step(Campaign(Ballot(2, 2))).announces == Action("prepare", (Ballot(2, 2),))


def test_knowledge_survives_as_a_prefix_with_its_configurations() -> None:
    node = restarted(Known(1, change(1, 0, {2})), Known(2, NoOp()), alpha=1)
    assert list(node.known) == [change(1, 0, {2}), NoOp()]
    step = node.step(Campaign(node.next_ballot()))
    assert step.effects[2:] == (Send(2, Prepare(Ballot(1, 2), 2)),)
    again = node.step(Receive(1, Prepare(HIGH, 3)))
    assert again.announces == Action("promise", (2, HIGH))


def test_any_tail_of_knowledge_may_be_missing() -> None:
    journal: list[DurableRecord] = [
        Promised(LOW),
        Known(1, ONE),
        Accepted(LOW, 2, TWO),
        Known(2, TWO),
        Promised(HIGH),
        Known(3, NoOp()),
    ]
    for keep in range(4):
        survived = [record for record in journal if not (isinstance(record, Known) and record.slot > keep)]
        node = restarted(*survived)
        assert list(node.known) == [ONE, TWO, NoOp()][:keep]
        assert (node.promised, set(node.accepted)) == (HIGH, {2})


def test_what_was_heard_is_forgotten_and_what_is_learned_again_follows_in_the_journal() -> None:
    node = restarted(Known(1, ONE), Promised(LOW))
    assert (node.due(), node.step(Learn(2))) == ((), ignored())
    node.step(Receive(1, Decision(2, TWO)))
    assert node.step(Learn(2)).effects == (Store(Known(2, TWO)),)
    assert list(restarted(Known(1, ONE), Promised(LOW), Known(2, TWO)).known) == [ONE, TWO]


def test_the_first_step_after_a_restart_stores_what_comes_next() -> None:
    node = restarted(UsedBallot(OWN), Promised(OWN), Known(1, ONE))
    ballot = node.next_ballot()
    assert ballot == Ballot(4, 2)
    assert node.step(Campaign(ballot)).effects[0] == Store(UsedBallot(ballot))


@pytest.mark.parametrize(
    "journal",
    [
        [UsedBallot(LOW)],
        [UsedBallot(OWN), UsedBallot(OWN)],
        [Promised(HIGH), UsedBallot(Ballot(1, 2))],
        [UsedBallot(OWN), Promised(OWN), UsedBallot(OWN)],
        [Promised(HIGH), Promised(LOW)],
        [Promised(LOW), Promised(LOW)],
        [Promised(NO_BALLOT)],
        [Promised(OWN)],
        [Accepted(NO_BALLOT, 1, ONE)],
        [Accepted(OWN, 1, ONE)],
        [Accepted(LOW, 0, ONE)],
        [Promised(HIGH), Accepted(LOW, 1, ONE)],
        [Accepted(HIGH, 1, ONE), Accepted(LOW, 2, ONE)],
        [Accepted(HIGH, 1, ONE), Promised(LOW)],
        [Accepted(LOW, 1, ONE), Accepted(LOW, 1, ONE)],
        [Known(0, ONE)],
        [Known(2, ONE)],
        [Known(1, ONE), Known(1, ONE)],
        [Known(1, ONE), Known(3, ONE)],
        ["a stranger"],
    ],
    ids=str,
)
def test_records_that_no_run_can_have_left_are_refused(journal: Sequence[DurableRecord]) -> None:
    with pytest.raises(CorruptRecords, match=f"record {len(journal)} of node 2"):
        restarted(*journal)


@pytest.mark.parametrize(
    "journal",
    [
        [UsedBallot(OWN), Promised(OWN), Accepted(OWN, 1, ONE)],
        [UsedBallot(OWN), UsedBallot(Ballot(2, 2)), Promised(OWN)],
        [UsedBallot(OWN), Accepted(OWN, 1, ONE), UsedBallot(Ballot(4, 2)), Promised(OWN)],
        [Accepted(LOW, 1, ONE), Promised(LOW), Accepted(LOW, 2, ONE), Accepted(MIDDLE, 1, TWO)],
    ],
    ids=str,
)
def test_records_that_a_run_can_leave_are_taken(journal: Sequence[DurableRecord]) -> None:
    highest = max(record.ballot for record in journal if isinstance(record, Promised | Accepted))
    assert restarted(*journal).promised == highest


@pytest.mark.parametrize(
    ("node", "members", "alpha", "resend_after_ms"),
    [(0, {1}, 1, 1), (1, set(), 1, 1), (1, {0, 1}, 1, 1), (1, {1}, 0, 1), (1, {1}, 1, 0)],
)
def test_impossible_parameters_are_refused(node: int, members: set[int], alpha: int, resend_after_ms: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        Node(node, members, alpha, resend_after_ms=resend_after_ms)
    Node(1, {1}, 1, resend_after_ms=1)
