"""The machines of a colony: what each of them has, and what they are told before they start."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from conformance.crash_points.vfs import SimulatedFiles
from conformance.shell.clocks import Clock
from conformance.shell.disks import SlowDisk
from conformance.shell.process import Process
from physalia.discovery import Cache
from physalia.server.server import Server
from physalia.server.settings import CellPlan

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

    @property
    def is_up(self) -> bool:
        """Whether a process runs here."""
        return self.process is not None and self.process.is_alive


def plans_of(cells: int, nodes: int, members: int, alpha: int) -> tuple[CellPlan, ...]:
    """Cells 1 to `cells`, each with a node on each of the first servers, of which the first are members."""
    homes = {node: node for node in range(1, nodes + 1)}
    return tuple(CellPlan(cell, LIFE, alpha, homes, frozenset(range(1, members + 1))) for cell in range(1, cells + 1))


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
