"""A colony in one process: its servers, caches and clients as they are, and what a story can do to them.

    with Colony() as colony:
        client = colony.client()
        client.put("primary", b"a")
        colony.net.cut("a", "b")
        colony.kill("c")
        ...

Machines of servers are called `a`, `b`, `c`, those of caches `cache1`, those of clients `client1`. Cells are called 1
to `cells`, and have a node on each of the first `nodes` servers. Whatever the servers do is judged, step by step, while
it happens, and what clients saw at the end; `settle` ends every story.
"""

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from conformance.crash_points.vfs import SimulatedFiles, SimulatedVfs, simulated_vfs
from conformance.crash_points.vfs import mount as mounted
from conformance.histories.judging import lines
from conformance.links import Verdict
from conformance.refutation import How, Refuted
from conformance.shell.clients import Asking, Client, Histories
from conformance.shell.clocks import Clock
from conformance.shell.faults import Clocks, Disks, Moves
from conformance.shell.machines import (
    CACHE_PORT,
    FIRST_CACHE,
    PORT,
    Log,
    Machine,
    keys_of,
    lacks_majority,
    made_anew,
    plans_of,
    settings_of,
)
from conformance.shell.mirror import Mirror
from conformance.shell.network import Listener, Network
from conformance.shell.patches import simulated
from conformance.shell.process import Process
from conformance.shell.settling import GONE, must_be_sound, settle
from conformance.shell.simulator import Simulator
from conformance.shell.unrest.cancelling import SERVES
from conformance.shell.watching import WatchedHost
from physalia.cell import CorruptRecords
from physalia.client import AsyncClient
from physalia.discovery import Cache
from physalia.discovery import serving as discovery
from physalia.host import Charter
from physalia.journal import CannotReach, FlushFailed, JournalDamaged, NodeKey
from physalia.model import Envelope
from physalia.server import starting
from physalia.server.forgetting import LOG_SLOTS
from physalia.server.server import Server
from physalia.transport import Address, KeyFile
from physalia.wire import CodecError

ALPHA = 3
STARTED_S = 0.5
"""How long a new colony runs before a story begins: then all servers listen, and know each other."""
UNJUDGED = "a history was too long for its checker"


