"""Clients that write and read while servers are killed and come back: what they saw, as a history.

Whether it is a right one others judge. All clients share all cells: a write that finds another version than it expects
fails, and is told which one stands there.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from physalia.client import AsyncClient, ClientError, Unavailable
from physalia.colony.layout import Colony
from physalia.colony.processes import Processes
from physalia.model import CellId, Read, Verdict, Volume, Write

ATTEMPT_S = 30.0


class Saw(NamedTuple):
    """What a client asked and was told, with the times of this machine's clock; no verdict if it is uncertain."""

    cell: CellId
    command: Write | Read
    since_s: float
    until_s: float
    verdict: Verdict | None


Told = Callable[[str], None]
"""Who is told what happens, as a phrase."""


async def write_and_read(colony: Colony, clients: int, until: asyncio.Event, seed: int) -> list[Saw]:
    """Let so many clients work on all cells until they are told to stop; return all that they saw.

    What was certainly not done is left out.
    """
    history: list[Saw] = []
    versions = dict.fromkeys(colony.cells, 0)

    async def one(client: AsyncClient, number: int) -> None:
        rng = random.Random(f"{seed} {number}")  # noqa: S311  # repeatable, no secret
        while not until.is_set():
            cell = rng.choice(colony.cells)
            if rng.random() < 0.5:  # noqa: PLR2004  # half of them
                command: Write | Read = Read(client.request())
            else:
                command = Write(client.request(), versions[cell], f"primary-{number}", f"replica-{rng.random()}")
            since_s = time.monotonic()
            try:
                verdict: Verdict | None = await client.submit(cell, command, ATTEMPT_S)
            except Unavailable:
                continue
            except ClientError:
                verdict = None
            until_s = time.monotonic() if verdict is not None else math.inf
            history.append(Saw(cell, command, since_s, until_s, verdict))
            if verdict is not None and isinstance(verdict.saw, Volume):
                versions[cell] = max(versions[cell], verdict.saw.version)

    async with AsyncClient(colony.addresses, colony.ring, ATTEMPT_S) as client, asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(one(client, number))
    return history


async def kill_in_turn(colony: Colony, processes: Processes, rounds: int, pause_s: float, told: Told) -> None:
    """Kill every server in turn, so many times, and start it again, with a pause before and after."""
    for _ in range(rounds):
        for server in colony.settings:
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(processes.kill, server)
            told(f"server {server} was killed")
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(processes.start, server)
            told(f"server {server} is back")


async def demonstrate(
    colony: Colony, processes: Processes, *, clients: int, rounds: int, pause_s: float, seed: int, told: Told
) -> list[Saw]:
    """The whole of it: clients at work, servers killed in turn, and at the end a read of every cell."""
    until = asyncio.Event()
    working = asyncio.create_task(write_and_read(colony, clients, until, seed))
    try:
        await kill_in_turn(colony, processes, rounds, pause_s, told)
        await asyncio.sleep(pause_s)
    finally:
        until.set()
        history = await working
    async with AsyncClient(colony.addresses, colony.ring, ATTEMPT_S) as client:
        for cell in colony.cells:
            command = Read(client.request())
            since_s = time.monotonic()
            verdict = await client.submit(cell, command)
            history.append(Saw(cell, command, since_s, time.monotonic(), verdict))
    return history
