"""Durable writes a second of three servers, beside etcd's, and the processor time that the servers take for one.

Both are three processes on this machine, each on a disk of its own folder, and 64 clients in this process, each of
which writes its own cell or key, one write after the other, on one connection a server. Physalia's client is this
project's; etcd's is gRPC by hand (`benchmarks/peers/etcd.py`), cheaper than ours, which spreads over the three members.
Rounds alternate, and figures are medians. Processor time is that of the servers alone, as the system counts it. Where
uvloop is installed, servers on it are measured too.

`--servers` is how many of ours there are, each with a node of every cell; etcd always has three. `--curves` also goes
through numbers of clients, and of cells that 64 clients share, a round each.

    python -m benchmarks.colony [--json] [--seconds S] [--rounds N] [--clients N] [--servers N] [--curves]
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from attrs import astuple, frozen

from benchmarks.peers import etcd as peer
from physalia.client import AsyncClient
from physalia.colony import Processes, lay_out
from physalia.colony.ports import free_ports

SCHEMA_VERSION = 1
SERVERS = 3
PATIENCE_S = 60.0
CURVE_CLIENTS = (1, 8, 64, 512)
CURVE_CELLS = (1, 10, 100, 1_000, 10_000)
Write = Callable[[int], Awaitable[None]]
"""One durable write of a client, given its number."""


@frozen
class Round:
    """What one round saw."""

    operations_per_second: float
    cpu_us_per_operation: float
    p50_ms: float


NAMES = {"asyncio": ("", ""), "uvloop": ("", "_uvloop"), "etcd": ("etcd_", "")}
"""What stands before and after the names of a side's figures."""


async def load(write: Write, clients: int, seconds: float, cpu_s: Callable[[], float]) -> Round:
    """Let so many clients write for a while, after one write each that finds the way."""
    await asyncio.gather(*(write(number) for number in range(clients)))
    latencies: list[float] = []
    begin, begin_cpu = time.perf_counter(), cpu_s()

    async def one(number: int) -> None:
        while (now := time.perf_counter()) < begin + seconds:
            await write(number)
            latencies.append(time.perf_counter() - now)

    await asyncio.gather(*map(one, range(clients)))
    took, cpu = time.perf_counter() - begin, cpu_s() - begin_cpu
    return Round(len(latencies) / took, 1e6 * cpu / len(latencies), 1e3 * median(latencies))


def physalia(
    folder: Path, clients: int, seconds: float, loop: str, servers: int = SERVERS, cells: int = 0, extra: str = "",
    value_bytes: int = 0,
) -> Round:  # fmt: skip
    """A round of a fresh colony, a cell for each client; or so many, among which clients go round.

    `extra` are more settings of its servers. Where clients share a cell, a write may be decided and rejected,
    since another one came first: it is as durable. With `value_bytes` a value of so many is put under a key instead.
    """
    cells = cells or clients
    colony = lay_out(folder / "colony", servers, cells, extra=f'loop = "{loop}"\n{extra}')
    processes = Processes(colony)
    versions, turns, value = [0] * cells, [0] * clients, os.urandom(value_bytes)

    async def run() -> Round:
        async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:

            async def write(number: int) -> None:
                cell = (number + clients * turns[number]) % cells
                turns[number] += 1
                if value_bytes:
                    await client.partition(cell + 1).put("value", value)
                    return
                verdict = await client.write(cell + 1, versions[cell], "node-a", "node-b")
                assert verdict.done or cells != clients, "a write of the only writer failed"
                versions[cell] = versions[cell] + 1 if verdict.done else verdict.saw.version

            return await load(write, clients, seconds, lambda: sum(map(processes.cpu_s, colony.settings)))

    try:
        processes.start(*colony.settings)
        return asyncio.run(run())
    finally:
        for server in colony.settings:
            processes.kill(server)


