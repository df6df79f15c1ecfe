"""Leaving: who may go, when, and what is left (R11); how far a node has learned durably; and the life of a node."""

import pytest

from physalia.cell import CorruptRecords, Node, compact, inspect, life_of
from physalia.model import (
    Ask,
    Ballot,
    Chunk,
    Command,
    Decision,
    Departed,
    DurableRecord,
    Erase,
    Flush,
    Head,
    HowFar,
    Inquire,
    KeptMember,
    Known,
    Learn,
    Learned,
    Leave,
    Left,
    Message,
    NodeId,
    NoOp,
    Prepare,
    Proposal,
    Receive,
    Reject,
    Send,
    Snapshot,
    Step,
    Store,
    Submit,
    Take,
    Truncate,
)
from physalia.model.value import evolve
from tests.physalia.cell.worlds.cell_world import change, ignored, recorded, resent, write

ALPHA = 2
SWAP = change(1, 0, {2, 3, 4})
"""Slot 1 replaces 1 by 4, from slot 3 on: node 1 is a member for slots 1 and 2."""


def knowing(node: NodeId, *commands: Command) -> Node:
    return Node(node, {1, 2, 3}, ALPHA, [Known(slot, command) for slot, command in enumerate(commands, start=1)])


def hear(node: Node, message: Message, sender: NodeId = 2) -> Step:
    return node.step(Receive(sender, message))


def leaver() -> Node:
    """It knows the change that removed it, and the slot after that, and was told to leave."""
    node = knowing(1, SWAP, write(1))
    asked = [Send(to, HowFar()) for to in (2, 3, 4)] + [Send(to, Ask(2)) for to in (2, 3, 4)]
    assert node.step(Leave()) == resent(*asked)
    return node


def test_a_node_leaves_when_a_majority_of_its_successors_has_learned_its_last_slot() -> None:
    node = leaver()
    assert node.duty is not None
    assert (node.duty.slot, node.duty.version, node.duty.members) == (2, 1, frozenset({2, 3, 4}))
    assert hear(node, Learned(2)) == recorded()
    assert node.due() == ()
    assert hear(node, Learned(1), sender=3) == recorded()
    assert node.due() == (), "two have learned something, but only one of them enough"
    assert hear(node, Learned(2), sender=4) == recorded()
    assert node.due() == (Erase(2),)
    step = node.step(Erase(2))
    assert step.effects == (Store(Left(1, frozenset({2, 3, 4}))), Flush(), Departed())
    assert (life_of(node), node.due()) == ("gone", ())


def test_whose_word_counts() -> None:
    """Its own does not, nor that of somebody who is no successor; and nobody's counts twice."""
    node = leaver()
    assert hear(node, Learned(9), sender=1) == ignored()
    assert hear(node, Learned(9), sender=7) == ignored()
    assert hear(node, Learned(2), sender=4) == recorded()
    assert hear(node, Learned(2), sender=4) == ignored()
    assert hear(node, Learned(1), sender=4) == ignored(), "it said more before"
    assert node.due() == ()
    assert node.step(Erase(2)) == ignored()
    hear(node, Learned(5), sender=2)
    assert node.step(Erase(1)) == ignored()
    assert node.due() == (Erase(2),)


def test_until_it_is_gone_it_votes_and_teaches_and_then_it_says_nothing() -> None:
    node = leaver()
    vote = hear(node, Proposal(Ballot(1, 2), 3, NoOp()))
    assert any(isinstance(effect, Store) for effect in vote.effects)
    assert hear(node, Ask(0), sender=4).effects
    for sender in (2, 3):
        hear(node, Learned(2), sender)
    node.step(Erase(2))
    assert hear(node, Proposal(Ballot(1, 2), 4, NoOp())) == ignored()
    assert hear(node, Ask(0), sender=4) == ignored()
    assert hear(node, HowFar(), sender=4) == ignored()
    assert node.step(Leave()) == ignored()
    assert node.step(Submit(write(9))).effects == (Reject(write(9).request, "stopped"),)


def test_who_waits_at_a_node_that_goes_is_told() -> None:
    node = leaver()
    node._proposer.waiting[write(7)] = None
    for sender in (2, 3):
        hear(node, Learned(2), sender)
    assert Reject(write(7).request, "outcome unknown") in node.step(Erase(2)).effects


@pytest.mark.parametrize(
    ("node", "asked"),
    [
        (knowing(2, SWAP, write(1)), (1, 3, 4)),  # a member
        (knowing(1), (2, 3)),  # it does not know that it was removed: whoever does may tell it
        (knowing(4, SWAP), (2, 3)),  # it is to be a member yet
        (Node(7, {1, 2, 3}, ALPHA), (1, 2, 3)),  # a newcomer
    ],
)
def test_a_member_and_a_newcomer_do_not_leave(node: Node, asked: tuple[NodeId, ...]) -> None:
    step = node.step(Leave())
    assert step.effects == tuple(Send(to, Ask(node.prefix)) for to in asked if to in node.jury.members)
    for sender in (1, 2, 3, 4):
        hear(node, Learned(100), sender)
    assert node.due() == ()
    assert node.step(Erase(node.prefix)) == ignored()
    assert life_of(node) in ("member", "created")


