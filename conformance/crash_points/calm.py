"""What comes after all trouble: whoever is not lost is up, and the cell must decide again, and all must agree.

One proposer after the other tries, alone, on a network that loses nothing. A cell of which no configuration lost more
than f nodes has a majority of each, so one of them must succeed.
"""

from conformance.crash_points.cells import Cell, key_of
from conformance.crash_points.ledger import Violation
from conformance.crash_points.servers import Server
from physalia.cell import Node
from physalia.journal import NodeKey
from physalia.model import Campaign, NodeId, Read

ROUNDS = 40
"""How many proposers may try."""
LESSONS = 3
"""How often a proposer sends again what nobody acknowledged, until everybody must know."""


class Calm:
    """The end of a run of `cell`, whose `lost` nodes never come back."""

    def __init__(self, cell: Cell, lost: set[NodeId]) -> None:
        self.cell = cell
        self.lost = lost

    def come(self) -> None:
        """The faults stop, and whoever is not lost is up: now one proposer after the other tries, and one must succeed.

        Then all members agree on the whole log.
        """
        for server in self.cell.servers:
            self._recover(server)
        for place in range(ROUNDS):
            nodes = self.cell.nodes()
            if not nodes:
                break
            server, key, node = nodes[place % len(nodes)]
            self._settle_down()
            self.cell.step(server, key, Campaign(node.next_ballot()))
            self._settle_down()
            if node.active.round and self._decides(server, key, node):
                return
        raise Violation("the faults stopped, a majority has its disks, and nothing is decided any more")

    def _recover(self, server: Server) -> None:
        server.disk.room_bytes = None
        server.disk.failing_sync = None
        server.refuses_next = False
        if server.host is not None and server.is_written and server.batch is not None and server.batch.failed:
            self.cell.end(server, server.disk.copy(), ())
        if server.host is None:
            self.cell.start(server)
        for key in server.nodes:
            server.process.want(key)
        while server.process.needs_flush or server.batch is not None:
            self._flush(server)

    def _decides(self, server: Server, key: NodeKey, node: Node) -> bool:
        """Whether the cell decides once more for everybody who is a member afterwards, and answers."""
        command = Read(self.cell.request())
        self.cell.submit(command, server, key, node)
        self._settle_down()
        if command.request not in self.cell.witness.told:
            return False
        for _ in range(LESSONS):
            self.cell.tick()
            self._settle_down()
        members = self.cell.witness.contents.jury.members - self.lost
        behind = [number for number in members if len(self._node(number).known) < len(self.cell.witness.log)]
        if behind:
            raise Violation(f"nodes {sorted(behind)} never learn what was decided, and nothing is lost any more")
        return True

    def _node(self, number: NodeId) -> Node:
        node = self.cell.where[number].process.node(key_of(number))
        assert node is not None, "after the faults every node is up"
        return node

    def _settle_down(self) -> None:
        """Deliver, advance and flush, until nothing is left to do."""
        while True:
            before = self.cell.at
            for server in self.cell.servers:
                self._flush(server)
            packets, self.cell.packets = self.cell.packets, []
            for data in packets:
                self.cell.at += 1
                self.cell.receive(data)
            while due := [(server, key, event) for server, key, node in self.cell.nodes() for event in node.due()]:
                self.cell.at += 1
                self.cell.step(*due[0])
            if self.cell.at == before and not any(each.process.needs_flush for each in self.cell.servers):
                return

    def _flush(self, server: Server) -> None:
        """Whatever waits for the disk is written, and leaves."""
        if server.batch is None:
            server.batch = server.process.gather()
        if not server.is_written:
            server.write()
        self.cell.let_go(server)
