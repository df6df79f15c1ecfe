"""Servers without sockets: three on real journals, in one process, with a clock and a network that the test holds."""

import random
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import Factory, define, field

from physalia.cell import RESEND_AFTER_MS, Node
from physalia.host import Host, Hosted, Output, encode_kept
from physalia.journal import Directory, Journal, NodeKey
from physalia.model import (
    Answer,
    Ask,
    Asked,
    Ballot,
    Decision,
    Envelope,
    Event,
    Found,
    Origin,
    Prepare,
    Promise,
    Read,
    Refusal,
    Reject,
    RequestId,
)
from physalia.server import leadership
from physalia.server.atlas import Atlas, charter_of
from physalia.server.leadership import PATIENCE_S, Leadership
from physalia.server.nodes import Nodes
from physalia.server.settings import CellPlan
from physalia.server.starting import found_all
from physalia.server.suspicion import Suspicion

PLANS = [CellPlan(cell, 70 + cell, 3, {11: 1, 12: 2, 13: 3}, frozenset({11, 12, 13})) for cell in (1, 2, 3)]
FIRST_IN_LINE = {1: 2, 2: 3, 3: 1}
"""Whose node leads a new cell."""
SUSPECT_AFTER_S = 1.0


@define
class Time:
    now_s: float = 100.0


@define
class Server:
    """One server but for its sockets; it is the outlet of its own nodes."""

    number: int
    world: "World"
    folder: Path
    atlas: Atlas = field(init=False)
    nodes: Nodes = Factory(lambda self: self.made(), takes_self=True)
    told: list[Answer | Found | Reject] = Factory(list)
    strays: list[int] = Factory(list)
    misses: list[tuple[int, NodeKey]] = Factory(list)
    left: list[NodeKey] = Factory(list)
    suspicion: Suspicion = Factory(lambda self: self.suspects(), takes_self=True)
    leadership: Leadership = Factory(lambda self: self.leads(), takes_self=True)

    def made(self) -> Nodes:
        files = Directory(self.folder)
        if not self.folder.exists():
            self.folder.mkdir()
            Journal.create(files, self.number)
            with Journal(files, self.number, encode_kept) as journal:
                found_all(journal, [(self.key(plan.cell), charter_of(plan)) for plan in PLANS])
        host = Host(Journal(files, self.number, encode_kept))
        self.atlas = Atlas(self.number, host, host.journal.nodes())
        return Nodes(host, self.atlas, self)

    def suspects(self) -> Suspicion:
        return Suspicion({1, 2, 3} - {self.number}, SUSPECT_AFTER_S, self.world.time.now_s)

    def leads(self) -> Leadership:
        clock, rng = lambda: self.world.time.now_s, random.Random(self.number)
        return Leadership(self.nodes, self.atlas, self.suspicion, clock, rng)

    def key(self, cell: int) -> NodeKey:
        return NodeKey(cell, 70 + cell, 10 + self.number)

    def ask(self, cell: int, number: int) -> Asked:
        """A client asks, as a server takes it on."""
        command: Asked = Read(RequestId("c", number))
        self.nodes.when_loaded(self.key(cell), partial(self.submit, self.key(cell), command))
        return command

    def submit(self, key: NodeKey, command: Asked) -> None:
        self.leadership.wanted(key)
        self.nodes.submit(key, command)

    def node(self, cell: int) -> Node:
        node = self.nodes.host.node(self.key(cell))
        assert node is not None, "it is not in memory"
        return node

    def flush(self) -> None:
        while self.nodes.host.needs_flush:
            self.nodes.gather().write(self.nodes.host.journal)
            self.nodes.settle()

    def tick(self) -> None:
        self.nodes.tick(round(self.world.time.now_s * 1000), self.suspicion.suspected)
        self.leadership.look_after()

    # The outlet

    def carry(self, server: int, envelope: Envelope) -> None:
        self.world.under_way.append((self.number, server, envelope))

    def tell(self, said: Answer | Found | Reject) -> None:
        self.told.append(said)

    def stopped(self, key: NodeKey, why: str) -> None:
        raise AssertionError(why)

    def stray(self, hosted: Hosted, node: int) -> None:
        self.strays.append(node)

    def missed(self, server: int, key: NodeKey) -> None:
        self.misses.append((server, key))

    def gone(self, key: NodeKey) -> None:
        self.left.append(key)


