"""A node that hears of something that it did and does not remember stops for good: its disk went back in time."""

import random

import pytest

from physalia.cell import CorruptRecords, Node
from physalia.model import (
    Accepted,
    Ask,
    Ballot,
    Campaign,
    Decision,
    DurableRecord,
    Echo,
    Event,
    Flush,
    Known,
    Message,
    Peek,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Propose,
    Query,
    Receive,
    Refusal,
    Reject,
    Report,
    RequestId,
    Round,
    Step,
    Stopped,
    Store,
    Stutter,
    Submit,
    Tick,
    UsedBallot,
    Vote,
)
from physalia.wire import decode_record, encode_record
from physalia.wire.limits import MAX_NATURAL
from tests.physalia.cell.worlds.cell_world import World, write
from tests.physalia.cell.worlds.node_runs import kind, runs
from tests.physalia.cell.worlds.one_node import ONE, TWO, B, hear, leader, promise

OWN, ALIEN, HIGHER = Ballot(3, 2), Ballot(1, 1), Ballot(5, 3)
JOURNAL: list[DurableRecord] = [UsedBallot(OWN), Promised(OWN), Accepted(OWN, 1, ONE), Accepted(OWN, 2, TWO)]
"""What node 2 wrote: it led a ballot, and promised and voted under it, before and after one of a peer."""
TOLD = [
    (3, Prepare(OWN, 0), "its use of"),
    (3, Proposal(OWN, 1, ONE), "its use of"),
    (2, Round(OWN, 1), "its use of"),
    (3, Echo(OWN, 1, 3), "its use of"),
    (2, Proposal(OWN, 1, ONE), "its use of"),
    (3, Promise(OWN, 3, (), 0), "its use of"),
    (3, Vote(OWN, 1, 3), "its use of"),
    (3, Refusal(OWN, HIGHER), "its use of"),
    (3, Refusal(ALIEN, OWN), "its use of"),
    (3, Promise(HIGHER, 3, (Report(7, ALIEN, ONE), Report(8, OWN, ONE)), 0), "its use of"),
    (3, Promise(HIGHER, 2, (), 0), "its promise of"),
    (2, Vote(ALIEN, 1, 2), "its vote in slot 1"),
    (3, Vote(HIGHER, 1, 2), "its vote in slot 1"),
    (3, Promise(HIGHER, 3, (*(Report(slot, ALIEN, ONE) for slot in range(1, 300)), Report(300, OWN, ONE)), 0),
     "its use of"),
]  # fmt: skip


@pytest.mark.parametrize(("sender", "message", "lost"), TOLD)
def test_what_a_node_hears_of_itself_and_does_not_remember_stops_it(sender: int, message: Message, lost: str) -> None:
    node = Node(2, {1, 2, 3}, 2)
    step = hear(node, message, sender)
    (store, _) = step.effects
    assert isinstance(store, Store)
    record = store.record
    assert isinstance(record, Stopped)
    assert record.teller == sender
    assert record.lost.startswith(lost)
    assert step == Step(Stutter("stopped", node.stopped), (Store(record), Flush()))
    assert node.stopped.startswith(f"node 2 stops for good: node {sender} tells of {lost}")


@pytest.mark.parametrize(("sender", "message", "lost"), TOLD[:10], ids=str)
def test_what_it_remembers_does_not(sender: int, message: Message, lost: str) -> None:
    node = Node(2, {1, 2, 3}, 2, JOURNAL)
    assert kind(hear(node, message, sender)) != "stopped"
    assert node.stopped == ""


def test_each_of_its_acts_is_told_from_the_one_that_it_lacks() -> None:
    """The last record is missing, or it is there."""
    for lost, message in (
        (JOURNAL[:1], Promise(OWN, 2, (), 0)),
        (JOURNAL[:2], Vote(OWN, 1, 2)),
        (JOURNAL[:3], Vote(OWN, 2, 2)),
        (JOURNAL[:3], Promise(OWN, 2, (Report(1, OWN, ONE), Report(2, OWN, TWO)), 0)),
    ):
        node = Node(2, {1, 2, 3}, 2, lost)
        assert kind(hear(node, message, 2)) == "stopped", message
        node = Node(2, {1, 2, 3}, 2, JOURNAL[: len(lost) + 1])
        assert kind(hear(node, message, 2)) == "ignored", message


def test_what_it_voted_for_later_does_not_stop_it_from_hearing_of_an_earlier_vote() -> None:
    node = Node(2, {1, 2, 3}, 2, [Accepted(ALIEN, 1, ONE), Accepted(HIGHER, 1, ONE)])
    assert kind(hear(node, Vote(ALIEN, 1, 2), 1)) == "ignored"


def test_of_ballots_below_its_promise_nothing_can_be_told() -> None:
    """They are forgotten, since the promise forbids them; so nobody can tell, and nothing depends on it."""
    node = Node(2, {1, 2, 3}, 2, [UsedBallot(OWN), Promised(HIGHER), UsedBallot(Ballot(6, 2))])
    assert OWN not in node._proposer.used
    assert kind(hear(node, Refusal(OWN, HIGHER), 3)) == "ignored"
    assert kind(hear(node, Refusal(Ballot(7, 2), HIGHER), 3)) == "stopped"


