"""A server dies that leads ten thousand cells: how long until others lead all of them, and what that costs the others.

Three server processes of this machine, with a node of every cell on each, and every cell led by the first, since a
client wrote to it. The first is killed. The clock runs from the moment when both others suspect it until neither has a
take-over under way, by their own logs. Then the client writes to every cell again, which shows that each is led.
`cpu_s_of_a_survivor` is the larger one of theirs, from the kill until then, without that client. There is no peer.

    python -m benchmarks.takeover [--json] [--cells N] [--clients N]
"""

import argparse
import asyncio
import json
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.idle import NAME_BITS, PATIENCE_S, said
from physalia.client import AsyncClient
from physalia.colony import Colony, Processes, lay_out
from physalia.host import Charter, encode_kept
from physalia.journal import Directory, Journal, NodeKey
from physalia.server.starting import found_all

SCHEMA_VERSION = 1
SERVERS = 3
VICTIM = 1


def charters(server: int, cells: int) -> Iterator[tuple[NodeKey, Charter]]:
    """The nodes of a server. The first in line of every cell lives on the server that will die."""
    rng = random.Random("takeover")  # noqa: S311  # repeatable, no secret
    for cell in range(1, cells + 1):
        nodes = sorted(rng.getrandbits(NAME_BITS) | 1 for _ in range(SERVERS))
        first = cell % SERVERS
        others = [home for home in range(1, SERVERS + 1) if home != VICTIM]
        rng.shuffle(others)
        homes = tuple((node, VICTIM if place == first else others.pop()) for place, node in enumerate(nodes))
        own = next(node for node, home in homes if home == server)
        yield NodeKey(cell, rng.getrandbits(NAME_BITS) | 1, own), Charter(frozenset(nodes), 3, homes)


async def write_all(colony: Colony, cells: int, clients: int, expects: int) -> None:
    """Write to every cell once; whoever does not succeed raises."""
    places = iter(range(1, cells + 1))
    async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:

        async def one() -> None:
            for cell in places:
                verdict = await client.write(cell, expects, "node-a", "node-b")
                assert verdict.done, "a write of the only writer failed"

        await asyncio.gather(*(one() for _ in range(clients)))


def moment_s(line: dict[str, Any]) -> float:
    """When a line of a log was written."""
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def await_lines(processes: Processes, servers: list[int], event: str) -> dict[int, dict[str, Any]]:
    """Wait until each of these servers has said something, and return what."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        lines = {server: said(processes, server, event) for server in servers}
        if all(lines.values()):
            return {server: each[-1] for server, each in lines.items()}
        if time.monotonic() > until_s:
            raise TimeoutError(f"some server never says: {event}")
        time.sleep(0.1)


def measure(folder: Path, cells: int, clients: int) -> dict[str, Any]:
    """All figures."""
    colony = lay_out(folder / "colony", SERVERS, 0, extra="cold_after_s = 3600.0\nsuspect_after_s = 5.0\n")
    for server, one in colony.settings.items():
        with Journal(Directory(one.directory), server, encode_kept) as journal:
            found_all(journal, charters(server, cells))
    processes = Processes(colony)
    survivors = [server for server in colony.settings if server != VICTIM]
    try:
        processes.start(*colony.settings)
        asyncio.run(write_all(colony, cells, clients, 0))
        before_s = {server: processes.cpu_s(server) for server in survivors}
        processes.kill(VICTIM)
        suspected = await_lines(processes, survivors, "suspected")
        taken_over = await_lines(processes, survivors, "taken over")
        cpu_s = {server: processes.cpu_s(server) - before_s[server] for server in survivors}
        asyncio.run(write_all(colony, cells, clients, 1))
    finally:
        for server in colony.settings:
            processes.kill(server)
    took_s = max(map(moment_s, taken_over.values())) - max(map(moment_s, suspected.values()))
    return {
        "schema_version": SCHEMA_VERSION,
        "cells": cells,
        "campaigns": sum(int(line["campaigns"]) for line in taken_over.values()),
        "seconds_from_suspicion": round(took_s, 2),
        "cpu_s_of_a_survivor": round(max(cpu_s.values()), 2),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how others take over what a dead server led.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--cells", type=int, default=10_000, metavar="N", help="how many cells (10000)")
    parser.add_argument("--clients", type=int, default=256, metavar="N", help="how many write at a time (256)")
    options = parser.parse_args()
    if min(options.cells, options.clients) < 1:
        parser.error("cells and clients are positive")
    with tempfile.TemporaryDirectory(prefix="physalia-takeover-") as folder:
        figures = measure(Path(folder), options.cells, options.clients)
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    print(
        f"{figures['cells']:,} cells are led again {figures['seconds_from_suspicion']} s after their server was "
        f"suspected, by {figures['campaigns']:,} campaigns, for {figures['cpu_s_of_a_survivor']} s of processor time "
        "of a survivor."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