@define
class World:
    """The servers that run, and what is under way between them."""

    folder: Path
    time: Time = Factory(Time)
    running: dict[int, Server] = Factory(dict)
    under_way: deque[tuple[int, int, Envelope]] = Factory(deque)
    delivered: list[Envelope] = Factory(list)

    def start(self, *numbers: int) -> None:
        for number in numbers:
            self.running[number] = Server(number, self, self.folder / str(number))

    def kill(self, number: int) -> None:
        """Gone, with all that is under way to it. The journal lets go of its directory."""
        self.running.pop(number).nodes.host.journal.close()

    def run(self) -> None:
        """Until nothing is under way and nothing waits for a disk."""
        while True:
            for server in self.running.values():
                server.flush()
            if not self.under_way:
                return
            sender, receiver, envelope = self.under_way.popleft()
            if receiver in self.running:
                self.delivered.append(envelope)
                self.running[receiver].nodes.receive(sender, envelope)

    def quiet(self) -> None:
        """Tick until nobody needs a clock any more."""
        for _ in range(20):
            self.run()
            for server in self.running.values():
                server.tick()
            self.time.now_s += RESEND_AFTER_MS / 1000
            if not self.under_way and not any(server.nodes.restless for server in self.running.values()):
                return
        pytest.fail("some node is never at rest")

    def suspect(self, who: int) -> None:
        """Everybody hears of everybody but one, for long enough."""
        suspected = dict[int, list[int]]((number, []) for number in self.running)
        for _ in range(3):  # they look meanwhile: who stood still suspects nobody
            self.time.now_s += 0.6 * SUSPECT_AFTER_S
            for server in self.running.values():
                for other in self.running.keys() - {server.number}:
                    server.suspicion.heard(other, self.time.now_s)
                suspected[server.number] += server.suspicion.fresh(self.time.now_s)
        for server in self.running.values():
            assert suspected[server.number] == [who]
            server.leadership.lost(who)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.start(1, 2, 3)
    yield made
    for number in tuple(made.running):
        made.kill(number)


def answered(server: Server) -> list[RequestId]:
    return [said.request for said in server.told if isinstance(said, Answer)]


@pytest.mark.parametrize("cell", [1, 2, 3])
def test_the_first_in_line_takes_over_when_it_is_asked_and_no_other(world: World, cell: int) -> None:
    leader = FIRST_IN_LINE[cell]
    for number, server in world.running.items():
        server.ask(cell, number)
        world.run()
        if number == leader:
            assert answered(server) == [RequestId("c", number)]
        else:
            assert server.told == [Reject(RequestId("c", number), "not the proposer")]
            assert server.leadership.leader_elsewhere(server.key(cell)) == leader
        assert server.leadership.campaigns == (number == leader)


def test_a_cell_that_did_what_it_was_asked_comes_to_rest(world: World) -> None:
    """R14: when everybody has acknowledged, nothing is sent, and no tick is wanted."""
    world.running[2].ask(1, 1)
    world.quiet()
    assert [len(server.nodes.host.node(server.key(1)).known) for server in world.running.values()] == [1, 1, 1]  # type: ignore[union-attr]
    before = len(world.delivered)
    for server in world.running.values():
        server.tick()
    world.run()
    assert len(world.delivered) == before
    assert any(isinstance(envelope.message, Ask) for envelope in world.delivered)


