"""What is exchanged while a simulation runs: the few names by which the code reaches time, chance, disk and port.

Nothing of what it decides is touched. A name that is not there any more is an error, and not a simulation of less.
"""

import gc
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol
from unittest.mock import patch

import physalia.lease.clock
import physalia.server.server
from conformance.shell.watching import WatchedHost
from physalia.discovery import Cache, serving
from physalia.server import starting
from physalia.server.server import Server
from physalia.transport import Address, Connection


class Running(Protocol):
    """Whoever knows which process runs now, and what it has."""

    def clock_s(self) -> float:
        """What its clock shows."""

    def files(self) -> Any:
        """The files of its disk."""

    def bind(self, address: Address) -> Any:
        """A bound socket. Raises `OSError`."""

    def made(self, server: Server) -> Server:
        """It has made its server."""

    def cache_made(self, most_cells: int) -> Cache:
        """It makes its cache."""

    def log(self, server: int) -> Any:
        """Its log."""


@contextmanager
def simulated(running: Running, seed: str) -> Iterator[None]:
    """Exchange them, and put everything back."""
    chance, dice = random.Random(f"{seed}/chance"), random.Random(f"{seed}/dice")  # noqa: S311  # repeatable
    state, is_collecting = random.getstate(), gc.isenabled()
    numbers = count(1)

    def bind(address: Address, setting: str) -> Any:
        try:
            return running.bind(address)
        except OSError:
            raise starting.CannotStart(
                f"{address} is in use by another process: let {setting} name a free port."
            ) from None

    def number(connection: Connection) -> int:
        found: int = connection.__dict__.setdefault("_number_in_simulation", next(numbers))
        return found

    def made(settings: Any, host: Any, atlas: Any, ring: Any, log: Any) -> Server:
        return running.made(Server(settings, host, atlas, ring, log, clock=running.clock_s))

    def rolled() -> random.Random:
        return random.Random(dice.getrandbits(64))  # noqa: S311  # repeatable, no secret

    with ExitStack() as stack:
        exchange: Callable[..., Any] = lambda *what: stack.enter_context(patch.object(*what))  # noqa: E731
        exchange(starting, "Directory", lambda _folder: running.files())
        exchange(starting, "_bind", bind)
        exchange(starting, "_must_be_there", lambda _folder: None)
        exchange(starting, "Server", made)
        exchange(starting, "Host", WatchedHost)
        exchange(serving, "Cache", running.cache_made)
        exchange(starting, "logger", running.log)
        exchange(starting, "gc", SimpleNamespace(freeze=lambda: None, set_threshold=lambda *_: None))
        exchange(physalia.server.server, "random", SimpleNamespace(Random=rolled))
        clock = SimpleNamespace(
            CLOCK_BOOTTIME=0, CLOCK_MONOTONIC=0, clock_gettime_ns=lambda _: round(running.clock_s() * 1e9)
        )
        exchange(physalia.lease.clock, "time", clock)
        exchange(os, "urandom", chance.randbytes)
        exchange(random, "_urandom", chance.randbytes)
        exchange(Path, "mkdir", lambda *_, **__: None)
        Connection.__hash__ = number  # type: ignore[method-assign,assignment]
        random.seed(f"{seed}/random")
        gc.disable()
        try:
            yield
        finally:
            random.setstate(state)
            del Connection.__hash__
            if is_collecting:
                gc.enable()
