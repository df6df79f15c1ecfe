"""Nothing leaves before it rests on the disk; a refused node begins anew from there; a failed flush is the end."""

from collections.abc import Iterator

import pytest

from conformance.crash_points.disk import Disk
from conformance.crash_points.vfs import SimulatedVfs, mount, simulated_vfs
from physalia.cell import Node
from physalia.host import Charter, Host, Output
from physalia.journal import CannotReach, FlushFailed, Journal, JournalFull, NodeKey, UnknownNode
from physalia.model import (
    Answer,
    Ballot,
    Campaign,
    Consult,
    Decide,
    Echo,
    Envelope,
    Found,
    Left,
    Message,
    Origin,
    Peek,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Query,
    Read,
    Receive,
    Refusal,
    Reject,
    RequestId,
    Round,
    Serve,
    Submit,
    Volume,
    Vote,
    Write,
)
from physalia.wire import encode_record

SERVER = 7
ANN, BOB = NodeKey(1, 3, 2), NodeKey(2, 4, 2)
"""Two nodes of two cells; in each, node 1 proposes."""
CHARTER = Charter(frozenset({1, 2, 3}), alpha=3)
FIRST, SECOND = Ballot(1, 1), Ballot(2, 1)
LARGE = Write(RequestId("c", 1), 0, "x" * 200, "y" * 200)


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


@pytest.fixture
def disk() -> Disk:
    return Disk("a disk")


@pytest.fixture
def host(vfs: SimulatedVfs, disk: Disk) -> Host:
    files = mount(vfs, disk)
    Journal.create(files, SERVER)
    made = Host(Journal(files, SERVER, encode_record))
    made.admit(ANN, CHARTER)
    made.admit(BOB, CHARTER)
    return made


def restarted(vfs: SimulatedVfs, disk: Disk) -> Host:
    """What a process finds after a power cut."""
    survivor = disk.copy()
    survivor.cut_power("dark")
    return Host(Journal(mount(vfs, survivor), SERVER, encode_record))


def said_to(key: NodeKey, message: Message, sender: int = 1) -> Envelope:
    return Envelope(Origin(key.cell, key.life, sender), key.incarnation, message)


def told(outputs: tuple[Output, ...]) -> list[Message]:
    return [output.message for output in outputs if isinstance(output, Envelope)]


def flush(host: Host) -> tuple[Output, ...]:
    host.gather().write(host.journal)
    return host.settle()


def node(host: Host, key: NodeKey) -> Node:
    found = host.node(key)
    assert found is not None
    return found