def test_a_lost_server_makes_no_storm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many take-overs are under way and no more, until others have answered, or a moment is over."""
    monkeypatch.setattr(leadership, "MOST_UNDER_WAY", 2)
    one = world.running[1]
    for cell in (1, 2, 3):
        one.ask(cell, cell)
    world.quiet()
    one.leadership.pending.extend(one.key(cell) for cell in (3, 2, 1))
    one.nodes.restless |= {one.key(3), one.key(2)}
    one.leadership.take_over()
    assert list(one.leadership.pending) == [one.key(1)]
    one.leadership.take_over()
    assert list(one.leadership.pending) == [one.key(1)]
    one.nodes.restless.discard(one.key(3))
    one.leadership.take_over()
    assert list(one.leadership.pending) == []
    one.leadership.pending.append(one.key(1))
    one.nodes.restless |= {one.key(1)}
    one.leadership.take_over()
    assert list(one.leadership.pending) == [one.key(1)]
    world.time.now_s += leadership.MOMENT_S
    one.leadership.take_over()
    assert list(one.leadership.pending) == []


def test_a_node_that_did_something_since_the_last_tick_has_time_yet(world: World) -> None:
    """Else each tick would look at every node of a busy server."""
    server = world.running[2]
    server.ask(1, 1)
    server.flush()
    ticked: list[NodeKey] = []
    stepped = server.nodes.host.step

    def step(key: NodeKey, event: Event) -> tuple[Output, ...]:
        ticked.append(key)
        return stepped(key, event)

    server.nodes.host.step = step  # type: ignore[method-assign]
    server.tick()
    assert ticked == []
    server.tick()
    assert ticked == [server.key(1)]


def test_a_lost_message_is_said_again(world: World) -> None:
    server = world.running[2]
    server.ask(1, 1)
    server.flush()
    assert any(isinstance(envelope.message, Prepare) for _, _, envelope in world.under_way)
    world.under_way.clear()
    world.run()
    assert answered(server) == []
    assert server.nodes.restless == {server.key(1)}
    world.quiet()
    assert answered(server) == [RequestId("c", 1)]


def test_promises_that_are_lost_with_those_who_made_them_are_asked_for_under_another_ballot(world: World) -> None:
    """A node that began anew does not answer a ballot again that it promised before (R2)."""
    two, promises = world.running[2], 0
    two.ask(1, 1)
    two.flush()
    while world.under_way or any(server.nodes.host.needs_flush for server in world.running.values()):
        for _, receiver, envelope in tuple(world.under_way):
            world.under_way.popleft()
            if isinstance(envelope.message, Promise):
                promises += 1
            else:
                world.running[receiver].nodes.receive(2, envelope)
        for server in world.running.values():
            server.flush()
    assert promises == len(world.running) - 1
    for number in (1, 3):
        world.kill(number)
        world.start(number)
    world.quiet()
    assert answered(two) == [RequestId("c", 1)]
    assert two.leadership.campaigns > 1


def test_who_is_suspected_keeps_nobody_awake_and_is_told_when_it_is_back(world: World) -> None:
    world.kill(3)
    world.running[2].ask(1, 1)
    world.run()
    assert answered(world.running[2]) == [RequestId("c", 1)]
    world.suspect(3)
    world.quiet()
    world.start(3)
    assert world.running[2].suspicion.heard(3, world.time.now_s)
    world.running[2].nodes.resume(3)
    world.quiet()
    back = world.running[3]
    assert len(back.nodes.host.node(back.key(1)).known) == 1  # type: ignore[union-attr]


def test_when_a_server_is_suspected_the_next_in_line_takes_its_cells_over_the_last_used_first(world: World) -> None:
    for cell in (1, 2, 3):
        leader = world.running[FIRST_IN_LINE[cell]]
        leader.ask(cell, cell)
        world.quiet()
    world.kill(3)
    world.suspect(3)
    assert [list(server.leadership.pending) for server in world.running.values()] == [[world.running[1].key(2)], []]
    world.running[1].leadership.take_over()
    world.run()
    world.running[1].ask(2, 9)
    world.run()
    assert RequestId("c", 9) in answered(world.running[1])


def test_all_cells_of_a_lost_server_are_taken_over_in_the_order_of_their_last_use(tmp_path: Path) -> None:
    """Server 1 leads all three; its followers on 2 and 3 share them, each by the cell's own line."""
    world = World(tmp_path)
    world.start(1, 2, 3)
    one = world.running[1]
    for cell in (1, 2, 3):
        one.nodes.campaign(one.key(cell))
        world.run()
        one.ask(cell, cell)
        world.quiet()
    world.kill(1)
    world.suspect(1)
    pending = {number: [key.cell for key in server.leadership.pending] for number, server in world.running.items()}
    assert pending == {2: [3, 1], 3: [2]}
    for number in (2, 3):
        world.kill(number)