def etcd(folder: Path, clients: int, seconds: float) -> Round:
    """A round of a fresh cluster of etcd, a key for each client."""
    with ExitStack() as stack:
        ports, members = peer.start(stack, folder, free_ports(2 * SERVERS))

        async def run() -> Round:
            channels = await peer.connect(ports, PATIENCE_S)

            async def write(number: int) -> None:
                await channels[number % SERVERS].put(b"volume-%d" % number, b"node-a+node-b")

            return await load(write, clients, seconds, lambda: sum(map(cpu_s_of, members)))

        return asyncio.run(run())


def cpu_s_of(pid: int) -> float:
    """Processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fresh(measure: Callable[..., Round], **numbers: int) -> Round:
    """A round in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="physalia-colony-") as folder:
        return measure(Path(folder), **numbers)


def curves(sides: dict[str, Callable[..., Round]]) -> dict[str, Any]:
    """Operations a second of each side by the number of clients, and of ours by the number of cells."""
    by_clients: dict[str, dict[int, int]] = {side: {} for side in sides}
    for clients in CURVE_CLIENTS:
        for side, measure in sides.items():
            by_clients[side][clients] = round(fresh(measure, clients=clients).operations_per_second)
    ours = partial(fresh, sides["asyncio"], clients=64)
    by_cells = {cells: round(ours(cells=cells).operations_per_second) for cells in CURVE_CELLS}
    return {"operations_per_second_by_clients": by_clients, "operations_per_second_by_cells": by_cells}


def middle(rounds: list[Round]) -> Round:
    """The medians of some rounds."""
    return Round(*(median(column) for column in zip(*map(astuple, rounds), strict=True)))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure durable writes of three servers beside etcd.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="how long a round takes (3)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many rounds each (5)")
    parser.add_argument("--clients", type=int, default=64, metavar="N", help="how many clients (64)")
    parser.add_argument("--servers", type=int, default=SERVERS, metavar="N", help="how many servers of ours (3)")
    parser.add_argument("--curves", action="store_true", help="also 1 to 512 clients, and 1 to 10,000 cells")
    options = parser.parse_args()
    if min(options.rounds, options.clients, options.servers) < 1 or options.seconds <= 0:
        parser.error("rounds, clients, servers and seconds are positive")
    loops = ["asyncio", "uvloop"] if find_spec("uvloop") is not None else ["asyncio"]
    sides: dict[str, Callable[..., Round]] = {
        loop: partial(physalia, seconds=options.seconds, loop=loop, servers=options.servers) for loop in loops
    }
    if shutil.which("etcd") is not None:
        sides["etcd"] = partial(etcd, seconds=options.seconds)
    rounds: dict[str, list[Round]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side, measure in sides.items():
            rounds[side].append(fresh(measure, clients=options.clients))
    figures: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "clients": options.clients, "servers": options.servers}
    medians = {side: middle(seen) for side, seen in rounds.items()}
    for side, seen in medians.items():
        before, after = NAMES[side]
        figures[f"{before}operations_per_second{after}"] = round(seen.operations_per_second)
        figures[f"{before}cpu_us_per_operation{after}"] = round(seen.cpu_us_per_operation)
        figures[f"{before}p50_ms{after}"] = round(seen.p50_ms, 1)
        if side in loops and "etcd" in medians:
            other = medians["etcd"]
            figures[f"cpu_ratio_to_etcd{after}"] = round(seen.cpu_us_per_operation / other.cpu_us_per_operation, 2)
            figures[f"p50_ratio_to_etcd{after}"] = round(seen.p50_ms / other.p50_ms, 2)
    if options.curves:
        figures |= curves(sides)
    figures["python"] = f"{platform.python_implementation()} {platform.python_version()}"
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    for side, seen in medians.items():
        print(
            f"{side}: {seen.operations_per_second:,.0f} durable writes a second by {options.clients} clients, "
            f"{seen.cpu_us_per_operation:,.0f} us of the servers' processor time each, p50 {seen.p50_ms:.1f} ms."
        )
    for name in ("operations_per_second_by_clients", "operations_per_second_by_cells"):
        if name in figures:
            print(f"{name}: {figures[name]}")
    if "etcd" not in sides:
        print("etcd is not installed (etcd-server on Debian): nothing to stand beside.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
