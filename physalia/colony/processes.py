"""The server processes of a colony: started, watched, broken and ended, also by another process than started them.

A server's process holds the lock of its disk, and its number stands in a file beside it. A number counts only if the
process with it runs, and is that server: numbers are given again.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from physalia.colony.layout import Colony

START_S = 60.0
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

    def start(self, *servers: int) -> None:
        """Start servers that do not run, and wait until they listen. They outlive this process.

        Raises `ServerFailed`, with what the server said.
        """
        begun = {}
        for server in servers:
            if self.pid(server) is None:
                begun[server] = self._begin(server)
        for server, out in begun.items():
            self._await(server, out)

    def pid(self, server: int) -> int | None:
        """The number of a server's process; None if it does not run."""
        try:
            pid = int(self._pid_file(server).read_text(encoding="ascii"))
            words = _command_of(pid)
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self._colony.config(server).absolute()) in words else None

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

    def _pid_file(self, server: int) -> Path:
        return self._colony.folder / f"server-{server}.pid"

    def _begin(self, server: int) -> Path:
        out = self._colony.folder / f"server-{server}.out"
        config = str(self._colony.config(server).absolute())
        write = os.O_WRONLY | os.O_CREAT
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "physalia.cli", "serve", config],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, out, write | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, self.log(server), write | os.O_APPEND, 0o600),
            ],
            setsid=True,
        )
        self._pid_file(server).write_text(str(pid), encoding="ascii")
        return out

    def _await(self, server: int, out: Path) -> None:
        """Wait until the server says that it listens."""
        until = time.monotonic() + START_S
        while not out.read_bytes():
            if self.pid(server) is None or time.monotonic() > until:
                lines = self.log(server).read_text(encoding="utf-8", errors="backslashreplace").splitlines()
                raise ServerFailed(f"server {server} does not start: {lines[-1] if lines else 'it says nothing'}")
            time.sleep(LOOK_EVERY_S)

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
