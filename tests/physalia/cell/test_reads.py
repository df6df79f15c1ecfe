"""Reads that take no slot of the log (R7): when a round begins, who vouches for it, and what becomes of its readers."""

import pytest

from physalia.cell import Node
from physalia.cell.reads import MAX_READS
from physalia.model import (
    Action,
    Ballot,
    Campaign,
    Consult,
    Decide,
    Echo,
    Event,
    Found,
    NodeId,
    Peek,
    Prepare,
    Promise,
    Propose,
    Query,
    Receive,
    Refusal,
    Reject,
    Report,
    RequestId,
    Round,
    Send,
    Serve,
    Step,
    Stutter,
    Submit,
    Tick,
    Volume,
    Vote,
)
from tests.physalia.cell.worlds.cell_world import change, write

OWN, OTHER = Ballot(1, 1), Ballot(2, 3)
ONE, READER, LATER = write(1), RequestId("reader", 1), RequestId("reader", 2)
FIRST, SECOND = Volume(0, "a", "b"), Volume(1, ONE.primary, ONE.replica)


def leader(alpha: int = 1, reports: tuple[Report, ...] = ()) -> Node:
    """Node 1 of three leads, and nodes 1 and 2 promised."""
    node = Node(1, (1, 2, 3), alpha)
    give(node, Campaign(OWN), Receive(1, Prepare(OWN, 0)))
    give(node, *(Receive(sender, Promise(OWN, sender, reports, 0)) for sender in (1, 2)))
    return node


def give(node: Node, *events: Event) -> Step:
    """All of the events; the last step."""
    return [node.step(event) for event in events][-1]


def echoes(*senders: NodeId, read: int = 1) -> list[Receive]:
    return [Receive(sender, Echo(OWN, read, sender)) for sender in senders]


def decide(node: Node, slot: int = 1) -> None:
    give(node, *(Receive(sender, Vote(OWN, slot, sender)) for sender in (2, 3)), Decide(OWN, slot))


def test_a_read_is_answered_when_a_majority_echoes() -> None:
    node = leader()
    give(node, Query(READER))
    assert node.due() == (Consult(OWN, 1),)
    step = give(node, Consult(OWN, 1))
    assert step.announces == Action("consult", (OWN, 1))
    assert step.effects == tuple(Send(to, Round(OWN, 1)) for to in (1, 2, 3))
    give(node, *echoes(1))
    assert node.due() == ()
    give(node, *echoes(2))
    assert node.due() == (Serve(OWN, 1),)
    assert give(node, Serve(OWN, 1)) == Step(Action("serve", (OWN, 1)), (Found(READER, 0, FIRST),))


def test_who_comes_when_a_round_has_begun_waits_for_the_next() -> None:
    node = leader()
    give(node, Query(READER), Consult(OWN, 1), Query(LATER), *echoes(1, 2))
    assert give(node, Serve(OWN, 1)).effects == (Found(READER, 0, FIRST),)
    assert node.due() == (Consult(OWN, 2),)
    give(node, Consult(OWN, 2), *echoes(1, 2))  # of the first round
    assert node.due() == ()
    give(node, *echoes(1, 2, read=2))
    assert give(node, Serve(OWN, 2)).effects == (Found(LATER, 0, FIRST),)


def test_what_is_proposed_is_applied_first() -> None:
    node = leader(alpha=2)
    give(node, Submit(ONE), Propose(OWN, 1, ONE), Query(READER), Consult(OWN, 1), *echoes(1, 2))
    assert node.due() == ()
    decide(node)
    assert give(node, Serve(OWN, 1)).effects == (Found(READER, 1, SECOND),)


def test_who_reported_a_vote_in_the_next_slot_vouches_for_nothing() -> None:
    node = leader(reports=(Report(1, Ballot(0, 2), ONE),))
    give(node, Query(READER))
    assert Consult(OWN, 1) not in node.due()


def test_the_members_of_the_next_slot_are_asked() -> None:
    node, moved = leader(), change(1, 0, {2, 3, 4})
    give(node, Submit(moved), Propose(OWN, 1, moved))
    decide(node)
    give(node, Receive(4, Promise(OWN, 4, (), 0)), Query(READER))
    step = give(node, Consult(OWN, 1))
    assert [effect.to for effect in step.effects if isinstance(effect, Send)] == [2, 3, 4]
    give(node, *echoes(1, 2))
    assert node.due() == ()
    give(node, *echoes(4))
    assert node.due() == (Serve(OWN, 1),)


def test_a_promise_that_stands_is_echoed_and_one_that_does_not_is_refused() -> None:
    node = Node(2, (1, 2, 3), 1)
    asked = Receive(1, Round(OWN, 7))
    assert give(node, asked).announces == Stutter("ignored")
    give(node, Receive(1, Prepare(OWN, 0)))
    for _ in range(2):
        assert give(node, asked) == Step(Action("echo", (2, OWN, 7)), (Send(1, Echo(OWN, 7, 2)),))
    assert give(node, Receive(3, Round(OWN, 7))).announces == Stutter("ignored")  # not its owner's word
    give(node, Receive(3, Prepare(OTHER, 0)))
    assert give(node, asked) == Step(Stutter("refused"), (Send(1, Refusal(OWN, OTHER)),))


