"""The world does what it is told, decides nothing by itself, and holds nodes to the law of effects."""

from collections.abc import Sequence
from fractions import Fraction

import pytest

from conformance.refutation import Refuted
from conformance.world.restarting import superfluous
from conformance.world.scenario import (
    Another,
    Calm,
    Crash,
    Deliver,
    Duplicate,
    EndFlush,
    FailFlush,
    FillDisk,
    FreeDisk,
    Give,
    Haunt,
    Lose,
    Pass,
)
from conformance.world.setup import Setup
from conformance.world.world import NotPossible, World
from physalia.cell import Node
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Action,
    Ballot,
    Campaign,
    DurableRecord,
    Effect,
    Event,
    Flush,
    Known,
    Left,
    NodeId,
    NoOp,
    Prepare,
    Promise,
    Promised,
    Read,
    Report,
    RequestId,
    Send,
    Snapshot,
    Step,
    Store,
    Stutter,
    Submit,
    UsedBallot,
    Vote,
)

B = Ballot(1, 1)
PREPARE = Prepare(B, 0)
SETUP = Setup.of(3, 3, 3, ("1", "1/2", "3"))


class Scripted(Node):
    """A node whose every step has the effects that the test wants."""

    effects: tuple[Effect, ...] = ()

    def step(self, event: Event) -> Step:
        return Step(Stutter("resent"), self.effects)


def scripted(*effects: Effect) -> World:
    class WithEffects(Scripted):
        pass

    WithEffects.effects = effects

    def make(node: NodeId, members: frozenset[NodeId], alpha: int, records: Sequence[DurableRecord]) -> Scripted:
        return WithEffects(node, members, alpha, records)

    return World(SETUP, make)


def campaigning() -> World:
    world = World(SETUP)
    world.apply(Give(1, Campaign(B)))
    world.apply(EndFlush(1))
    return world


def test_a_delivery_takes_the_message_out_of_the_network() -> None:
    world = campaigning()
    assert [packet.receiver for packet in world.in_flight] == [1, 2, 3]
    (outcome,) = world.apply(Deliver(1, 3, PREPARE))
    assert outcome.announces == Action("promise", (3, B))
    assert [(packet.sender, packet.receiver) for packet in world.in_flight] == [(1, 1), (1, 2)]


def test_what_must_be_flushed_waits_and_leaves_in_the_order_of_writing() -> None:
    world = campaigning()
    (promised,) = world.apply(Duplicate(1, 3, PREPARE))
    assert promised.waits
    (again,) = world.apply(Deliver(1, 3, PREPARE))
    assert (again.announces, again.waits) == (Stutter("resent"), True)
    assert not world.disks[3].flushed.answered
    (flushed,) = world.apply(EndFlush(3))
    assert flushed.announces == Action("flush", (3,))
    assert not flushed.is_of_node
    assert world.disks[3].flushed.answered == {B}
    assert [packet.message for packet in world.in_flight[2:]] == [promised.sent[0].message, again.sent[0].message]
    with pytest.raises(NotPossible, match="nothing waits for a flush at node 3"):
        world.apply(EndFlush(3))


def test_a_flush_ends_for_one_step_at_a_time() -> None:
    world = campaigning()
    world.apply(Deliver(1, 1, PREPARE))
    world.nodes[2].step(Campaign(Ballot(1, 2)))
    for ballot in (Ballot(2, 1), Ballot(3, 1)):
        world.apply(Give(1, Campaign(ballot)))
    world.apply(EndFlush(1))
    assert (world.disks[1].flushed.promised, world.disks[1].flushed.used) == (B, {B})
    world.apply(EndFlush(1))
    assert world.disks[1].flushed.used == {B, Ballot(2, 1)}
    assert world.unflushed(1) == 1


def test_a_crash_before_the_flush_takes_record_and_message() -> None:
    world = campaigning()
    world.apply(Deliver(1, 3, PREPARE))
    (outcome,) = world.apply(Crash(3, 0))
    assert outcome.announces == Action("crash", (3, 0))
    assert world.nodes[3].promised == NO_BALLOT
    assert not world.queues[3]
    assert all(packet.sender == 1 for packet in world.in_flight)