class TestThreeMoments:
    """Stored, flushed, sent."""

    def test_what_rests_on_a_record_leaves_after_its_flush_and_survives(
        self, host: Host, vfs: SimulatedVfs, disk: Disk
    ) -> None:
        assert host.receive(said_to(ANN, Prepare(FIRST, 0))) == ()
        assert host.needs_flush
        batch = host.gather()
        batch.write(host.journal)
        assert [type(message) for message in told(host.settle())] == [Promise]
        assert not host.needs_flush
        again = restarted(vfs, disk)
        again.start(ANN, CHARTER)
        assert node(again, ANN).promised == FIRST

    def test_before_the_flush_nothing_is_there_after_a_power_cut(
        self, host: Host, vfs: SimulatedVfs, disk: Disk
    ) -> None:
        host.receive(said_to(ANN, Prepare(FIRST, 0)))
        host.gather()
        again = restarted(vfs, disk)
        again.start(ANN, CHARTER)
        assert node(again, ANN).promised == Ballot(0, 0)

    def test_what_needs_no_record_leaves_at_once(self, host: Host) -> None:
        (reject,) = host.step(ANN, Submit(Read(RequestId("c", 1))))
        assert isinstance(reject, Reject)
        assert not host.needs_flush

    def test_what_a_reader_is_told_leaves_the_server(self, host: Host) -> None:
        ballot, reader, nothing = Ballot(1, 2), RequestId("reader", 1), Volume(0, "a", "b")
        assert host.step(ANN, Peek(reader, 0)) == (Found(reader, 0, nothing),)
        host.step(ANN, Campaign(ballot))
        flush(host)
        for member in (1, 3):
            host.receive(said_to(ANN, Promise(ballot, member, (), 0), member))
        host.step(ANN, Query(reader))
        assert told(host.step(ANN, Consult(ballot, 1))) == [Round(ballot, 1)] * 3
        for member in (1, 3):
            host.receive(said_to(ANN, Echo(ballot, 1, member), member))
        assert host.step(ANN, Serve(ballot, 1)) == (Found(reader, 0, nothing),)

    def test_but_never_overtakes_what_the_node_said_before_while_another_node_goes_on(self, host: Host) -> None:
        host.receive(said_to(ANN, Proposal(FIRST, 1, LARGE)))
        assert host.receive(said_to(ANN, Proposal(FIRST, 1, LARGE))) == ()  # the same vote again
        batch = host.gather()
        assert host.receive(said_to(ANN, Proposal(FIRST, 1, LARGE))) == ()  # and beside the flush
        assert len(host.step(BOB, Submit(Read(RequestId("c", 1))))) == 1
        batch.write(host.journal)
        assert told(host.settle()) == [Vote(FIRST, 1, 2)] * 2
        assert told(flush(host)) == [Vote(FIRST, 1, 2)]
        assert told(host.receive(said_to(ANN, Proposal(FIRST, 1, LARGE)))) == [Vote(FIRST, 1, 2)]

    def test_a_decision_waits_for_no_flush_and_is_written_down_with_the_next(
        self, host: Host, vfs: SimulatedVfs, disk: Disk
    ) -> None:
        ballot, command = Ballot(1, 2), Read(RequestId("c", 1))
        host.step(ANN, Campaign(ballot))
        flush(host)
        for member in (1, 3):
            host.receive(said_to(ANN, Promise(ballot, member, (), 0), member))
        host.step(ANN, Submit(command))
        assert len(host.step(ANN, Propose(ballot, 1, command))) == 3
        for member in (1, 3):
            host.receive(said_to(ANN, Vote(ballot, 1, member), member))
        assert any(isinstance(output, Answer) for output in host.step(ANN, Decide(ballot, 1)))
        assert host.needs_flush
        assert flush(host) == ()
        again = restarted(vfs, disk)
        again.start(ANN, CHARTER)
        assert list(node(again, ANN).known) == [command]

    def test_a_node_that_was_admitted_is_there_after_a_power_cut_and_no_other(
        self, host: Host, vfs: SimulatedVfs, disk: Disk
    ) -> None:
        again = restarted(vfs, disk)
        assert set(again.journal.nodes()) == {ANN, BOB}
        with pytest.raises(UnknownNode):
            again.start(NodeKey(9, 9, 9), CHARTER)


