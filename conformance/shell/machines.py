"""The machines of a colony: what each of them has, and what they are told before they start."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import evolve

from conformance.crash_points.vfs import SimulatedFiles
from conformance.shell.clocks import Clock
from conformance.shell.disks import SlowDisk
from conformance.shell.process import Process
from physalia.discovery import Cache
from physalia.server import starting
from physalia.server.server import Server
from physalia.server.settings import CellPlan, Settings
from physalia.transport import Address

LIFE = 7
PORT, CACHE_PORT = 7400, 7500
FIRST_CACHE = 100


class Owner(Protocol):
    """What a machine needs of its colony."""

    seed: str

    def block(self, seconds: float) -> None:
        """The process that runs now waits for its disk."""

    def logged(self, machine: str, level: str, event: str, more: dict[str, Any]) -> None:
        """A server told its operator something."""


class Log:
    """What a server tells its operator, with when it did, in true time."""

    def __init__(self, colony: Owner, machine: str) -> None:
        self._colony, self._machine = colony, machine

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **more: self._colony.logged(self._machine, level, event, more)


class Machine:
    """A machine of a server or a cache: a disk, a clock, and a process while it runs."""

    def __init__(self, colony: Owner, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.clock = Clock(shown_s=1000.0 * number)
        self.disk = SlowDisk(f"{colony.seed}/{name}", colony.block)
        self.files: SimulatedFiles | None = None
        self.process: Process | None = None
        self.server: Server | None = None
        self.cache: Cache | None = None
        self.starts = 0
        self.is_lost = False
        """Whether it has another disk than at first."""

    @property
    def is_up(self) -> bool:
        """Whether a process runs here."""
        return self.process is not None and self.process.is_alive


def plans_of(cells: int, nodes: int, members: int, alpha: int) -> tuple[CellPlan, ...]:
    """Cells 1 to `cells`, each with a node on each of the first servers, of which the first are members."""
    homes = {node: node for node in range(1, nodes + 1)}
    return tuple(CellPlan(cell, LIFE, alpha, homes, frozenset(range(1, members + 1))) for cell in range(1, cells + 1))


def settings_of(
    machine: Machine,
    servers: Mapping[str, Machine],
    caches: Mapping[str, Machine],
    keys: Path,
    plans: tuple[CellPlan, ...],
    given: Mapping[str, Any],
) -> Settings:
    """What a server is told; `given` are the settings of all servers."""
    return Settings(
        server=machine.number,
        listen=Address(machine.name, PORT),
        directory=Path(machine.name),
        keys=keys,
        peers={one.number: Address(one.name, PORT) for one in servers.values() if one is not machine},
        public={},
        caches={one.number: Address(one.name, CACHE_PORT) for one in caches.values()},
        watch=None,
        cells=plans,
        loop="asyncio",
        **given,
    )


def made_anew(settings: Settings) -> Settings:
    """Make a server again that lost its disk, as an operator does; return the settings that it did not refuse.

    It should refuse those that name cells.
    """
    try:
        starting.create(settings)
    except starting.NotSettled:
        settings = evolve(settings, cells=())
        starting.create(settings)
    return settings


def lacks_majority(machine: Machine, plan: CellPlan) -> bool:
    """Whether a server that runs suspects so many members of a cell that the others are no majority."""
    assert machine.process is not None
    if machine.server is None or machine.process.paused:
        return False
    suspected = machine.server.suspicion.suspected
    there = sum(plan.nodes[member] not in suspected for member in plan.members)
    return 2 * there <= len(plan.members)


def keys_of(parties: Sequence[int], without: Iterable[int] = ()) -> str:
    """A file with a key for clients, one for operators, and one for every two parties; but none of these numbers."""
    rows = [(1, "client", ""), (2, "operator", "")]
    for place, one in enumerate(parties):
        for other in parties[place + 1 :]:
            rows.append((len(rows) + 1, "server", f"servers = [{one}, {other}]\n"))
    return "".join(
        f'[[keys]]\nid = {key}\nrole = "{role}"\nsecret = "{hashlib.sha256(str(key).encode()).hexdigest()}"\n{more}\n'
        for key, role, more in rows
        if key not in without
    )