def test_a_crash_may_keep_the_record_and_lose_the_message() -> None:
    world = campaigning()
    world.apply(Deliver(1, 3, PREPARE))
    flushed, restarted = world.apply(Crash(3, 1))
    assert (flushed.announces, flushed.is_lost) == (Action("flush", (3,)), True)
    assert restarted.announces == Stutter("restarted")
    assert world.nodes[3].promised == B
    assert world.unflushed(3) == 0
    assert all(packet.sender == 1 for packet in world.in_flight)


def test_a_failed_flush_sends_nothing_and_leaves_what_the_restart_writes_anew() -> None:
    for keep, used in ((0, set()), (1, {B})):
        world = World(SETUP)
        world.apply(Give(1, Campaign(B)))
        outcomes = world.apply(FailFlush(1, keep))
        assert {outcome.trouble for outcome in outcomes} == {"failed flush"}
        assert world.in_flight == []
        assert world.disks[1].flushed.used == world.disks[1].written.used == used
        assert world.nodes[1].active == NO_BALLOT
        with pytest.raises(NotPossible):
            world.apply(FailFlush(1, 0))


def test_a_full_disk_refuses_all_that_waits_and_takes_what_comes_when_there_is_room() -> None:
    world = World(SETUP)
    world.apply(FillDisk(1))
    world.apply(Give(1, Campaign(B)))
    assert world.unflushed(1) == 0
    assert world.nodes[1].active == B
    (refused,) = world.apply(EndFlush(1))
    assert (refused.announces, refused.trouble) == (Action("crash", (1, 0)), "full disk")
    assert world.nodes[1].active == NO_BALLOT
    assert (world.in_flight, world.queues[1], world.disks[1].data) == ([], [], [])
    with pytest.raises(NotPossible):
        world.apply(FillDisk(1))
    world.apply(FreeDisk(1))
    with pytest.raises(NotPossible):
        world.apply(FreeDisk(1))
    world.apply(Give(1, Campaign(B)))
    world.apply(EndFlush(1))
    assert world.disks[1].flushed.used == {B}
    assert len(world.in_flight) == 3


def test_a_crash_on_a_full_disk_keeps_what_was_flushed_alone() -> None:
    world = World(SETUP)
    world.apply(FillDisk(1))
    world.apply(Give(1, Campaign(B)))
    world.apply(Crash(1, 1))
    assert world.disks[1].data == []


@pytest.mark.parametrize("another", ["cell", "life", "incarnation"])
def test_what_is_of_another_cell_life_or_incarnation_stays_outside_and_is_counted(another: Another) -> None:
    world = World(SETUP)
    world.apply(Give(1, Campaign(B)))
    world.apply(EndFlush(1))
    (outcome,) = world.apply(Haunt(1, 2, PREPARE, another))
    assert (outcome.foreign, outcome.is_counted, outcome.event, outcome.sent) == (another, True, None, ())
    assert world.borders[2].refused == {f"another {another}": 1}
    assert world.nodes[2].promised == NO_BALLOT
    world.apply(Deliver(1, 2, PREPARE))
    assert world.nodes[2].promised == B


def test_a_duplicate_stays_in_flight_and_a_loss_reaches_nobody() -> None:
    world = campaigning()
    world.apply(Duplicate(1, 3, PREPARE))
    (outcome,) = world.apply(Deliver(1, 3, PREPARE))
    assert outcome.announces == Stutter("resent")
    assert world.apply(Lose(1, 2, PREPARE)) == ()
    with pytest.raises(NotPossible, match=r"prepare 1\.1 prefix 0 is not in flight from 1 to 2"):
        world.apply(Deliver(1, 2, PREPARE))


def test_what_is_no_event_of_the_world_cannot_happen() -> None:
    world = World(SETUP)
    with pytest.raises(NotPossible, match="no node 4"):
        world.apply(Give(4, Campaign(B)))
    with pytest.raises(NotPossible, match="calm"):
        world.apply(Calm())


def test_a_first_request_is_two_steps_and_a_second_one_is_one() -> None:
    world = World(SETUP)
    command = Read(RequestId("x", 1))
    issue, step = world.apply(Give(1, Submit(command)))
    assert issue.announces == Action("issue", (command,))
    assert not issue.is_of_node
    assert step.rejects == ((command.request, "not the proposer"),)
    assert len(world.apply(Give(2, Submit(command)))) == 1