class Colony:
    """See above. `settings` are those of servers; times are in seconds."""

    def __init__(
        self,
        servers: int = 3,
        *,
        seed: object = 0,
        cells: int = 1,
        nodes: int | None = None,
        members: int | None = None,
        spares: int = 0,
        caches: int = 0,
        alpha: int = ALPHA,
        **settings: float,
    ) -> None:
        self.seed = str(seed)
        self.simulator = Simulator(self.seed)
        self.net = Network(self.simulator)
        self.histories = Histories()
        self.logs: list[tuple[float, str, str, str, dict[str, Any]]] = []
        self.marks: Counter[str] = Counter()
        """What happened, in words, and how often."""
        self.away = ""
        """The server that stays away for now."""
        self.mirrors: dict[int, Mirror] = {}
        self.machines = {
            chr(ord("a") + place): Machine(self, chr(ord("a") + place), place + 1) for place in range(servers)
        }
        self.caches = {
            f"cache{place}": Machine(self, f"cache{place}", FIRST_CACHE + place) for place in range(1, caches + 1)
        }
        self.clients: list[Client] = []
        self.spares = spares
        """How many nodes more each cell may have in time."""
        self.plans = plans_of(cells, nodes or servers, members or nodes or servers, alpha)
        usual: dict[str, float] = {
            "ping_every_s": 0.25, "suspect_after_s": 0.6, "drain_s": 2.0, "cold_after_s": 60.0, "log_slots": LOG_SLOTS
        }  # fmt: skip
        self._given: dict[str, Any] = usual | settings
        self._stack = ExitStack()
        self._vfs: SimulatedVfs | None = None
        self._all: list[Process] = []
        self.disk, self.clock, self.moves = Disks(self), Clocks(self), Moves(self)

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="physalia-shell-")))
        self.keys = folder / "keys.toml"
        self.write_keys()
        self._vfs = self._stack.enter_context(simulated_vfs())
        self._stack.enter_context(simulated(self, self.seed))
        self.simulator.entering = self._enter
        try:
            for name in (*self.caches, *self.machines):
                self.start(name)
            self.run(STARTED_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for process in self._all:
                process.dispose()
        finally:
            self._stack.close()

    # What a story does

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let so much true time pass, or less if `until` is so; return whether it was."""
        return self.simulator.run(seconds, until)

    def client(self, deadline_s: float = 10.0, servers: str = "") -> Client:
        """A new client, on a machine of its own, which knows these servers; all if none is named."""
        name = f"client{len(self.clients) + 1}"
        process = self.process(name, name, Clock(shown_s=5.0))
        made: list[AsyncClient] = []
        addresses = [f"{one}:{PORT}" for one in servers or self.machines]
        caches = [f"{one}:{CACHE_PORT}" for one in self.caches]
        self.simulator.enter(process, lambda: made.append(AsyncClient(addresses, self.keys, deadline_s, caches=caches)))
        client = Client(Asking(self, process, made[0]))
        self.clients.append(client)
        return client

    def start(self, name: str) -> None:
        """A process starts on a machine where none runs: on what is on its disk, or on a new disk the first time."""
        machine = self._machine(name)
        assert not machine.is_up, f"{name} runs already"
        self.simulator.note(f"start {name}")
        self.net.without_power.discard(name)
        self.net.forgotten(name)
        machine.starts += 1
        if machine.starts > 1:
            machine.disk = machine.disk.apart(self.block)
            self.saw("a server was restarted" if name in self.machines else "a cache was restarted")
        machine.server, machine.cache = None, None
        process = machine.process = self.process(name, f"{name}.{machine.starts}", machine.clock)
        process.thread_s = lambda: self._in_thread(machine)
        process.loop.interruptions += [SERVES] if name in self.machines else []
        work = self._serve(machine) if name in self.machines else self._cache(machine)
        process.start(work).add_done_callback(lambda task: self._ended(machine, process, task))

    restart = start

    def stop(self, name: str, *, again: bool = False) -> None:
        """The process is asked to end, as an operator does; asked `again` it does not wait for anybody."""
        process = self._running(name)
        process.signal(signal.SIGTERM)
        if again:
            process.signal(signal.SIGINT)

    def kill(self, name: str) -> None:
        """The process is gone at once; what it wrote is in the page cache, and what is there stays."""
        process = self._running(name)
        self.simulator.note(f"kill {name}")
        self.saw("a server was killed" if name in self.machines else "a cache was killed")
        process.kill()
        self.net.ended(process)

    def cut_power(self, name: str) -> None:
        """The machine is gone at once, and what its disk had not flushed meets its fate. Nobody is told."""
        process = self._running(name)
        self.simulator.note(f"power {name}")
        self.saw("the power of a server went")
        process.kill()
        self.net.without_power.add(name)
        self.net.ended(process, silently=True)
        machine = self._machine(name)
        machine.disk = machine.disk.apart(self.block)
        machine.disk.cut_power(f"{self.seed}/power/{machine.starts}")

    def pause(self, name: str) -> None:
        """The process does not run until it is resumed, while its clock goes on."""
        self.simulator.note(f"pause {name}")
        self._running(name).paused = True

    def resume(self, name: str) -> None:
        """It runs on."""
        self.simulator.note(f"resume {name}")
        self._running(name).paused = False

    def isolate(self, name: str) -> None:
        """Cut a server off from all other servers; clients still reach it."""
        for other in self.machines:
            if other != name:
                self.net.cut(name, other)

    def heal(self) -> None:
        """Every link is whole again."""
        for sender, receiver in sorted(self.net.cuts):
            self.net.mend(sender, receiver)

    def settle(self, within_s: float = 60.0, without: str = "", *, how: str = GONE, soon_s: float = 0.0) -> None:
        """The trouble ends. Raises `Refuted` if the colony does not come to rest, or if anything was wrong.

        One server may be `without` which the others must serve before it is back; `how` says what is with it, and
        `soon_s` how soon a new client must be served then, if that is not the usual patience.
        """
        settle(self, within_s, without, how=how, soon_s=soon_s)
        for mirror in self.mirrors.values():
            mirror.whole()
        assert self._vfs is not None
        must_be_sound(self._vfs, self.machines)
        for cell, judged in self.histories.judged():
            if judged.verdict is Verdict.INCONCLUSIVE:
                self.saw(UNJUDGED)
            elif judged.verdict is Verdict.REFUTED:
                window = lines(judged.window) if judged.window else ()
                raise Refuted(f"what clients saw of cell {cell}: {judged.why}", window)

    # What a story looks at

    def node(self, name: str, cell: int = 1) -> Any:
        """The node of a cell on a server; None if it is not in memory."""
        machine = self.machines[name]
        if machine.server is None or not machine.is_up:
            return None
        key = machine.server.atlas.here(cell)
        return None if key is None else machine.server.nodes.host.node(key)

    def leader(self, cell: int = 1) -> str:
        """The server whose node leads a cell under the highest ballot, as far as it knows; empty if there is none."""
        leading = [
            (node.active, name)
            for name in self.machines
            if (node := self.node(name, cell)) and node.is_leading and node.is_elected
        ]
        return max(leading)[1] if leading else ""

    def lacks_majority(self, cell: int) -> bool:
        """Whether every server that runs knows that too few members of a cell are there, and clients can ask it."""
        if self.moves.begun or any(name not in self.machines for cut in self.net.cuts for name in cut):
            return False
        plan = next(plan for plan in self.plans if plan.cell == cell)
        return all(lacks_majority(machine, plan) for machine in self.machines.values() if machine.is_up)

    def followers(self, cell: int = 1) -> list[str]:
        """The other servers that run."""
        leader = self.leader(cell)
        return [name for name, machine in self.machines.items() if name != leader and machine.is_up]

    def told(self, event: str, name: str = "") -> int:
        """How often servers, or one of them, told their operators this."""
        return sum(one[3] == event and name in ("", one[1]) for one in self.logs)

    @property
    def digest(self) -> str:
        """Of all that happened."""
        return self.simulator.digest

    # What its parts need

    def saw(self, mark: str) -> None:
        """Something was reached."""
        self.marks[mark] += 1

    def refute(self, refuted: Refuted) -> None:
        """A judge saw a fault."""
        self.simulator.refute(refuted)

    def mirror(self, key: NodeKey, charter: Charter) -> Mirror:
        """That of the cell of a node."""
        if key.cell not in self.mirrors:
            nodes = next(len(plan.nodes) for plan in self.plans if plan.cell == key.cell)
            self.mirrors[key.cell] = Mirror(key.cell, nodes, charter.first_members, charter.alpha, self.spares)
        return self.mirrors[key.cell]

    def logged(self, machine: str, level: str, event: str, more: dict[str, Any]) -> None:
        """A server told its operator something."""
        self.logs.append((self.simulator.now_s, machine, level, event, more))
        self.simulator.note(f"{machine} {level} {event}")
        if event in MARKS:
            self.saw(MARKS[event])

    def block(self, seconds: float) -> None:
        """The process that runs now waits for its disk."""
        if self.simulator.current is not None:
            self.simulator.current.block(seconds)

    def clock_s(self) -> float:
        """What the clock of the process that runs now shows."""
        assert self.simulator.current is not None
        return self.simulator.current.clock_s()

    def files(self) -> SimulatedFiles:
        """The files of the process that runs now."""
        machine = self._current()
        assert machine.files is not None
        return machine.files

    def bind(self, address: Address) -> Listener:
        """A bound socket of the process that runs now."""
        assert self.simulator.current is not None
        return self.net.bind(self.simulator.current, (address.host, address.port))

    def log(self, _server: int) -> Any:
        """The log of the process that runs now."""
        return Log(self, self._current().name)

    def made(self, server: Server) -> Server:
        """The process that runs now has made its server."""
        machine = self._current()
        machine.server = server
        carry, host = server.links.carry, server.nodes.host
        assert isinstance(host, WatchedHost)

        def carry_watched(to: int, envelope: Envelope) -> None:
            host.leaves(envelope)
            carry(to, envelope)

        server.links.carry = carry_watched  # type: ignore[method-assign,assignment]
        return server

    def syncs(self) -> int:
        """How often the disk of the process that runs now was flushed."""
        return self._current().disk.syncs

    def cache_made(self, most_cells: int) -> Cache:
        """The process that runs now makes its cache."""
        cache = self._current().cache = Cache(most_cells)
        return cache

    def write_keys(self, *, without: tuple[int, ...] = ()) -> None:
        """The keys of everybody, but for those of these numbers."""
        text = keys_of([machine.number for machine in (*self.machines.values(), *self.caches.values())], without)
        fresh = self.keys.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor has no path
            file.write(text)
        fresh.replace(self.keys)

    # Inside

    def process(self, machine: str, name: str, clock: Clock) -> Process:
        """Another process on a machine."""
        process = Process(name, machine, clock, self.simulator, self.net)
        self._all.append(process)
        self.simulator.processes.append(process)
        return process

    def _in_thread(self, machine: Machine) -> float:
        self.saw("a flush waited in a thread")
        return 2 * machine.disk.sync_s + 0.0001

    def _machine(self, name: str) -> Machine:
        return self.machines[name] if name in self.machines else self.caches[name]

    def _running(self, name: str) -> Process:
        process = self._machine(name).process
        assert process is not None and process.is_alive, f"{name} does not run"  # noqa: PT018
        return process

    def _current(self) -> Machine:
        assert self.simulator.current is not None
        return self._machine(self.simulator.current.machine)

    def _enter(self, process: Process) -> None:
        """Let SQLite see the disk of the machine."""
        machine = self.machines.get(process.machine)
        if machine is not None and machine.process is process and self._vfs is not None:
            self._vfs.disk = machine.disk

    async def _serve(self, machine: Machine) -> bool:
        """What `physalia serve` does, in the same order, but for what belongs to the process as a whole."""
        assert self._vfs is not None
        machine.files = mounted(self._vfs, machine.disk)
        WatchedHost.witnesses = self
        settings = settings_of(machine, self.machines, self.caches, self.keys, self.plans, self._given)
        if machine.starts == 1:
            starting.create(settings, are_cells_new=True)
        elif machine.is_lost:
            settings = made_anew(settings)
        prepared = starting.prepare(settings)
        log = self.log(machine.number)
        try:
            return await starting._serve(prepared, log, self.simulator.note)
        except* (FlushFailed, JournalDamaged, CorruptRecords, CodecError) as group:
            raise starting.CannotStart(starting._sentence(group)) from None
        finally:
            prepared.listener.close()
            with suppress(FlushFailed):
                prepared.host.journal.close()

    async def _cache(self, machine: Machine) -> None:
        settings = discovery.CacheSettings(machine.number, Address(machine.name, CACHE_PORT), self.keys, 1000)
        await discovery._serve(settings, KeyFile(self.keys), self.simulator.note)

    def _ended(self, machine: Machine, process: Process, task: Any) -> None:
        """The process came to its end by itself, or because it was asked to."""
        if not process.is_alive:
            return
        error = None if task.cancelled() else task.exception()
        self.simulator.note(f"{machine.name} ended {type(error).__name__}")
        process.kill()
        self.net.ended(process)
        if error is None:
            self.saw("a server ended in order")
        elif machine.disk.met and isinstance(error, starting.CannotStart | CannotReach):
            self.saw("a server ended because its disk failed")
        else:
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            self.refute(Refuted(f"server {machine.name} ended: {type(error).__name__}: {error}", how=How.RAISED))


MARKS = {
    "suspected": "a server was suspected",
    "trusted again": "a suspected server was trusted again",
    "refused by the journal": "a disk refused what a node wrote",
    "node stopped": "a node stopped for good",
    "taken over": "nodes of a lost server were taken over",
}