def test_the_version_of_a_pointer_is_that_of_its_members() -> None:
    """A later change is in the log: then the node waits for the last slot whose members it knows with their version."""
    node = knowing(1, SWAP, change(2, 1, {3, 4, 5}))
    node.step(Leave())
    assert node.duty is not None
    assert (node.duty.slot, node.duty.version, node.duty.members) == (3, 2, frozenset({3, 4, 5}))
    for sender in (2, 3, 4):
        hear(node, Learned(3), sender)
    assert node.due() == (Erase(3),)


def test_a_node_that_jumped_over_its_removal_leaves_too() -> None:
    """Another node's snapshot tells it that it is no member any more, and not since when."""
    teacher, node = knowing(2, SWAP, write(1), write(2), write(3)), Node(1, {1, 2, 3}, ALPHA)
    hear(node, Prepare(Ballot(1, 2), 0))
    teacher.step(Truncate(4))
    message: Message = Ask(0)
    while isinstance(message, Ask | Take):
        (sent,) = (effect for effect in hear(teacher, message, 1).effects if isinstance(effect, Send))
        assert isinstance(sent.message, Chunk)
        replies = [effect.message for effect in hear(node, sent.message).effects if isinstance(effect, Send)]
        message = replies[0] if replies else sent.message
    for event in node.due():
        node.step(event)
    assert (node.prefix, life_of(node)) == (4, "leaving")
    node.step(Leave())
    assert node.duty is not None
    assert node.duty.members == {2, 3, 4}
    assert node.duty.slot >= 3


def taught(node: Node, teacher: Node) -> list[DurableRecord]:
    """What the node writes while the teacher hands it a snapshot of all that it knows."""
    teacher.step(Truncate(teacher.prefix))
    message: Message = Ask(node.prefix)
    while isinstance(message, Ask | Take):
        (sent,) = (effect for effect in hear(teacher, message, node.node_id).effects if isinstance(effect, Send))
        replies = [effect.message for effect in hear(node, sent.message).effects if isinstance(effect, Send)]
        message = replies[0] if replies else sent.message
    effects = [effect for event in node.due() for effect in node.step(event).effects]
    return [effect.record for effect in effects if isinstance(effect, Store)]


BACK = change(2, 1, {1, 2, 3})
"""Slot 2 removes node 4 again: with alpha 2 it is a member for slot 3 alone."""


def test_a_node_that_jumped_over_all_of_its_time_as_a_member_leaves_too() -> None:
    """The snapshot names who was a member before; who never was one, and who is yet to be one, stays."""
    teacher = knowing(2, SWAP, BACK, write(1), write(2), write(3))
    node, stranger = Node(4, {1, 2, 3}, ALPHA), Node(5, {1, 2, 3}, ALPHA)
    journal = taught(node, teacher)
    assert (node.prefix, life_of(node)) == (5, "leaving")
    for one in (node, Node(4, {1, 2, 3}, ALPHA, journal), Node(4, {1, 2, 3}, ALPHA, compact(journal))):
        one.step(Leave())
        assert one.duty is not None
        assert one.duty.members == {1, 2, 3}
    taught(stranger, knowing(3, SWAP, BACK, write(1), write(2), write(3)))
    stranger.step(Leave())
    assert (stranger.prefix, stranger.duty, life_of(stranger)) == (5, None, "caught up")


def test_a_node_that_starts_from_a_journal_cut_later_than_its_own_time_leaves() -> None:
    node = knowing(4, SWAP, BACK, write(1), write(2), write(3))
    known = [Known(slot, node.known[slot - 1]) for slot in range(1, 6)]
    written = [effect.record for effect in node.step(Truncate(5)).effects if isinstance(effect, Store)]
    again = Node(4, {1, 2, 3}, ALPHA, compact([*known, *written]))
    assert (again.known.base, life_of(again)) == (4, "leaving")
    again.step(Leave())
    assert again.duty is not None


def test_a_snapshot_of_software_that_kept_no_former_members_is_read() -> None:
    node = knowing(4, SWAP, BACK, write(1), write(2), write(3))
    known = [Known(slot, node.known[slot - 1]) for slot in range(1, 6)]
    (snapshot,) = (effect.record for effect in node.step(Truncate(5)).effects if isinstance(effect, Store))
    assert isinstance(snapshot, Snapshot)
    head, *others = snapshot.rows
    assert isinstance(head, Head)
    assert KeptMember(4) in others
    kept = [row for row in others if not isinstance(row, KeptMember)]
    old = evolve(snapshot, rows=(evolve(head, rows=len(kept) + 1), *kept))
    again = Node(4, {1, 2, 3}, ALPHA, [*known, old])
    again.step(Leave())
    assert again.duty is not None
    other = evolve(snapshot, rows=(head, *others[:-1], KeptMember(9)))
    with pytest.raises(CorruptRecords):
        Node(4, {1, 2, 3}, ALPHA, [*known, other])


