"""Colonies for tests: settings and keys in a folder, and real server processes on free ports of this machine."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import combinations
from pathlib import Path

from attrs import Factory, define

from physalia.client import Operator
from physalia.model import Founding
from physalia.server import create, read_settings
from physalia.transport import KeyFile
from tests import PATIENCE_S

MOST_SERVERS = 7
KEYS = "".join(
    f'[[keys]]\nid = {number}\nrole = "{role}"\n{of}secret = "{secret}"\n'
    for number, role, of, secret in (
        (1, "operator", "", "a" * 64),
        (2, "client", "", "c" * 64),
        *(
            (10 * one + other, "server", f"servers = [{one}, {other}]\n", f"{one}{other}" * 32)
            for one, other in combinations(range(1, MOST_SERVERS + 1), 2)
        ),
    )
)
"""Those of all servers in one file: tests say to be whomever they want."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@define
class Colony:
    """Servers 1 to n, each with a node of every cell; server s has node 10 + s."""

    folder: Path
    ports: list[int]
    cells: int = 1
    alpha: int = 3
    extra: str = "ping_every_s = 0.05\nsuspect_after_s = 0.4\n"
    processes: dict[int, "subprocess.Popen[str]"] = Factory(dict)

    @property
    def servers(self) -> list[int]:
        return list(range(1, len(self.ports) + 1))

    @property
    def addresses(self) -> list[str]:
        return [f"127.0.0.1:{port}" for port in self.ports]

    @property
    def ring(self) -> KeyFile:
        return KeyFile(self.folder / "keys.toml")

    def config(self, server: int) -> Path:
        return self.folder / f"{server}.toml"

    def write(self) -> None:
        """Write settings and keys."""
        keys = self.folder / "keys.toml"
        keys.touch(mode=0o600)
        keys.write_text(KEYS, encoding="utf-8")
        nodes = ", ".join(f"{10 + server} = {server}" for server in self.servers)
        for server in self.servers:
            peers = "".join(f'{one} = "{self.addresses[one - 1]}"\n' for one in self.servers if one != server)
            cells = "".join(
                f"[[cells]]\ncell = {cell}\nlife = {100 + cell}\nalpha = {self.alpha}\nnodes = {{{nodes}}}\n"
                for cell in range(1, self.cells + 1)
            )
            self.config(server).write_text(
                f'server = {server}\nlisten = "{self.addresses[server - 1]}"\ndirectory = "disk-{server}"\n'
                f'keys = "keys.toml"\n{self.extra}[peers]\n{peers}{cells}',
                encoding="utf-8",
            )

    def command(self, server: int, *options: str) -> list[str]:
        return [sys.executable, "-m", "physalia.cli", "serve", str(self.config(server)), *options]

    def run(self, server: int, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run `serve` to its end, for what ends by itself."""
        command = self.command(server, *options)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    def start(self, *servers: int) -> None:
        """Start servers, and wait until they say that they listen."""
        for server in servers:
            with (self.folder / f"{server}.log").open("a", encoding="utf-8") as log:
                process = subprocess.Popen(self.command(server), stdout=subprocess.PIPE, stderr=log, text=True)
            self.processes[server] = process
        for server in servers:
            out = self.processes[server].stdout
            assert out is not None
            assert "listens at" in out.readline(), self.log(server)

    def kill(self, server: int) -> None:
        """Kill -9, and wait until it is gone."""
        process = self.processes.pop(server)
        process.kill()
        process.communicate()

    def end(self, server: int, signal_number: int = signal.SIGINT) -> int:
        """Ask a server to end; return its exit code."""
        process = self.processes.pop(server)
        process.send_signal(signal_number)
        process.communicate(timeout=PATIENCE_S)
        return process.returncode

    def log(self, server: int) -> str:
        return (self.folder / f"{server}.log").read_text(encoding="utf-8")

    def last_of(self, server: int, peer: int) -> str:
        """What a server said last of a peer: that it is suspected, or trusted again."""
        said = [line for line in map(json.loads, self.log(server).splitlines()) if line.get("peer") == peer]
        return str(said[-1]["event"]) if said else ""

    def pid(self, server: int) -> int:
        return self.processes[server].pid


@contextmanager
def colony(folder: Path, size: int = 3, cells: int = 1, alpha: int = 3, extra: str | None = None) -> Iterator[Colony]:
    """A colony that was created and does not run yet; what runs of it at the end is killed."""
    made = Colony(folder, free_ports(size), cells, alpha)
    if extra is not None:
        made.extra = extra
    made.write()
    for server in made.servers:
        create(read_settings(made.config(server), {}), are_cells_new=True)
    try:
        yield made
    finally:
        for server in tuple(made.processes):
            made.processes[server].send_signal(signal.SIGCONT)  # unless it has ended
            made.kill(server)


async def create_now(operator: Operator, founding: Founding) -> dict[int, str]:
    """Found a cell on the disks that its servers have now: by server, why that was not done, or nothing."""
    return await operator.create(founding, await operator.disks(founding))
