"""Cells on journals: real nodes on servers whose disks fail, and messages that are lost, doubled and overtaken.

One run is one cell of 3 or 5 nodes. Each has a server with a journal on a simulated disk. Clients ask, proposers take
over, flushes end when they end, and nodes go on meanwhile; what makes their life hard is in `trouble`, and in the end,
in `calm`, the cell must decide again.

Everything follows from the name of the run, down to the bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random

from conformance.crash_points.disk import Disk
from conformance.crash_points.disk import Step as Operation
from conformance.crash_points.ledger import Violation
from conformance.crash_points.servers import Server
from conformance.crash_points.tally import Tally
from conformance.crash_points.vfs import SimulatedVfs
from conformance.crash_points.witness import Witness
from physalia.cell import Node
from physalia.host import Charter, Output
from physalia.host.batch import Safe
from physalia.journal import NodeKey
from physalia.model import (
    Answer,
    Asked,
    Campaign,
    Envelope,
    Event,
    NodeId,
    Read,
    RequestId,
    Submit,
    Tick,
    Write,
)
from physalia.wire import decode_envelope, encode_envelope

CELL, LIFE = 1, 3
SIZES = (3, 3, 5)
ALPHAS = (1, 2, 3)
MOST_AT_ONCE = 4
"""How many messages arrive in a row, if there are so many."""
LOST_SHARE, DOUBLED_SHARE = 0.05, 0.05
"""How many messages never arrive, and how many arrive more than once."""
CUT_SHARE = 0.1
"""How many flushes end in a crash, somewhere in the middle."""
POWER_SHARE = 0.75
"""How many crashes are power cuts; in the others the process is killed."""
RETRIED_SHARE = 0.3
"""How often a client asks again for what it asked for before."""
IMPATIENT_SHARE = 0.25
"""How often somebody takes over from a proposer who may be well."""
RESEND_MS = 200
NEIGHBOURS = (901, 902, 903)
"""Nodes that a node is told of, and that nobody ever meets."""


class Cell:
    """One run. `at` counts what happened, for whoever tells of a violation."""

    def __init__(self, vfs: SimulatedVfs, name: str, tally: Tally) -> None:
        self.name = name
        self.tally = tally
        self.rng = Random(name)  # noqa: S311  # repeatable, no secret
        size = self.rng.choice(SIZES)
        members = range(1, size + 1)
        self.charter = Charter(frozenset(members), self.rng.choice(ALPHAS), tuple((node, node) for node in members))
        self.witness = Witness(self.charter.first_members, self.charter.alpha)
        self.servers = [Server(vfs, number, f"{name}/{number}") for number in range(1, size + 2)]
        self.where: dict[NodeId, Server] = {}
        self.housed: dict[NodeKey, dict[NodeId, int]] = {}
        """Where a node was told that others live, of what it said that it noted down."""
        self.packets: list[bytes] = []
        self.asked: list[Asked] = []
        self.now_ms = 0
        self.at = 0
        self.ends = 0

    def begin(self) -> None:
        """Every first member is born on a server of its own; one server is spare."""
        for server in self.servers:
            server.create()
        for node in sorted(self.charter.first_members):
            self.bear(node, self.servers[node - 1])
            self.servers[node - 1].remember()

    def works(self) -> list[tuple[int, Callable[[], None]]]:
        """What happens when nothing fails but the network, and how often."""
        return [
            (100, self.deliver), (60, self.advance), (10, self.ask), (4, self.tick), (6, self.campaign),
            (40, self.gather), (40, self.write), (36, self.settle), (8, self.drop), (6, self.want), (6, self.house),
        ]  # fmt: skip

    # What nodes do

    def nodes(self) -> list[tuple[Server, NodeKey, Node]]:
        """Every node that is up, by rising id."""
        found = []
        for number, server in sorted(self.where.items()):
            node = server.host.node(key_of(number)) if server.host is not None else None
            if node is not None:
                found.append((server, key_of(number), node))
        return found

    def step(self, server: Server, key: NodeKey, event: Event) -> None:
        """Give a node an event."""
        self.leave(server.process.step(key, event))
        self._look(server, key)

    def _look(self, server: Server, key: NodeKey) -> None:
        node = server.process.node(key)
        if node is not None:
            self.witness.look(node)
        if server.batch is not None:
            self.tally.reached["went on beside a flush"] += 1

    def leave(self, outputs: Iterable[Output]) -> None:
        """What left a server is on its way, or with its client."""
        for output in outputs:
            match output:
                case Envelope(origin, _, message):
                    data = encode_envelope(output)
                    self.witness.heard(origin.node, message)
                    self.packets.append(data)
                    self.tally.digest.update(data)
                case Safe(call):
                    call()
                case Answer():
                    self.witness.answered(output)
                    self.tally.reached["answered"] += 1

    def deliver(self) -> None:
        """Some messages arrive, in no order; one may arrive again, or be lost."""
        for _ in range(min(len(self.packets), MOST_AT_ONCE)):
            place = self.rng.randrange(len(self.packets))
            if self.rng.random() < DOUBLED_SHARE:
                self.receive(self.packets[place])
            else:
                data = self.packets.pop(place)
                if self.rng.random() >= LOST_SHARE:
                    self.receive(data)

    def receive(self, data: bytes) -> None:
        """A message arrives, if somebody is there."""
        envelope = decode_envelope(data)
        server = self.where.get(envelope.to)
        if server is not None and server.host is not None:
            if server.host.node(key_of(envelope.to)) is None:
                server.process.want(key_of(envelope.to))
            self.leave(server.process.receive(envelope))
            self._look(server, key_of(envelope.to))

    def advance(self) -> None:
        """Some node does what is due."""
        due = [(server, key, event) for server, key, node in self.nodes() for event in node.due()]
        if due:
            self.step(*self.rng.choice(due))

    def tick(self) -> None:
        """Time passes for everybody."""
        self.now_ms += RESEND_MS
        for server, key, _ in self.nodes():
            self.step(server, key, Tick(self.now_ms))

    def campaign(self) -> None:
        """More often than not nobody leads, since a proposer that crashes is idle afterwards."""
        nodes = self.nodes()
        if nodes and (self.rng.random() < IMPATIENT_SHARE or not any(node.active.round for _, _, node in nodes)):
            server, key, node = self.rng.choice(nodes)
            self.step(server, key, Campaign(node.next_ballot()))

    def drop(self) -> None:
        """A node leaves memory, if nothing of it waits: a crash of it alone, whatever it was about."""
        nodes = self.nodes()
        if nodes:
            server, key, _ = self.rng.choice(nodes)
            waits = server.waits(key)
            is_dropped = server.process.drop(key)
            if is_dropped and waits:
                raise Violation(f"node {key.incarnation} leaves memory, and something of it waits for the disk")
            self.tally.reached["dropped"] += is_dropped

    def want(self) -> None:
        """A node that is not in memory is to be read."""
        server = self.any(lambda each: each.host is not None and bool(each.nodes))
        if server is not None:
            server.process.want(self.rng.choice(sorted(server.nodes)))

    def house(self) -> None:
        """A node is told where another one lives: the servers of those that it hears of have ever higher numbers."""
        server, key, _ = self.rng.choice(self.nodes() or [(None, None, None)])
        hosted = None if server is None or key is None else server.process.hosted(key)
        if server is not None and hosted is not None:
            number, place = self.rng.choice(NEIGHBOURS), self.at
            server.process.house(hosted, {number: place}, lambda: self._noted(hosted.key, number, place))

    def _noted(self, key: NodeKey, number: NodeId, place: int) -> None:
        self.housed.setdefault(key, {})[number] = place
        self.tally.reached["housed"] += 1

    def back(self, server: Server, key: NodeKey) -> None:
        """A node that was made from its disk, if it is there, has all that it said, and was told."""
        hosted = server.process.hosted(key)
        if hosted is None:
            return
        self.witness.back(hosted.node)
        for number, place in self.housed.get(key, {}).items():
            if hosted.homes.get(number, 0) < place:
                raise Violation(f"node {key.incarnation} came back without where node {number} lives, which it noted")

    # What clients and the control plane ask for

    def ask(self) -> None:
        """A client asks somebody who leads, or anybody if nobody does."""
        nodes = self.nodes()
        leading = [each for each in nodes if each[2].active.round] or nodes
        if not leading:
            return
        if self.asked and self.rng.random() < RETRIED_SHARE:
            command = self.rng.choice(self.asked)
        elif self.rng.random() < RETRIED_SHARE:
            command = Read(self.request())
        else:
            expects = self.witness.contents.volume.version + self.rng.choice((0, 0, 0, 1))
            command = Write(self.request(), expects, f"s{len(self.asked)}", f"t{len(self.asked)}")
        self.submit(command, *self.rng.choice(leading))

    def request(self) -> RequestId:
        """A name for a command that nobody asked for yet."""
        return RequestId("c", len(self.asked))

    def submit(self, command: Asked, server: Server, key: NodeKey, _: Node) -> None:
        """Ask a node for a command, which may have been asked for before."""
        if command not in self.asked:
            self.asked.append(command)
            self.witness.ask(command)
        self.step(server, key, Submit(command))

    def bear(self, number: NodeId, server: Server) -> None:
        """A node is born on a server."""
        server.admit(key_of(number), self.charter)
        self.where[number] = server

    # What disks and processes do

    def any(self, fits: Callable[[Server], bool]) -> Server | None:
        """One of the servers that fit."""
        found = [server for server in self.servers if fits(server)]
        return self.rng.choice(found) if found else None

    def gather(self) -> None:
        """A flush begins somewhere."""
        server = self.any(lambda each: each.host is not None and each.host.needs_flush and each.batch is None)
        if server is not None:
            server.batch = server.process.gather()

    def write(self) -> None:
        """A flush comes to its end, or its process does, somewhere in the middle."""
        server = self.any(lambda each: each.batch is not None and not each.is_written)
        if server is None:
            return
        if self.rng.random() >= CUT_SHARE:
            server.write()
            return
        before, operations = server.recorded(server.write)
        count = self.rng.randrange(len(operations) + 1)
        if 0 < count < len(operations):
            self.tally.reached["cut inside a flush"] += 1
        self.end(server, before, operations[:count])

    def settle(self) -> None:
        """What a flush made safe leaves its server."""
        server = self.any(lambda each: each.is_written)
        if server is not None:
            self.let_go(server)

    def let_go(self, server: Server) -> None:
        """The batch of a server was written: what it lets go leaves, and nodes that were refused begin anew."""
        batch, outputs = server.settle()
        if batch.failed is not None:
            self._latch(server, outputs)
            return
        self.leave(outputs)
        self.tally.reached["a record refused"] += server.refusals
        server.refusals = 0
        for key in batch.behind:
            self.tally.reached["refused"] += 1
            self.back(server, key)
        for key in batch.wanted:
            self.tally.reached["read again"] += server.process.node(key) is not None
            self.back(server, key)

    def _latch(self, server: Server, outputs: tuple[Output, ...]) -> None:
        """A flush failed: nothing leaves, now or later, until a new process starts."""
        if outputs:
            raise Violation(f"something leaves server {server.number} although its flush failed")
        self.tally.reached["latched"] += 1
        server.expect_latch([(key, event) for key in server.nodes for event in self._events(server, key)])
        self.end(server, server.disk.copy(), ())

    def _events(self, server: Server, key: NodeKey) -> list[Event]:
        """What makes a node say something: what is due, what it would send again, and a ballot of its own."""
        node = server.process.node(key)
        if node is None:
            return []
        later = (Tick(self.now_ms + RESEND_MS), Tick(self.now_ms + 2 * RESEND_MS))
        return [*node.due(), *later, Campaign(node.next_ballot())]

    def end(self, server: Server, disk: Disk, operations: Sequence[Operation]) -> None:
        """One crash point: the process of a server ends after these operations on that disk."""
        power_goes = self.rng.random() < POWER_SHARE
        self.tally.points += 1
        self.ends += 1
        self.tally.reached["power cut" if power_goes else "killed"] += 1
        server.end(disk, operations, power_goes=power_goes, seed=f"{self.name}/{self.at}/{self.ends}")
        for name, file in sorted(server.disk.names.items()):
            self.tally.digest.update(f"{name}:{len(file.seen)}:".encode() + file.seen)

    def start(self, server: Server) -> None:
        """A process starts, and its nodes are back."""
        server.start()
        for key in server.nodes:
            assert server.process.node(key) is not None, "a node that has just come back is there"
            self.back(server, key)


def key_of(number: NodeId) -> NodeKey:
    """The name under which journals keep a node of the cell."""
    return NodeKey(CELL, LIFE, number)
