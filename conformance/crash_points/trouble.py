"""What makes the life of a cell hard: crashes, full disks, failed flushes, lost disks, and changes in the midst of it.

Processes are killed and lose power at every point of their disk's life: between two steps, while they open their
journal, and (in `Cell.write`) inside a flush. Disks are full, and have room again; flushes fail. Disks are lost, or
fall back to what they were, as long as no configuration loses more than f of its 2f + 1 nodes: theirs never come back,
and a new incarnation may take their place.
"""

from collections.abc import Callable, Iterable

from conformance.crash_points.cells import Cell
from conformance.crash_points.rewound import expect_stop
from conformance.crash_points.servers import Server
from conformance.crash_points.witness import Said
from physalia.model import Change, NodeId

OPENING_CUT_SHARE = 0.2
"""How many openings end in a crash, somewhere in the middle."""
STAYS_AWAY_SHARE = 0.25
"""How often a lost node gets no successor, when it could."""
ROOM_BYTES = 9_000
"""How much room there is at most on a disk that becomes full."""
LATER_SYNCS = 4
"""Which flush fails, at most, counted from the decision that one will."""
LOSSES = ("lost disk", "older copy", "older copy", "damaged disk")


class Trouble:
    """Of one cell. `lost` has the nodes whose disks are lost, `configurations` every one that there ever may be."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.rng = cell.rng
        self.reached = cell.tally.reached
        self.lost: set[NodeId] = set()
        self.configurations = {cell.charter.first_members}

    def works(self) -> list[tuple[int, Callable[[], None]]]:
        """What happens, and how often, beside the works of a cell."""
        return [
            (4, self.crash), (20, self.restart), (2, self.fill), (4, self.make_room), (2, self.fail_flush),
            (2, self.fold), (3, self.remember), (2, self.lose), (3, self.replace), (2, self.refuse),
        ]  # fmt: skip

    def crash(self) -> None:
        """A process ends between two steps: perhaps after a flush, and before what it lets go has left."""
        server = self.cell.any(lambda each: each.host is not None)
        if server is not None:
            if server.is_written and server.batch is not None and any(each.outputs for each in server.batch.safe):
                self.reached["cut after a flush, before the send"] += 1
            self.cell.end(server, server.disk.copy(), ())

    def restart(self) -> None:
        """A process starts; perhaps the first ones end while they open the journal."""
        server = self.cell.any(lambda each: each.host is None)
        if server is None:
            return
        while self.rng.random() < OPENING_CUT_SHARE:
            before, operations = server.recorded(server.start)
            self.reached["cut while opening"] += 1
            self.cell.end(server, before, operations[: self.rng.randrange(len(operations) + 1)])
        self.cell.start(server)

    def fill(self) -> None:
        """A disk has only so much room left."""
        server = self.cell.any(lambda each: each.host is not None)
        if server is not None:
            server.disk.room_bytes = server.disk.size_bytes + self.rng.randrange(ROOM_BYTES)

    def make_room(self) -> None:
        """A full disk has room again."""
        server = self.cell.any(lambda each: each.disk.room_bytes is not None)
        if server is not None:
            server.disk.room_bytes = None

    def fail_flush(self) -> None:
        """One of the next flushes of a disk will fail."""
        server = self.cell.any(lambda each: each.host is not None and each.disk.failing_sync is None)
        if server is not None:
            server.disk.failing_sync = server.disk.syncs + self.rng.randint(1, LATER_SYNCS)

    def refuse(self) -> None:
        """The next record of a server does not encode: its node begins anew, without what it did since."""
        server = self.cell.any(lambda each: each.host is not None and not each.refuses_next)
        if server is not None:
            server.refuses_next = True

    def fold(self) -> None:
        """A journal is folded, when there is time for it."""
        server = self.cell.any(lambda each: each.host is not None and _is_quiet(each))
        if server is not None and server.process.fold(self.rng.choice((2, 100))):
            self.reached["folded"] += 1

    def remember(self) -> None:
        """What a disk has now is what it may fall back to."""
        server = self.cell.any(lambda each: each.host is not None)
        if server is not None:
            server.remember()

    def lose(self) -> None:
        """A disk is lost, or is not what it was: its nodes never come back, and a new journal stands in its place."""
        server = self.cell.any(lambda each: bool(each.nodes))
        if server is None:
            return
        nodes = dict(server.nodes)
        gone = {key.incarnation for key in nodes}
        if not survives(self.configurations, self.lost | gone):
            return
        kind = self.rng.choice(LOSSES)
        if kind == "older copy" and server.older is None:
            return
        if server.host is not None:
            self.cell.end(server, server.disk.copy(), ())
        self.reached[kind] += 1
        if kind == "older copy":
            self._expect_stop(server)
        self.lost |= gone
        for number in gone:
            del self.cell.where[number]
        server.lose(kind, f"{self.cell.name}/{self.cell.at}")
        if kind != "older copy":
            server.create()
            for key, charter in nodes.items():
                server.expect_unknown(key, charter)
                self.reached["unknown"] += 1

    def _expect_stop(self, server: Server) -> None:
        """The nodes of a disk that fell back do not come back here; they would have to stop as soon as they heard."""
        assert server.older is not None, "there is something to fall back to"
        for key, charter in server.nodes.items():
            said = self.cell.witness.said.get(key.incarnation, Said())
            if expect_stop(server.vfs, server.older.copy(), server.number, key, charter, said):
                self.reached["stopped for good"] += 1

    def replace(self) -> None:
        """A new incarnation takes the place of a member: of a lost one, if there is one, on a server that is up."""
        leading = [each for each in self.cell.nodes() if each[2].active.round]
        jury = self.cell.witness.contents.jury
        up = [server for server in self.cell.servers if server.host is not None and _is_quiet(server)]
        if not leading or not up:
            return
        leaving = self.rng.choice(sorted(jury.members & self.lost) or sorted(jury.members))
        if leaving in self.lost and self.rng.random() < STAYS_AWAY_SHARE:
            return
        newcomer = max({*self.cell.where, *self.lost}) + 1
        members = jury.members - {leaving} | {newcomer}
        if not survives({*self.configurations, members}, self.lost):
            return
        self.cell.bear(newcomer, self.rng.choice(up))
        self.configurations.add(members)
        self.reached["replaced"] += 1
        self.cell.submit(Change(self.cell.request(), jury.version, members), *self.rng.choice(leading))


def _is_quiet(server: Server) -> bool:
    """Whether a flush of its own would neither fail nor find the disk full: a birth waits for one."""
    return server.batch is None and server.disk.room_bytes is None and server.disk.failing_sync is None


def survives(configurations: Iterable[frozenset[NodeId]], lost: set[NodeId]) -> bool:
    """Whether no configuration lost more than f of its 2f + 1 nodes."""
    return all(2 * len(members & lost) < len(members) for members in configurations)