class TestRefused:
    """Memory is ahead of the disk."""

    def test_a_full_disk_sends_its_nodes_back_and_no_others_and_the_server_goes_on(
        self, host: Host, disk: Disk
    ) -> None:
        host.receive(said_to(ANN, Prepare(FIRST, 0)))
        flush(host)
        disk.room_bytes = disk.size_bytes
        before, beside = node(host, ANN), node(host, BOB)
        host.receive(said_to(ANN, Proposal(FIRST, 1, LARGE)))
        batch = host.gather()
        host.receive(said_to(ANN, Prepare(SECOND, 0)))  # beside the flush, with a memory that is ahead of the disk
        batch.write(host.journal)
        assert host.settle() == ()
        assert (batch.behind, host.journal.full, host.stopped) == ({ANN}, True, None)
        assert node(host, ANN) is not before
        assert node(host, BOB) is beside
        assert (node(host, ANN).promised, dict(node(host, ANN).accepted)) == (FIRST, {})
        assert not host.needs_flush
        disk.room_bytes = None
        host.receive(said_to(ANN, Proposal(SECOND, 1, LARGE)))
        assert told(flush(host)) == [Vote(SECOND, 1, 2)]
        assert not host.journal.full

    def test_a_record_that_does_not_encode_takes_what_follows_of_its_node_along_and_nothing_else(
        self, host: Host
    ) -> None:
        wrong = Write(RequestId("c", 2), 0, "\ud800", "y")
        host.receive(said_to(ANN, Prepare(FIRST, 0)))
        host.receive(said_to(ANN, Proposal(FIRST, 1, wrong)))
        host.receive(said_to(ANN, Proposal(FIRST, 1, wrong)))  # the vote is said again, which needs no record
        host.receive(said_to(ANN, Proposal(FIRST, 2, LARGE)))
        host.receive(said_to(BOB, Proposal(FIRST, 1, LARGE)))
        left = told(flush(host))
        assert [type(message) for message in left] == [Promise, Vote]
        assert (node(host, ANN).promised, dict(node(host, ANN).accepted)) == (FIRST, {})
        assert list(node(host, BOB).accepted) == [1]

    def test_a_node_that_cannot_be_read_now_takes_no_part_until_it_can(
        self, host: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(*_: object) -> list[bytes]:
            raise CannotReach("not now")

        disk.room_bytes = disk.size_bytes
        host.receive(said_to(ANN, Proposal(FIRST, 1, LARGE)))
        with monkeypatch.context() as patched:
            patched.setattr(Journal, "read", unreachable)
            flush(host)
        disk.room_bytes = None
        assert host.node(ANN) is None
        assert host.receive(said_to(ANN, Prepare(SECOND, 0))) == ()
        assert host.needs_flush
        flush(host)
        assert node(host, ANN).promised == Ballot(0, 0)
        assert not host.needs_flush

    def test_a_birth_on_a_full_disk_is_refused_and_can_be_tried_again(self, host: Host, disk: Disk) -> None:
        key = NodeKey(5, 5, 5)
        disk.room_bytes = disk.size_bytes
        with pytest.raises(JournalFull):
            host.admit(key, CHARTER)
        assert host.node(key) is None
        disk.room_bytes = None
        host.admit(key, CHARTER)
        assert list(node(host, key).known) == []


def test_after_a_failed_flush_nothing_leaves_any_more(host: Host, disk: Disk) -> None:
    host.receive(said_to(ANN, Prepare(FIRST, 0)))
    disk.failing_sync = disk.syncs + 1
    assert flush(host) == ()
    disk.failing_sync = None
    assert isinstance(host.stopped, FlushFailed)
    assert host.receive(said_to(BOB, Prepare(FIRST, 0))) == ()
    assert host.step(BOB, Submit(Read(RequestId("c", 1)))) == ()
    assert flush(host) == ()


@pytest.mark.parametrize(
    "origin",
    [Origin(9, ANN.life, 1), Origin(ANN.cell, 9, 1)],
    ids=["another cell", "another life"],
)
def test_what_is_for_nobody_here_is_counted_and_does_nothing(host: Host, origin: Origin) -> None:
    assert host.receive(Envelope(origin, ANN.incarnation, Prepare(FIRST, 0))) == ()
    assert host.receive(Envelope(Origin(ANN.cell, ANN.life, 1), 3, Prepare(FIRST, 0))) == ()
    assert host.strangers == 2
    assert not host.needs_flush


def test_a_late_ballot_is_refused_at_once_since_that_promises_nothing(host: Host) -> None:
    host.receive(said_to(ANN, Prepare(SECOND, 0)))
    flush(host)
    assert told(host.step(ANN, Receive(1, Prepare(FIRST, 0)))) == [Refusal(FIRST, SECOND)]


def test_batches_go_one_at_a_time(host: Host) -> None:
    host.gather()
    with pytest.raises(AssertionError, match="one batch at a time"):
        host.gather()


def test_of_so_many_nodes_that_left_it_is_known_whither_and_of_no_more(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("physalia.host.host.MOST_POINTERS", 2)
    keys = [NodeKey(cell, 3, 100 + cell) for cell in range(1, 5)]
    for count, key in enumerate(keys, start=1):
        host._point(key, Left(count, frozenset({1})), {1: 9})
        assert list(host.pointers) == keys[max(0, count - 2) : count]