def test_how_far_a_node_has_learned_is_said_after_a_flush_that_covers_it() -> None:
    node = Node(2, {1, 2, 3}, ALPHA)
    assert hear(node, HowFar(), 1) == resent(Send(1, Learned(0)))
    commands: tuple[Command, ...] = (SWAP, write(1))
    for slot, command in enumerate(commands, start=1):
        hear(node, Decision(slot, command), 3)
        node.step(Learn(slot))
    assert hear(node, HowFar(), 1).effects == (Flush(), Send(1, Learned(2)))
    assert hear(node, HowFar(), 4).effects == (Send(4, Learned(2)),), "it is flushed, or will be before this leaves"


@pytest.mark.parametrize("covering", [Proposal(Ballot(1, 3), 3, NoOp()), Prepare(Ballot(1, 3), 2), None])
def test_any_flush_covers_what_was_noted_before(covering: Message | None) -> None:
    node = Node(2, {1, 2, 3}, ALPHA)
    commands: tuple[Command, ...] = (SWAP, write(1))
    for slot, command in enumerate(commands, start=1):
        hear(node, Decision(slot, command), 3)
        node.step(Learn(slot))
    step = node.step(Truncate(1)) if covering is None else hear(node, covering, 3)
    assert Flush() in step.effects
    assert hear(node, HowFar(), 1).effects == (Send(1, Learned(2)),)


def test_what_a_restart_finds_is_flushed() -> None:
    assert hear(knowing(2, SWAP, write(1)), HowFar(), 1).effects == (Send(1, Learned(2)),)


def test_a_node_that_left_comes_back_as_a_pointer_and_nothing_follows_it() -> None:
    left = Left(1, frozenset({2, 3, 4}))
    records: list[DurableRecord] = [Known(1, SWAP), Known(2, write(1)), left]
    node = Node(1, {1, 2, 3}, ALPHA, records)
    assert (node.pointer, life_of(node)) == (left, "gone")
    assert "left its cell" in node.stopped
    assert compact(records) == [left]
    assert Node(1, {1, 2, 3}, ALPHA, [left]).pointer == left
    with pytest.raises(CorruptRecords):
        Node(1, {1, 2, 3}, ALPHA, [left, Known(1, SWAP)])


def test_what_it_remembers_of_leaving_is_put_aside_and_taken_back() -> None:
    node = leaver()
    hear(node, Learned(2))
    before, key = node.snapshot(), node.key()
    hear(node, Learned(2), sender=3)
    assert node.key() != key
    node.step(Erase(2))
    node.restore(before)
    assert (node.key(), node.pointer, node.due()) == (key, None, ())
    hear(node, Learned(2), sender=3)
    assert node.due() == (Erase(2),)


def test_an_inquiry_asks_who_may_know_more() -> None:
    node = knowing(4, SWAP)
    assert node.step(Inquire(frozenset({2, 4}))) == resent(Send(2, Ask(1)))
    assert node.step(Inquire(frozenset())) == ignored()


def test_the_life_of_a_node() -> None:
    node = Node(4, {1, 2, 3}, ALPHA)
    seen = [life_of(node)]
    for event in (
        Receive(2, Decision(1, SWAP)), Learn(1), Receive(2, Decision(2, change(2, 1, {2, 3}))), Learn(2),
        Receive(2, Decision(3, NoOp())), Learn(3), Receive(2, Decision(4, NoOp())), Learn(4),
    ):  # fmt: skip
        node.step(event)
        if life_of(node) != seen[-1]:
            seen.append(life_of(node))
    assert seen == ["created", "learning", "member", "leaving"]
    assert life_of(knowing(7, SWAP)) == "caught up"


def test_what_a_node_tells_of_itself_is_plain_and_holds_no_secret() -> None:
    import json  # noqa: PLC0415  # only here

    node = leaver()
    hear(node, Learned(2))
    told = inspect(node)
    assert json.loads(json.dumps(told)) == told
    assert told["waits_for"]["learned"] == {"slot": 2, "by": {"2": 2, "3": None, "4": None}}
    assert (told["life_state"], told["does_not_serve"], told["in_force_from_slot"]) == ("leaving", "it is no member", 3)
    assert "p1" not in json.dumps(told), "what somebody wrote"
    with_gap = knowing(2)
    hear(with_gap, Decision(3, NoOp()), 3)
    assert inspect(with_gap)["waits_for"] == {"slots_before": 3}