def test_a_leader_that_one_refused_while_another_is_dead_tries_a_higher_ballot(world: World) -> None:
    """Server 2 took over in round 1; server 3 did in round 2, of which only server 1 heard; then server 3 died.

    Server 2 comes back, and its next ballot is (2, 12), which is lower than (2, 13).
    """
    two, three = world.running[2], world.running[3]
    two.ask(1, 1)
    world.quiet()
    world.kill(2)
    three.nodes.campaign(three.key(1))
    world.run()
    world.kill(3)
    world.start(2)
    two = world.running[2]
    two.suspicion.suspected = {3}
    world.running[1].suspicion.suspected = {3}
    two.ask(1, 2)
    world.run()
    assert any(isinstance(envelope.message, Refusal) for envelope in world.delivered)
    assert answered(two) == []
    two.ask(1, 2)
    world.run()
    assert answered(two) == [], "a campaign is given its time"
    world.time.now_s += PATIENCE_S
    two.ask(1, 2)
    world.run()
    assert answered(two) == [RequestId("c", 2)]
    assert two.leadership.campaigns == 2


def test_a_message_counts_only_from_the_server_on_which_its_sender_lives(world: World) -> None:
    """Servers vouch for their own nodes, and for no others."""
    one = world.running[1]
    forged = Envelope(Origin(1, 71, 12), 11, Prepare(Ballot(9, 12), 0))
    one.nodes.receive(3, forged)
    unknown = Envelope(Origin(1, 71, 99), 11, Prepare(Ballot(9, 99), 0))
    one.nodes.receive(3, unknown)
    other_cell = Envelope(Origin(9, 79, 12), 11, Decision(1, Read(RequestId("c", 1))))
    one.nodes.receive(2, other_cell)
    world.run()
    node = one.nodes.host.node(one.key(1))
    assert node is not None
    assert node.promised == Ballot(0, 0)
    assert (one.nodes.impostors, one.nodes.host.strangers) == (2, 1)
    one.nodes.receive(2, forged)
    assert node.promised == Ballot(9, 12)


def test_a_message_of_another_life_is_refused(world: World) -> None:
    one = world.running[1]
    one.nodes.receive(2, Envelope(Origin(1, 72, 12), 11, Prepare(Ballot(9, 12), 0)))
    assert one.nodes.host.strangers == 1


def test_who_is_asked_and_follows_another_asks_that_one_what_it_knows(world: World) -> None:
    """The leader that a node follows may have left, and nobody else would tell it (R11). Once in a while is enough."""
    world.running[2].ask(1, 1)
    world.run()
    world.delivered.clear()
    for number in (2, 3):
        world.running[1].ask(1, number)
        world.run()
    asks = [one for one in world.delivered if isinstance(one.message, Ask) and one.origin.node == 11]
    assert [(one.to, one.message) for one in asks] == [(12, Ask(1))]
    world.time.now_s += PATIENCE_S
    world.running[1].ask(1, 4)
    world.run()
    asks = [one for one in world.delivered if isinstance(one.message, Ask) and one.origin.node == 11]
    assert len(asks) == 2


def test_whoever_speaks_of_whom_it_is_not_known_where_it_lives_is_looked_for(world: World) -> None:
    world.running[2].ask(1, 1)
    world.run()
    server = world.running[2]
    server.nodes.receive(3, Envelope(Origin(1, 71, 99), 12, Ask(0)))
    assert (server.strays, server.nodes.impostors) == ([99], 1)
    server.nodes.receive(3, Envelope(Origin(1, 71, 11), 12, Ask(0)))
    assert (server.strays, server.nodes.impostors) == ([99], 2), "it is known where 11 lives, and that is not there"
