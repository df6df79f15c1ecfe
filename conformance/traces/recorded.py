"""Real servers that record: three processes, clients that write meanwhile, and servers that are killed in between.

Each server is killed once, in the middle of writes, and started again; the others take over what it led. At the end all
servers end in order, so that their traces are whole. Others let a cell move, and lose a disk.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from attrs import frozen

from conformance.links import CannotRun
from conformance.traces.lines import Run, read_run
from physalia.client import AsyncClient, ClientError
from physalia.client.moving import CannotMove, plan
from physalia.colony import Colony, Processes, ServerFailed, lay_out
from physalia.colony.moves import carry_out, operator_of
from physalia.colony.replacing import lose_disk, replace_nodes

SERVERS = 3
PATIENCE_S = 60.0
READ_EVERY = 4
"""So often a client reads instead of writing."""
SETTINGS = 'record = "traces"\nping_every_s = 0.1\nsuspect_after_s = 0.8\ncold_after_s = 2.0\nlog_slots = 8'
"""Of the servers: they suspect soon, let nodes go soon, and forget their logs soon."""


@frozen
class Amount:
    """How many cells there are, how often each is written to before, during and after kills, and which are killed."""

    cells: int
    writes: int
    kills: tuple[int, ...] = (1, 2, 3)


def record(folder: Path, amount: Amount, told: Callable[[str], None]) -> list[Run]:
    """Let servers run and be killed; return what they wrote down. Raises `CannotRun`."""
    colony = lay_out(folder / "colony", SERVERS, amount.cells, extra=SETTINGS)
    return _recorded(colony, folder, lambda processes: _use(colony, processes, amount, told))


def record_moves(folder: Path, writes: int, told: Callable[[str], None]) -> list[Run]:
    """Let a cell move among four servers, one of which loses its disk; return what they wrote. Raises `CannotRun`."""
    colony = lay_out(folder / "moves", SERVERS + 1, 1, extra=SETTINGS, size=SERVERS)
    return _recorded(colony, folder, lambda processes: _move(colony, processes, writes, told))


def _recorded(colony: Colony, folder: Path, use: Callable[[Processes], Coroutine[Any, Any, None]]) -> list[Run]:
    """Start all servers, use them, end them in order, and read their traces."""
    processes = Processes(colony)
    try:
        processes.start(*colony.settings)
        asyncio.run(use(processes))
        processes.end(*colony.settings)
    except (ServerFailed, CannotMove) as error:
        raise CannotRun(f"{error} The files are in {folder}.") from None
    finally:
        processes.kill_all()
    return read_all(colony.folder / "traces")


async def _move(colony: Colony, processes: Processes, writes: int, told: Callable[[str], None]) -> None:
    """Two members go to other servers, one after the other; then a disk is lost with what came there."""
    (cell,) = colony.cells
    (homes,) = {tuple(sorted(one.nodes.values())) for each in colony.settings.values() for one in each.cells}
    (free,) = colony.settings.keys() - set(homes)
    async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:
        part = client.partition(cell)

        async def write() -> None:
            for number in range(writes):
                await part.put("n", number)
                await client.read(cell)

        await write()
        for leaves_from, to in ((homes[0], free), (homes[1], homes[0])):
            told(f"writing, and a member goes from server {leaves_from} to server {to}")
            async with operator_of(colony, PATIENCE_S) as operator:
                the = await plan(operator, cell, leaves_from, to)
            await asyncio.gather(carry_out(colony, the), write())
        told(f"server {free} loses its disk")
        await asyncio.to_thread(lose_disk, colony, processes, free)
        await replace_nodes(colony, free)
        await write()


def read_all(folder: Path) -> list[Run]:
    """The traces in a folder, of all servers and runs. Raises `BadInput`."""
    return [read_run(path) for path in sorted(folder.glob("*.jsonl"))]


async def _use(colony: Colony, processes: Processes, amount: Amount, told: Callable[[str], None]) -> None:
    async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:

        async def write(cell: int, times: int, half: asyncio.Event, dead: asyncio.Event) -> None:
            part, number = client.partition(cell), 0
            while number < times or not dead.is_set():  # to the end: a kill between two writes takes nothing away
                try:
                    if number % READ_EVERY == 0:
                        await client.read(cell)
                    elif number % 3:
                        await part.increment("count")
                    else:
                        await client.write(cell, 0, f"node-{number}", "another")
                except ClientError:
                    pass  # it was uncertain: what became of it is in the traces, if anything did
                if number == times // 2:
                    half.set()
                number += 1

        for server in (None, *amount.kills, None):  # at last everybody comes back, and shows what is on its disk
            half, dead = asyncio.Event(), asyncio.Event()
            told("writing" if server is None else f"writing, and server {server} is killed")
            async with asyncio.TaskGroup() as group:
                for cell in colony.cells:
                    group.create_task(write(cell, amount.writes, half, dead))
                if server is not None:
                    await half.wait()
                    await asyncio.to_thread(processes.kill, server)
                dead.set()
            if server is not None:
                await asyncio.to_thread(processes.start, server)
    await _show(colony)


async def _show(colony: Colony) -> None:
    """Every server shows its node of every cell: it is back from its disk then, whether anybody wrote to it or not.

    Writes may be over before a server that was killed is reached again, and then nothing tells what its disk has.
    """
    async with operator_of(colony, PATIENCE_S) as operator:
        for cell in colony.cells:
            for server in colony.settings:
                said = await operator.inspect(server, cell)
                if isinstance(said, str):
                    raise CannotRun(f"server {server} does not show its node of cell {cell}: {said}.")
