"""Nodes that are read when somebody speaks to them, and dropped when nobody does: a crash and a restart, no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from physalia.host import Charter, Host, encode_kept
from physalia.journal import Directory, Journal, NodeKey
from physalia.model import Ballot, Campaign, Decision, Envelope, Origin, Prepare, Read, RequestId, Submit
from physalia.server.index import Index
from physalia.server.nodes import DROPPED_AT_ONCE, MOST_WAITING
from physalia.server.starting import found_all
from physalia.wire import encode_record
from tests.physalia.server.test_nodes import Server, World, answered

ALWAYS_S = float("inf")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.start(1, 2, 3)
    yield made
    for number in tuple(made.running):
        made.kill(number)


def drop(server: Server) -> list[NodeKey]:
    dropped = server.nodes.drop_cold(ALWAYS_S)
    server.flush()
    return dropped


def test_a_server_begins_with_nothing_in_memory_and_reads_what_somebody_speaks_to(world: World) -> None:
    assert [len(server.nodes.host) for server in world.running.values()] == [0, 0, 0]
    world.running[2].ask(1, 1)
    world.run()
    assert answered(world.running[2]) == [RequestId("c", 1)]
    assert [len(server.nodes.host) for server in world.running.values()] == [1, 1, 1]


def test_a_node_that_was_dropped_comes_back_with_what_is_durable_and_leads_no_more(world: World) -> None:
    two = world.running[2]
    two.ask(1, 1)
    world.quiet()
    before = two.node(1)
    assert before.is_leading
    for server in world.running.values():
        assert drop(server) == [server.key(1)]
        assert (len(server.nodes.host), server.nodes.recent, server.nodes.restless) == (0, {}, set())
    two.ask(1, 2)
    world.quiet()
    after = two.node(1)
    assert after is not before
    assert after.promised.round > before.promised.round, "it led on with a ballot from before its restart"
    assert [server.node(1).digest() for server in world.running.values()] == [after.digest()] * 3
    assert answered(two) == [RequestId("c", 1), RequestId("c", 2)]


def test_who_did_something_since_stays(world: World) -> None:
    two = world.running[2]
    two.ask(1, 1)
    world.quiet()
    two.nodes.now_s = 50.0
    two.ask(1, 2)
    world.quiet()
    assert two.nodes.drop_cold(49.0) == []
    assert two.nodes.drop_cold(50.0) == [two.key(1)]


def test_a_node_is_not_dropped_as_long_as_somebody_waits_or_owes_it_an_answer(world: World) -> None:
    world.kill(1)
    world.kill(3)
    two = world.running[2]
    two.suspicion.suspected |= {1, 3}
    two.ask(1, 1)
    world.quiet()
    assert two.nodes.restless == set(), "only suspected servers owe something, so it is at rest"
    assert drop(two) == []
    assert two.node(1).silent()


def test_a_node_stays_for_whoever_is_gone_and_does_not_know_what_was_decided(world: World) -> None:
    """Nobody waits here, and no tick is of use; yet whoever is back is told, and not by a node that was dropped."""
    world.kill(3)
    two = world.running[2]
    two.suspicion.suspected.add(3)
    two.ask(1, 1)
    world.quiet()
    assert answered(two) == [RequestId("c", 1)]
    assert two.node(1).is_idle
    assert two.node(1).silent() == {13}
    assert two.nodes.restless == set()
    assert drop(two) == []


def test_a_node_is_not_dropped_while_the_disk_has_its_record(world: World) -> None:
    two = world.running[2]
    two.nodes.receive(1, Envelope(Origin(1, 71, 11), 12, Prepare(Ballot(1, 11), 0)))
    two.flush()
    two.nodes.receive(1, Envelope(Origin(1, 71, 11), 12, Prepare(Ballot(2, 11), 0)))
    batch = two.nodes.gather()
    assert two.nodes.drop_cold(ALWAYS_S) == []
    batch.write(two.nodes.host.journal)
    assert two.nodes.drop_cold(ALWAYS_S) == []
    two.nodes.settle()
    assert two.nodes.drop_cold(ALWAYS_S) == [two.key(1)]


def test_a_node_that_cannot_be_dropped_does_not_hide_those_behind_it(world: World) -> None:
    two = world.running[2]
    for cell in (1, 2):
        two.nodes.receive(1, Envelope(Origin(cell, 70 + cell, 11), 12, Prepare(Ballot(1, 11), 0)))
        two.flush()
    two.nodes.restless.add(two.key(1))
    assert two.nodes.drop_cold(ALWAYS_S) == [two.key(2)]
    assert list(two.nodes.recent) == [two.key(1)]
    assert DROPPED_AT_ONCE > 1


def test_messages_wait_for_a_node_in_their_order_and_not_without_end(world: World) -> None:
    two = world.running[2]
    for slot in range(1, MOST_WAITING + 10):
        two.nodes.receive(1, Envelope(Origin(1, 71, 11), 12, Decision(slot, Read(RequestId("c", slot)))))
    two.flush()
    assert [command.request.number for command in two.node(1).known] == list(range(1, MOST_WAITING + 1))  # type: ignore[union-attr]


def test_a_message_that_waited_is_judged_as_any_other(world: World) -> None:
    two = world.running[2]
    two.nodes.receive(3, Envelope(Origin(1, 71, 11), 12, Prepare(Ballot(9, 11), 0)))
    two.flush()
    assert two.nodes.impostors == 1
    assert two.node(1).promised == Ballot(0, 0)


KEY, CHARTER = NodeKey(1, 71, 11), Charter(frozenset({11}), 3, ((11, 1),))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    Journal.create(Directory(tmp_path), 1)
    made = Journal(Directory(tmp_path), 1, encode_kept)
    yield made
    made.close()


def flush(host: Host) -> None:
    while host.needs_flush:
        host.gather().write(host.journal)
        host.settle()


def test_a_node_that_is_wanted_twice_is_read_once(journal: Journal) -> None:
    found_all(journal, [(KEY, CHARTER)])
    host = Host(journal)
    host.want(KEY)
    batch = host.gather()
    host.want(KEY)
    assert not host.needs_flush
    batch.write(journal)
    host.settle()
    node = host.node(KEY)
    assert node is not None
    host.step(KEY, Campaign(node.next_ballot()))
    host.want(KEY)
    flush(host)
    assert host.node(KEY) is node


def test_a_node_that_nobody_knows_is_not_waited_for(journal: Journal) -> None:
    host = Host(journal)
    host.want(KEY)
    assert host.is_coming(KEY)
    flush(host)
    assert not host.is_coming(KEY)
    assert host.node(KEY) is None


def test_a_node_whose_journal_has_no_charter_is_started_by_whoever_knows_and_stays(journal: Journal) -> None:
    host = Host(journal)
    host.admit(KEY, CHARTER)
    assert not host.drop(KEY)
    again = Host(journal)
    again.want(KEY)
    flush(again)
    assert again.node(KEY) is None
    again.start(KEY, CHARTER)
    assert again.node(KEY) is not None


def test_a_node_of_which_something_is_asked_is_not_idle(world: World) -> None:
    two = world.running[2]
    two.ask(1, 1)
    world.quiet()
    assert two.node(1).is_idle
    two.nodes.host.step(two.key(1), Submit(Read(RequestId("c", 2))))
    assert not two.node(1).is_idle


def test_the_index_finds_every_node_and_no_other() -> None:
    keys = [NodeKey(cell, 70 + cell, 7 * cell) for cell in (2, 3, 5, 8, 4, 1)]
    index = Index(keys)
    assert len(index) == len(keys)
    assert [index.find(key.cell) for key in keys] == keys
    assert [index.find(cell) for cell in (0, 6, 7, 9, 2**63 - 1)] == [None] * 5
    index.add(NodeKey(5, 75, 99))
    assert index.find(5) == NodeKey(5, 75, 99)
    assert len(index) == len(keys)


def test_the_charter_is_the_first_record_and_nothing_that_a_node_wrote(journal: Journal) -> None:
    found_all(journal, [(KEY, CHARTER)])
    (kept,) = journal.read(KEY)
    assert kept == encode_kept(CHARTER)
    with pytest.raises(ValueError, match="Charter is none of the kinds"):
        encode_record(CHARTER)  # type: ignore[arg-type]
