"""Three servers without sockets that record, in one process: what they write down is the same every time."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

from attrs import Factory, define, field

from conformance.traces.cell import CellKey, split
from conformance.traces.lines import Run
from conformance.traces.recorded import read_all
from conformance.traces.replay import Judged, Replay
from physalia.host import Host, Hosted, encode_kept
from physalia.journal import Directory, Journal, NodeKey
from physalia.model import Answer, Asked, Envelope, Found, NodeId, Reject, RequestId, Write
from physalia.server.atlas import Atlas, charter_of
from physalia.server.nodes import Nodes
from physalia.server.settings import CellPlan
from physalia.server.starting import found_all
from physalia.tracing import record_in

PLANS = [CellPlan(cell, 70 + cell, 3, {11: 1, 12: 2, 13: 3}, frozenset({11, 12, 13})) for cell in (1, 2)]
CELL: CellKey = (1, 71)
MOST_BYTES = 1 << 20


@define
class Server:
    """One of them. It is the outlet of its own nodes, and drops what is for a server that does not run."""

    number: int
    world: "World"
    nodes: Nodes = field(init=False)

    def __attrs_post_init__(self) -> None:
        folder = self.world.folder / str(self.number)
        files = Directory(folder)
        if not folder.exists():
            folder.mkdir()
            Journal.create(files, self.number)
            with Journal(files, self.number, encode_kept) as journal:
                found_all(journal, [(self.key(plan.cell), charter_of(plan)) for plan in PLANS])
        host = Host(Journal(files, self.number, encode_kept))
        host.recording = record_in(self.world.traces, self.number, self.world.most_bytes)
        self.nodes = Nodes(host, Atlas(self.number, host, host.journal.nodes()), self)

    def key(self, cell: int) -> NodeKey:
        return NodeKey(cell, 70 + cell, 10 + self.number)

    def flush(self) -> None:
        while self.nodes.host.needs_flush:
            self.nodes.gather().write(self.nodes.host.journal)
            self.nodes.settle()

    def carry(self, server: int, envelope: Envelope) -> None:
        self.world.under_way.append((self.number, server, envelope))

    def tell(self, said: Answer | Found | Reject) -> None:
        self.world.told.append(said)

    def stopped(self, key: NodeKey, why: str) -> None:
        raise AssertionError(why)

    def stray(self, hosted: Hosted, node: NodeId) -> None:
        raise AssertionError(f"{node} is nobody that {hosted.key} knows")

    def missed(self, server: int, key: NodeKey) -> None:
        raise AssertionError(f"{key} left its cell")

    def gone(self, key: NodeKey) -> None:
        raise AssertionError(f"{key} left its cell")


@define
class World:
    """The servers that run, and what is under way between them."""

    folder: Path
    most_bytes: int = MOST_BYTES
    running: dict[int, Server] = Factory(dict)
    under_way: deque[tuple[int, int, Envelope]] = Factory(deque)
    told: list[Answer | Found | Reject] = Factory(list)

    @property
    def traces(self) -> Path:
        return self.folder / "traces"

    def start(self, *numbers: int) -> None:
        for number in numbers:
            self.running[number] = Server(number, self)

    def lead(self, number: int, *cells: int) -> None:
        for cell in cells:
            self.running[number].nodes.campaign(self.running[number].key(cell))
        self.run()

    def submit(self, number: int, cell: int, asked: Asked) -> None:
        server = self.running[number]
        server.nodes.submit(server.key(cell), asked)

    def write(self, number: int, cell: int, request: int, expects: int) -> None:
        self.submit(number, cell, Write(RequestId("c", request), expects, f"node-{request}", "b"))

    def run(self, until: Callable[[int, Envelope], bool] = lambda _to, _envelope: False) -> None:
        """Until nothing is under way and nothing waits for a disk, or such a message came to this server.

        What leaves is written down before.
        """
        while True:
            for server in self.running.values():
                server.flush()
            if not self.under_way:
                return
            for server in self.running.values():
                assert server.nodes.host.recording is not None
                server.nodes.host.recording.write()
            sender, to, envelope = self.under_way.popleft()
            if to in self.running:
                self.running[to].nodes.receive(sender, envelope)
            if until(to, envelope):
                return

    def kill(self, number: int) -> None:
        """Gone, after what it sent left, and so what is written down of it; the journal lets go of its directory."""
        host = self.running.pop(number).nodes.host
        assert host.recording is not None
        host.recording.write()
        host.journal.close()

    def end(self) -> None:
        """All of them end in order."""
        for server in self.running.values():
            host = server.nodes.host
            assert host.recording is not None
            host.recording.close(host.all_hosted())
            host.journal.close()
        self.running.clear()


def lived(folder: Path) -> list[Run]:
    """Two leaders, a crash in the middle of a vote, a few writes, and a read by the last leader."""
    world = World(folder)
    world.start(1, 2, 3)
    world.lead(1, 1, 2)
    for request in range(3):
        world.write(1, 1, request, request)
        world.run()
    world.write(1, 1, 3, 3)  # its proposals are under way, and its own vote waits for the disk
    world.kill(1)
    world.run()
    world.lead(2, 1)
    world.start(1)
    world.lead(1, 1)
    world.write(1, 1, 4, 4)
    world.run()
    server = world.running[2]
    server.nodes.query(server.key(1), RequestId("reader", 1))
    world.run()
    world.end()
    return read_all(world.traces)


def judged(runs: list[Run] | tuple[Run, ...], key: CellKey = CELL) -> Judged:
    """What becomes of one cell."""
    return Replay(split(runs)[key]).judge()