def test_what_peers_say_of_themselves_and_each_other_stops_nobody() -> None:
    node = Node(2, {1, 2, 3}, 2)
    said: list[Message] = [Prepare(ALIEN, 0), Proposal(HIGHER, 1, ONE), Promise(HIGHER, 3, (Report(1, ALIEN, ONE),), 0)]
    said += [Vote(HIGHER, 1, 3), Vote(ALIEN, 2, 1), Refusal(HIGHER, Ballot(6, 1)), Decision(1, ONE), Ask(0)]
    for message in said:
        hear(node, message, 3)
    assert node.stopped == ""


def test_a_stopped_node_does_nothing_any_more() -> None:
    node = leader()
    node.step(Submit(ONE))
    promise(node, 1)
    promise(node, 2)
    assert node.due() == (Propose(B, 1, ONE),)
    hear(node, Decision(1, TWO), 3)
    assert len(node.due()) == 2
    assert kind(hear(node, Refusal(Ballot(9, 1), Ballot(10, 2)), 2)) == "stopped"
    assert node.due() == ()
    before, why = node.key(), node.stopped
    assert node.step(Submit(TWO)) == Step(Stutter("rejected"), (Reject(TWO.request, "stopped"),))
    events: list[Event] = [Propose(B, 1, ONE), Tick(0), Tick(10**9), Campaign(node.next_ballot())]
    events += [Receive(3, message) for message in (Prepare(HIGHER, 0), Proposal(HIGHER, 1, ONE), Ask(0))]
    for event in (*events, Receive(2, Refusal(Ballot(9, 1), Ballot(10, 2)))):
        assert node.step(event) == Step(Stutter("ignored"), ())
    assert (node.key(), node.stopped) == (before, why)


def test_a_restart_from_the_disk_of_a_node_that_stopped_is_stopped() -> None:
    """Its last record says so; and without that record the same node would answer."""
    node = Node(2, {1, 2, 3}, 2, JOURNAL[:1])
    (store, _) = hear(node, Promise(OWN, 2, (), 0), 2).effects
    assert store == Store(Stopped(2, f"its promise of {OWN}"))
    assert isinstance(store, Store)
    kept = [*JOURNAL[:1], decode_record(encode_record(store.record))]
    again = Node(2, {1, 2, 3}, 2, kept)
    assert again.stopped == node.stopped
    assert again.due() == ()
    events: list[Event] = [Campaign(again.next_ballot()), Receive(3, Prepare(HIGHER, 0)), Tick(10**9)]
    for event in (*events, Receive(2, Promise(OWN, 2, (), 0))):
        assert again.step(event) == Step(Stutter("ignored"), ())
    assert kind(Node(2, {1, 2, 3}, 2, JOURNAL[:1]).step(Receive(3, Prepare(HIGHER, 0)))) != "ignored"


def test_who_reads_from_a_node_that_stops_is_told() -> None:
    """Also who waited when it stopped (R6)."""
    node = leader()
    waits, asks = RequestId("reader", 1), RequestId("reader", 2)
    assert node.step(Query(waits)).effects == ()
    stopped = hear(node, Refusal(HIGHER, Ballot(9, node.node_id)), 3)
    assert kind(stopped) == "stopped"
    assert Reject(waits, "not the proposer") in stopped.effects
    for event in (Query(asks), Peek(asks, 0)):
        assert node.step(event) == Step(Stutter("rejected"), (Reject(asks, "stopped"),))


def test_nothing_follows_the_stop() -> None:
    for record in (UsedBallot(Ballot(9, 2)), Promised(HIGHER), Known(1, ONE), Stopped(3, "its use")):
        with pytest.raises(CorruptRecords, match="record 2 of node 2"):
            Node(2, {1, 2, 3}, 2, [Stopped(3, "its use"), record])


def test_the_longest_stop_can_be_written() -> None:
    most = Ballot(MAX_NATURAL, MAX_NATURAL)
    record = Stopped(MAX_NATURAL, f"its vote in slot {MAX_NATURAL} under {most}")
    assert decode_record(encode_record(record)) == record


def test_a_node_that_did_it_all_itself_never_stops() -> None:
    """The runs hear of everything that their node did, at any time, restarts included."""
    assert all(run.node.stopped == "" for run in runs(300, 40, seed=21))


def test_in_a_cell_a_disk_that_went_back_in_time_is_found_out() -> None:
    """Random runs: nobody stops. Then one disk loses its last flushed records; whoever hears of them stops."""
    stopped = 0
    for seed in range(40):
        chance, world = random.Random(seed), World({1, 2, 3}, 2)
        for number in range(60):
            if chance.random() < 0.1:
                world.campaign(chance.choice((1, 2, 3)))
            world.submit(max(world.nodes, key=lambda node: world.nodes[node].active), write(number))
            world.random_step(chance)
            assert not any(node.stopped for node in world.nodes.values())
        stopped += stops_after_a_rollback(world, 1)
    assert stopped > 10


def stops_after_a_rollback(world: World, victim: int) -> bool:
    """Whether the victim stops, once its last use of a ballot and all that followed is gone, when it hears it all."""
    records = world.disks[victim].records
    uses = [place for place, record in enumerate(records) if isinstance(record, UsedBallot)]
    if not uses:
        return False
    node = Node(victim, world.first, world.alpha, records[: uses[-1]])
    for sender, to, message in world.sent:
        if to == victim:
            node.step(Receive(sender, message))
    return node.stopped != ""
