"""Cells at rest: what a hundred thousand of them cost, of seven nodes each, on seven server processes of this machine.

The cells are founded in the journals of the servers, as `physalia serve --create` does it, and none has a log yet.
A client asks some of them for something first, one after the other; that is how long a cold cell takes to answer, with
a new leader and every node read from its journal. When all of those have left memory again, the servers are left alone
for a minute. `messages` are those between nodes that left a server in that minute. Memory is what the processes have
resident, less what as many servers without a cell have; disk is the size of all files of the servers. There is no
peer: nothing else keeps seven replicas of a hundred thousand logs apart from each other.

    python -m benchmarks.idle [--json] [--cells N] [--seconds S] [--asked N]
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from physalia.client import Client
from physalia.colony import Colony, Processes, lay_out
from physalia.host import Charter, encode_kept
from physalia.journal import Directory, Journal, NodeKey
from physalia.server.starting import found_all

SCHEMA_VERSION = 1
SERVERS = 7
ALPHA = 3
COLD_AFTER_S = 2.0
PATIENCE_S = 120.0
NAME_BITS = 63


def charters(server: int, cells: int) -> Iterator[tuple[NodeKey, Charter]]:
    """The nodes of a server. The names are random, and the same for every server."""
    rng = random.Random("idle")  # noqa: S311  # repeatable, no secret
    for cell in range(1, cells + 1):
        nodes = sorted(rng.getrandbits(NAME_BITS) | 1 for _ in range(SERVERS))
        homes = tuple(zip(nodes, rng.sample(range(1, SERVERS + 1), SERVERS), strict=True))
        own = next(node for node, home in homes if home == server)
        yield NodeKey(cell, rng.getrandbits(NAME_BITS) | 1, own), Charter(frozenset(nodes), ALPHA, homes)


def found(folder: Path, cells: int, server: int) -> None:
    """Let all nodes of a server be born."""
    with Journal(Directory(folder), server, encode_kept) as journal:
        found_all(journal, charters(server, cells))


def resident_bytes(processes: Processes, colony: Colony) -> int:
    """The memory that the processes of a colony have."""
    page = os.sysconf("SC_PAGE_SIZE")
    pids = [processes.pid(server) for server in colony.settings]
    return sum(int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * page for pid in pids)


def disk_bytes(colony: Colony) -> int:
    """The size of all files that the servers of a colony keep."""
    return sum(file.stat().st_size for one in colony.settings.values() for file in one.directory.iterdir())


def said(processes: Processes, server: int, event: str) -> list[dict[str, Any]]:
    """What a server told its operator under this name."""
    lines = processes.log(server).read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]


def carried(processes: Processes, colony: Colony, event: str) -> int:
    """How many messages of nodes had left all servers when each said this last."""
    return sum(int(said(processes, server, event)[-1]["carried"]) for server in colony.settings)


def ask(colony: Colony, cells: int, asked: int) -> list[float]:
    """How many seconds some cells that nobody ever asked for anything take to answer."""
    rng = random.Random("asked")  # noqa: S311  # repeatable, no secret
    took = []
    with Client(colony.addresses, colony.ring, PATIENCE_S) as client:
        for cell in rng.sample(range(1, cells + 1), asked):
            begin = time.perf_counter()
            client.read(cell)
            took.append(time.perf_counter() - begin)
    return took


def await_rest(processes: Processes, colony: Colony) -> None:
    """Until every server has said that nothing is in its memory any more."""
    until_s = time.monotonic() + PATIENCE_S
    while not all(said(processes, server, "at rest") for server in colony.settings):
        if time.monotonic() > until_s:
            raise TimeoutError("some server never comes to rest")
        time.sleep(1.0)
    time.sleep(2 * COLD_AFTER_S)


def empty_bytes(folder: Path) -> int:
    """The memory of as many servers that have no cell."""
    colony = lay_out(folder, SERVERS, 0)
    processes = Processes(colony)
    try:
        processes.start(*colony.settings)
        return resident_bytes(processes, colony)
    finally:
        processes.end(*colony.settings)


def measure(folder: Path, cells: int, seconds: float, asked: int) -> dict[str, Any]:
    """All figures."""
    without_bytes = empty_bytes(folder / "empty")
    colony = lay_out(folder / "colony", SERVERS, 0, extra=f"cold_after_s = {COLD_AFTER_S}\n")
    begin = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        works = [pool.submit(partial(found, one.directory, cells, server)) for server, one in colony.settings.items()]
        for work in works:
            work.result()
    founded_s = time.perf_counter() - begin
    at_rest_bytes = disk_bytes(colony)
    processes = Processes(colony)
    try:
        begin = time.perf_counter()
        processes.start(*colony.settings)
        started_s = time.perf_counter() - begin
        took = ask(colony, cells, asked)
        await_rest(processes, colony)
        before, cpu_s = carried(processes, colony, "at rest"), sum(map(processes.cpu_s, colony.settings))
        time.sleep(seconds)
        cpu_s = sum(map(processes.cpu_s, colony.settings)) - cpu_s
        memory_bytes = resident_bytes(processes, colony)
        processes.end(*colony.settings)
        messages = carried(processes, colony, "ended") - before
    finally:
        for server in colony.settings:
            processes.kill(server)
    nodes = SERVERS * cells
    return {
        "schema_version": SCHEMA_VERSION,
        "cells": cells,
        "nodes": nodes,
        "seconds": seconds,
        "messages": messages,
        "cpu_of_a_core": round(cpu_s / seconds, 4),
        "memory_bytes": memory_bytes,
        "memory_bytes_per_node": round(max(0, memory_bytes - without_bytes) / nodes, 1),
        "disk_bytes_per_node": round(at_rest_bytes / nodes, 1),
        "cold_answer_p50_ms": round(1e3 * median(took), 1),
        "cold_answer_worst_ms": round(1e3 * max(took), 1),
        "founded_seconds": round(founded_s, 1),
        "started_seconds": round(started_s, 1),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure what cells at rest cost.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--cells", type=int, default=100_000, metavar="N", help="how many cells (100000)")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long they are left alone (60)")
    parser.add_argument("--asked", type=int, default=100, metavar="N", help="how many are asked first (100)")
    options = parser.parse_args()
    if not 1 <= options.asked <= options.cells or options.seconds <= 0:
        parser.error("asked is from 1 to cells, and seconds are positive")
    with tempfile.TemporaryDirectory(prefix="physalia-idle-") as folder:
        figures = measure(Path(folder), options.cells, options.seconds, options.asked)
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    print(
        f"{figures['cells']:,} cells of {SERVERS} nodes at rest on {SERVERS} processes: {figures['messages']} messages "
        f"in {figures['seconds']:.0f} s, {100 * figures['cpu_of_a_core']:.1f} % of a core; a node takes "
        f"{figures['disk_bytes_per_node']} bytes on disk and {figures['memory_bytes_per_node']} in memory. A cold cell "
        f"answers in {figures['cold_answer_p50_ms']} ms (median; at worst {figures['cold_answer_worst_ms']} ms)."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
