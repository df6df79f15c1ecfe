"""A server whose disk is lost, and what comes in its place: an empty one, and a new node for each that was there (R15).

What is on the lost disk is put aside, and nobody looks at it again. The server comes back under its number, with
settings that name no cell; then each cell that had a member there is given another one, as an operator would do it.
"""

import asyncio

from physalia.client.moving import CannotMove, Plan, look, plan
from physalia.colony.layout import Colony, config_in, forget_cells
from physalia.colony.moves import TRY_S, carry_out, operator_of, servers_of
from physalia.colony.processes import Processes
from physalia.server import create, read_settings

AT_ONCE = 8
"""So many cells are given a new node at a time."""
AGAIN_S = 0.2


def lose_disk(colony: Colony, processes: Processes, server: int) -> None:
    """Kill a server and take its disk away; it comes back with an empty one. Raises `ServerFailed`."""
    processes.kill(server)
    disk = colony.settings[server].directory
    count = sum(1 for _ in colony.folder.glob(f"lost-*-of-{disk.name}"))
    disk.rename(colony.folder / f"lost-{count + 1}-of-{disk.name}")
    forget_cells(colony.folder, server)
    create(read_settings(config_in(colony.folder, server), {}))
    processes.start(server)


async def replace_nodes(colony: Colony, server: int) -> int:
    """Give each cell that had a member on this server, whose disk is lost, a new one there; return how many did."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(cell: int) -> int:
        async with room:
            the = await _plan(colony, cell, server)
            if the is not None:
                await carry_out(colony, the, is_lost=True)
        return the is not None

    return sum(await asyncio.gather(*map(one, colony.cells)))


async def _plan(colony: Colony, cell: int, server: int) -> Plan | None:
    """As soon as somebody says where the members are; None if there is none on this server."""
    async with operator_of(colony, TRY_S) as operator:
        while True:
            try:
                if server not in servers_of(await look(operator, cell)):
                    return None
                return await plan(operator, cell, server, server)
            except CannotMove:
                await asyncio.sleep(AGAIN_S)