def test_an_echo_in_a_wrong_name_counts_for_nobody() -> None:
    node = leader()
    give(node, Query(READER), Consult(OWN, 1), *echoes(1))
    assert give(node, Receive(3, Echo(OWN, 1, 2))).announces == Stutter("ignored")
    assert node.due() == ()


def test_readers_of_a_deposed_leader_are_told() -> None:
    node = leader()
    give(node, Query(READER), Consult(OWN, 1), Query(LATER))
    step = give(node, Receive(3, Prepare(OTHER, 0)))
    assert [effect.request for effect in step.effects if isinstance(effect, Reject)] == [READER, LATER]
    assert give(node, Query(READER)).effects == (Reject(READER, "not the proposer"),)


def test_readers_of_a_leader_that_a_majority_left_are_told_by_the_clock() -> None:
    node = leader()
    give(node, Query(READER), *(Receive(sender, Refusal(OWN, OTHER)) for sender in (2, 3)), Tick(0))
    assert give(node, Tick(1_000)) == Step(Stutter("rejected"), (Reject(READER, "not the proposer"),))


def test_reads_go_on_under_a_new_ballot_of_the_same_leader() -> None:
    node, again = leader(), Ballot(2, 1)
    give(node, Query(READER), Consult(OWN, 1), Campaign(again), Receive(1, Prepare(again, 0)))
    give(node, *(Receive(sender, Promise(again, sender, (), 0)) for sender in (1, 2)))
    assert node.due() == (Consult(again, 1),)


def test_a_round_is_asked_about_again_until_it_is_echoed_or_another_slot_is_proposed_in() -> None:
    node = leader(alpha=2)
    give(node, Query(READER), Consult(OWN, 1), *echoes(1), Tick(0))
    rounds = [effect for effect in give(node, Tick(1_000)).effects if effect == Send(2, Round(OWN, 1))]
    assert rounds == [Send(2, Round(OWN, 1))]
    give(node, Submit(ONE), Propose(OWN, 1, ONE), Tick(2_000))
    again = give(node, Tick(3_000))
    assert not [effect for effect in again.effects if isinstance(effect, Send) and isinstance(effect.message, Round)]
    assert Consult(OWN, 2) in node.due()


def test_a_stale_read_never_goes_back() -> None:
    node = leader()
    give(node, Submit(ONE), Propose(OWN, 1, ONE))
    assert give(node, Peek(READER, 0)) == Step(Stutter("peeked"), (Found(READER, 0, FIRST),))
    assert give(node, Peek(READER, 1)) == Step(Stutter("rejected"), (Reject(READER, "behind"),))
    decide(node)
    assert give(node, Peek(READER, 1)) == Step(Stutter("peeked"), (Found(READER, 1, SECOND),))


def test_beyond_the_limit_a_read_is_rejected_at_once() -> None:
    node = leader()
    for number in range(MAX_READS):
        assert give(node, Query(RequestId("many", number))).announces == Stutter("recorded")
    assert give(node, Query(READER)).effects == (Reject(READER, "pipeline full"),)
    assert give(node, Query(RequestId("many", 0))).announces == Stutter("ignored")


@pytest.mark.parametrize("event", [Consult(OWN, 1), Consult(OWN, 2), Serve(OWN, 1), Consult(OTHER, 1)])
def test_what_is_not_due_is_ignored(event: Event) -> None:
    assert give(leader(), event) == Step(Stutter("ignored"), ())


def test_a_leader_is_woken_by_its_clock_as_long_as_somebody_owes_an_echo() -> None:
    node = Node(1, (1, 2, 3), 1)
    give(node, Campaign(OWN), Receive(1, Prepare(OWN, 0)))
    give(node, *(Receive(sender, Promise(OWN, sender, (), 0)) for sender in (1, 2, 3)))
    assert node.silent() == frozenset()
    give(node, Query(READER), Consult(OWN, 1), *echoes(1))
    assert node.silent() == {2, 3}
    give(node, *echoes(2), Serve(OWN, 1))
    assert node.silent() == frozenset()


def test_a_round_that_enough_have_echoed_may_lack_the_promise_of_one_of_them() -> None:
    """Node 2, which promised, is gone; node 3 answers, and its promise never came: only another ballot helps."""
    node = leader()
    give(node, Query(READER), Consult(OWN, 1), *echoes(1))
    assert not node.lacks_promises
    give(node, *echoes(3))
    assert node.lacks_promises
    assert not any(isinstance(one, Serve) for one in node.due())
    give(node, *echoes(2))
    assert not node.lacks_promises
    assert Serve(OWN, 1) in node.due()