def test_every_clock_runs_at_its_own_rate() -> None:
    world = World(SETUP)
    before = [world.clock_ms(node) for node in (1, 2, 3)]
    world.apply(Pass(1, 100))
    after = [world.clock_ms(node) for node in (1, 2, 3)]
    assert [late - early for late, early in zip(after, before, strict=True)] == [100, 50, 300]
    assert SETUP.rates[1] == Fraction(1, 2)


def test_a_crash_announces_what_was_lost() -> None:
    world = campaigning()
    (outcome,) = world.apply(Crash(1, 0))
    assert outcome.announces == Action("crash", (1, 0))
    (outcome,) = world.apply(Crash(1, 0))
    assert outcome.announces == Stutter("restarted")


@pytest.mark.parametrize(("keep", "known"), [(0, 0), (1, 1), (2, 2), (9, 2)])
def test_a_crash_keeps_a_prefix_of_what_was_not_flushed(keep: int, known: int) -> None:
    world = scripted(Store(Known(1, NoOp())), Store(Known(2, NoOp())))
    world.apply(Pass(1, 1))
    assert world.unflushed(1) == 2
    world.make_node = Node
    world.apply(Crash(1, keep))
    assert len(world.nodes[1].known) == known


REPORTED = Promise(B, 2, (Report(1, B, NoOp()),), 0)


@pytest.mark.parametrize(
    ("effects", "sentence"),
    [
        ((Store(UsedBallot(B)), Send(2, PREPARE), Flush()), "is not flushed"),
        ((Send(2, PREPARE),), "the use of its ballot was never stored"),
        ((Store(Promised(B)), Flush(), Send(1, REPORTED)), "the vote that it reports in slot 1 was never stored"),
        ((Store(Promised(B)), Flush(), Send(1, Vote(B, 1, 2))), "the vote was never stored"),
        ((Store(Known(1, NoOp())), Store(Promised(B)), Send(1, Promise(B, 2, (), 0))), "is not flushed"),
    ],
)
def test_what_a_message_depends_on_is_flushed_first(effects: tuple[Effect, ...], sentence: str) -> None:
    with pytest.raises(Refuted, match=sentence):
        scripted(*effects).apply(Pass(2, 1))


def test_what_is_flushed_or_needs_no_flush_may_leave() -> None:
    vote = Accepted(B, 1, NoOp())
    world = scripted(Store(Promised(B)), Store(vote), Flush(), Store(Known(1, NoOp())), Send(1, REPORTED))
    (outcome,) = world.apply(Pass(2, 1))
    assert [packet.message for packet in outcome.sent] == [REPORTED]


def test_a_message_to_nobody_and_one_that_has_no_bytes_are_refuted() -> None:
    with pytest.raises(Refuted, match="sends to node 9, which there is not"):
        scripted(Store(UsedBallot(B)), Flush(), Send(9, PREPARE)).apply(Pass(1, 1))
    with pytest.raises(Refuted, match="sends what cannot be encoded"):
        scripted(Store(UsedBallot(B)), Flush(), Send(2, Prepare(B, -1))).apply(Pass(1, 1))


def test_an_exception_of_a_node_is_a_refutation_and_names_it() -> None:
    class Raising(Scripted):
        def step(self, event: Event) -> Step:
            raise LookupError("no such slot")

    world = World(SETUP, Raising)
    with pytest.raises(Refuted, match="node 2 raised LookupError: no such slot"):
        world.apply(Pass(2, 1))


def test_folded_records_say_nothing_twice() -> None:
    ballot, higher = Ballot(1, 2), Ballot(2, 2)
    kept: list[DurableRecord] = [Accepted(ballot, 1, NoOp()), Snapshot(1, 1, ()), Known(2, NoOp())]
    assert [*superfluous(kept)] == []  # the vote is below the floor, and says what was promised
    assert [*superfluous([*kept, Promised(higher)])] == [kept[0]]
    assert [*superfluous([UsedBallot(ballot), *kept])] == []
    assert [*superfluous([UsedBallot(ballot), Promised(higher)])] == [UsedBallot(ballot)]
    assert [*superfluous([kept[1], Known(1, NoOp())])] == [Known(1, NoOp())]
    assert [*superfluous([Promised(ballot), Promised(higher)])] == [Promised(higher)]
    assert [*superfluous([Left(1, frozenset({1})), Promised(ballot)])] == [Left(1, frozenset({1}))]
