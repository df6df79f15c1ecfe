"""The processes of a colony: started, watched, broken and ended, also by another process than started them.

They are its servers, and its network if it has one of its own. A server's process holds the lock of its disk, and its
number stands in a file beside it. A number counts only if the process with it runs, and is that server: numbers are
given again.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from physalia.colony.layout import Colony

NETWORK = "network"
STARTING = "starting.lock"
OF_ONE_SERVER = frozenset(f"PHYSALIA_{name}" for name in ("LISTEN", "DIRECTORY", "KEYS", "WATCH", "RECORD"))
"""What is each server's own is in its settings: a program's keys, which stand in its environment, are no server's."""
START_S = 180.0
LOOK_EVERY_S = 0.02


class ServerFailed(Exception):
    """A server did not start or did not end; the message is a sentence."""


class Processes:
    """The processes of the servers of a colony."""

    def __init__(self, colony: Colony) -> None:
        self._colony = colony

    def log(self, server: int) -> Path:
        """What a server writes for its operator."""
        return self._colony.folder / f"server-{server}.log"

    def start(self, *servers: int, instead: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start servers that do not run, and wait until they listen. They outlive this process.

        `instead` has values for the environment, which stand in the place of settings. Raises `ServerFailed`, with what
        the server said.
        """
        with self._one_at_a_time():
            self._start_network()
            for number in self._colony.cache_settings:
                self._start_cache(number)
            begun = [server for server in servers if self.pid(server) is None]
            for server in begun:
                config = str(self._colony.config(server).absolute())
                self._begin(f"server-{server}", "physalia.cli", "serve", config, instead=instead)
            for server in begun:
                self._await(f"server-{server}", f"server {server}")

    def start_network(self) -> None:
        """Start the network, if the colony has one of its own that does not run. Raises `ServerFailed`."""
        with self._one_at_a_time():
            self._start_network()

    def _start_network(self) -> None:
        if self._colony.ways and self.network_pid() is None:
            self._begin(NETWORK, "physalia.colony.proxy", str(self._colony.folder.absolute()))
            self._await(NETWORK, "the network")

    def network_pid(self) -> int | None:
        """The number of the network's process; None if it does not run."""
        return self._pid_of(NETWORK, self._colony.folder)

    def start_cache(self, number: int) -> None:
        """Start a cache, if it does not run. Raises `ServerFailed`."""
        with self._one_at_a_time():
            self._start_cache(number)

    def _start_cache(self, number: int) -> None:
        name = f"cache-{number}"
        if self._pid_of(name, self._named(name)) is None:
            self._begin(name, "physalia.cli", "cache", str(self._named(name).absolute()))
            self._await(name, f"cache {number}")

    def kill_cache(self, number: int) -> None:
        """Kill -9; it has nothing to lose."""
        self._kill(f"cache-{number}")

    def kill_all(self) -> None:
        """Kill -9 all that runs."""
        for server in self._colony.settings:
            self.kill(server)
        self.end_network()

    def end_network(self) -> None:
        """End the network and the caches, which have nothing to lose."""
        for number in self._colony.cache_settings:
            self.kill_cache(number)
        self._kill(NETWORK)

    def _kill(self, name: str) -> None:
        pid = self._pid_of(name, self._named(name))
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + START_S
        while self._pid_of(name, self._named(name)) is not None and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)

    def pid(self, server: int) -> int | None:
        """The number of a server's process; None if it does not run."""
        return self._pid_of(f"server-{server}", self._colony.config(server))

    def _pid_of(self, name: str, named: Path) -> int | None:
        """The number of the process that was started under a name, if its command names this path."""
        try:
            pid = int(self._pid_file(name).read_text(encoding="ascii"))
            words = _command_of(pid)
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(named.absolute()) in words else None

    def is_stopped(self, server: int) -> bool:
        """Whether its process stands still."""
        pid = self.pid(server)
        return pid is not None and _state(pid) == "T"

    def send(self, server: int, number: signal.Signals) -> bool:
        """Send a signal to a server; False if it does not run."""
        pid = self.pid(server)
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    def stop(self, server: int) -> bool:
        """Let a server stand still, and wait until it does; False if it does not run."""
        is_there = self.send(server, signal.SIGSTOP)
        while is_there and not self.is_stopped(server):
            time.sleep(LOOK_EVERY_S)
            is_there = self.pid(server) is not None
        return is_there

    def kill(self, server: int) -> None:
        """Kill -9, and wait until it is gone."""
        if self.send(server, signal.SIGKILL):
            self._await_end(server)

    def end(self, *servers: int) -> None:
        """Let servers drain and end, and wait for it. Raises `ServerFailed`."""
        for server in servers:
            self.send(server, signal.SIGCONT)
            self.send(server, signal.SIGTERM)
        for server in servers:
            self._await_end(server)

    def cpu_s(self, server: int) -> float:
        """How much processor time a server has taken, in seconds. Raises `ServerFailed` if it does not run."""
        pid = self.pid(server)
        if pid is None:
            raise ServerFailed(f"server {server} does not run.")
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Nobody else starts anything meanwhile: of two who start a server, the later one would note down its own.

        That one ends, since the port is taken, and the server that runs could not be found any more.
        """
        descriptor = os.open(self._colony.folder / STARTING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _pid_file(self, name: str) -> Path:
        return self._colony.folder / f"{name}.pid"

    def _begin(self, name: str, module: str, *words: str, instead: Mapping[str, str] = MappingProxyType({})) -> None:
        folder, write = self._colony.folder, os.O_WRONLY | os.O_CREAT
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", module, *words],
            {**{name: said for name, said in os.environ.items() if name not in OF_ONE_SERVER}, **instead},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, folder / f"{name}.out", write | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, folder / f"{name}.log", write | os.O_APPEND, 0o600),
            ],
            setsid=True,
        )
        try:
            self._pid_file(name).write_text(str(pid), encoding="ascii")
        except OSError as error:  # nobody would find it again
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise ServerFailed(f"{self._pid_file(name)} cannot be written ({error.strerror}): see to it.") from None

    def _await(self, name: str, what: str) -> None:
        """Wait until the process says that it is there."""
        until = time.monotonic() + START_S
        out, log = (self._colony.folder / f"{name}.{ending}" for ending in ("out", "log"))
        while not out.read_bytes():
            if self._pid_of(name, self._named(name)) is None or time.monotonic() > until:
                lines = log.read_text(encoding="utf-8", errors="backslashreplace").splitlines()
                raise ServerFailed(f"{what} does not start: {lines[-1] if lines else 'it says nothing'}")
            time.sleep(LOOK_EVERY_S)

    def _named(self, name: str) -> Path:
        return self._colony.folder if name == NETWORK else self._colony.folder / f"{name}.toml"

    def _await_end(self, server: int) -> None:
        until = time.monotonic() + START_S
        while (pid := self.pid(server)) is not None:
            if time.monotonic() > until:
                raise ServerFailed(f"server {server} does not end: kill process {pid}.")
            time.sleep(LOOK_EVERY_S)


def _command_of(pid: int) -> list[bytes]:
    """The words of a process's command; none if it has ended. Raises `OSError` if there is no such process.

    A process that is only just begun has none yet either, and is waited for.
    """
    while True:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # an ended child of this process is forgotten now
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if words != [b""] or _state(pid) == "Z":
            return words
        time.sleep(LOOK_EVERY_S)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name of the program, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def _state(pid: int) -> str:
    try:
        return _stat(pid)[0]
    except OSError:
        return "Z"
