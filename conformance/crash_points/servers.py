"""A server of a simulated cell: its disk, the process that runs on it, and the ends of both.

A process is the real host with the real journal on the real SQLite. It ends killed, which keeps the page cache, or by a
power cut, which does not, between any two operations of its disk: then what it did after that never happened. So a
process that is to end in the middle of something does it to the end, on a disk that nobody looks at any more, while the
operations up to the crash are carried out on a copy.
"""

from collections.abc import Callable, Iterable

from conformance.crash_points.disk import Disk, Step
from conformance.crash_points.ledger import Violation
from conformance.crash_points.vfs import SimulatedVfs, mount
from physalia.cell import CorruptRecords
from physalia.host import Batch, Charter, Host, Output, encode_kept
from physalia.journal import Journal, JournalDamaged, JournalError, NodeKey, UnknownNode
from physalia.model import DurableRecord, Event, Homes
from physalia.wire import CodecError


class Server:
    """`nodes` are those that start with it, and `host` is its process, None as long as it is down."""

    def __init__(self, vfs: SimulatedVfs, number: int, name: str) -> None:
        self.vfs = vfs
        self.number = number
        self.name = name
        self.disk = Disk(name)
        self.nodes: dict[NodeKey, Charter] = {}
        self.older: Disk | None = None
        """What the disk had once, and not any more."""
        self.host: Host | None = None
        self.batch: Batch | None = None
        self.is_written = False
        """Whether the batch was written and not settled: what it lets go has not left yet."""
        self.refuses_next = False
        """Whether the next record that comes to the codec is beyond a limit of it."""
        self.refusals = 0
        """How many records were, since somebody counted."""
        self._refused: object = None

    def create(self) -> None:
        """A journal on a fresh disk, and a process."""
        files = mount(self.vfs, self.disk)
        Journal.create(files, self.number)
        self.host = Host(Journal(files, self.number, self.encode))

    def encode(self, kept: DurableRecord | Charter | Homes) -> bytes:
        """The bytes of what a node keeps; a record that was refused once is refused again."""
        if self.refuses_next and not isinstance(kept, Charter | Homes):
            self.refuses_next, self._refused = False, kept
            self.refusals += 1
        if kept is self._refused:
            raise CodecError("it is said to be beyond a limit")
        return encode_kept(kept)

    def waits(self, key: NodeKey) -> bool:
        """Whether something of a node waits for the disk, or is on its way there."""
        batch = () if self.batch is None else self.batch.waiting
        return any(each.key == key for each in (*self.process._waiting, *batch))

    def admit(self, key: NodeKey, charter: Charter) -> None:
        """A node is born here."""
        self.nodes[key] = charter
        self.process.found(key, charter)
        self.process.start(key, charter)

    def remember(self) -> None:
        """What the disk has now is what it may fall back to."""
        self.older = self.disk.copy()

    @property
    def process(self) -> Host:
        """The process, when the disk that is shown is its own."""
        assert self.host is not None, "the server is down"
        self.vfs.disk = self.disk
        return self.host

    def write(self) -> None:
        """Carry the batch to the disk."""
        assert self.batch is not None, "there is no batch to write"
        self.batch.write(self.process.journal)
        self.is_written = True

    def settle(self) -> tuple[Batch, tuple[Output, ...]]:
        """The batch was written: return it, and what leaves."""
        batch = self.batch
        assert batch is not None and self.is_written, "there is no batch that was written"  # noqa: PT018
        self.batch, self.is_written = None, False
        return batch, self.process.settle()

    def start(self) -> None:
        """A process opens what stands there, and its nodes come back. Raises `Violation` if they cannot."""
        try:
            host = Host(Journal(mount(self.vfs, self.disk), self.number, self.encode))
            for key, charter in self.nodes.items():
                host.start(key, charter)
        except (JournalError, CorruptRecords, CodecError) as error:
            raise Violation(f"server {self.number} cannot start from an honest disk: {error}") from error
        self.host = host

    def recorded(self, work: Callable[[], None]) -> tuple[Disk, list[Step]]:
        """Do something, and return the disk as it was before, and the operations that it took."""
        before, count = self.disk.copy(), len(self.disk.record)
        work()
        return before, self.disk.record[count:]

    def end(self, disk: Disk, operations: Iterable[Step], *, power_goes: bool, seed: str) -> None:
        """The process ends, after these operations on that disk."""
        for operation in operations:
            disk.again(operation)
        if power_goes:
            disk.cut_power(seed)
        self.disk, self.host, self.batch, self.is_written = disk, None, None, False
        self.refuses_next, self._refused = False, None

    def expect_latch(self, events: Iterable[tuple[NodeKey, Event]]) -> None:
        """A flush failed: nothing leaves this process any more, however well the disk behaves. Raises `Violation`."""
        self.disk.failing_sync = None
        host = self.process
        left = [output for key, event in events for output in host.step(key, event)]
        again = host.gather()
        again.write(host.journal)
        left += host.settle()
        if left or host.stopped is None:
            raise Violation(f"server {self.number} goes on after a failed flush")

    def expect_unknown(self, key: NodeKey, charter: Charter) -> None:
        """A node that the journal never held does not come back under its old name, with nothing that it said."""
        try:
            self.process.start(key, charter)
        except UnknownNode:
            return
        raise Violation(f"node {key.incarnation} comes back under its old name, on a disk that never held it")

    def lose(self, kind: str, seed: str) -> None:
        """The disk of a server that is down is lost for its nodes. What stands there next has none of them."""
        if kind == "older copy" and self.older is not None:
            self.disk = self.older.copy()
            Journal(mount(self.vfs, self.disk), self.number, self.encode).close()
        else:
            if kind == "damaged disk":
                self._expect_damage()
            self.disk = Disk(seed)
        self.nodes, self.older = {}, None

    def _expect_damage(self) -> None:
        """What was safe is not there any more, and the journal says so."""
        del self.disk.names["journal"].seen[:]
        try:
            Journal(mount(self.vfs, self.disk), self.number, self.encode)
        except JournalDamaged:
            return
        raise Violation(f"server {self.number} opens a journal whose file was emptied")
