"""What changes a colony while it is worked with: cells that move, a server that lost its disk, versions that are mixed.

Whatever is said to have happened was seen: a move that came to its end, a node that was born in the place of a lost
one, and the version that servers say they speak with each other.
"""

import asyncio
from collections import Counter

from attrs import Factory, define

from conformance.gameday.faults import Blow
from physalia.client.moving import CannotMove, look, plan
from physalia.colony import Colony, Processes
from physalia.colony.health import page
from physalia.colony.moves import TRY_S, carry_out, operator_of, servers_of
from physalia.colony.replacing import lose_disk, replace_nodes
from physalia.transport import SPOKEN

END_S = 60.0
"""So long a move may take when everything is calm."""
SPEAK_S = 10.0
"""So long servers may take until they speak with one that was started anew."""
LOOK_EVERY_S = 0.1
VERSION_SETTING = "PHYSALIA_PROTOCOL_NEWEST"


@define
class Changes:
    """The changes of one day. Moves go on beside whatever comes next, and no disk is lost while there is one."""

    colony: Colony
    processes: Processes
    moved: int = 0
    """How many members of cells went to another server."""
    replaced: int = 0
    """How many nodes came in the place of lost ones."""
    lost: int = 0
    """How many disks were lost."""
    spoken: Counter[int] = Factory(Counter)
    """Between how many servers, of which one was of an older version, that version was spoken."""
    _one_at_a_time: asyncio.Lock = Factory(asyncio.Lock)

    async def move(self, blow: Blow) -> None:
        """Let cells go from this server to others, one after the other."""
        async with self._one_at_a_time:
            for place, cell in enumerate(blow.cells):
                await self._move(cell, blow.servers[0], place)

    async def _move(self, cell: int, leaves_from: int, place: int) -> None:
        """A cell that is not there now stays where it is."""
        while True:
            async with operator_of(self.colony, TRY_S) as operator:
                try:
                    taken = servers_of(await look(operator, cell))
                    free = sorted(self.colony.settings.keys() - taken)
                    if leaves_from not in taken or not free:
                        return
                    the = await plan(operator, cell, leaves_from, free[place % len(free)])
                except CannotMove:
                    await asyncio.sleep(LOOK_EVERY_S)
                    continue
            break
        await carry_out(self.colony, the)
        self.moved += 1

    async def replace(self, server: int) -> None:
        """A disk is lost, and what was on it is replaced."""
        async with self._one_at_a_time:
            await asyncio.to_thread(lose_disk, self.colony, self.processes, server)
            self.lost += 1
            self.replaced += await replace_nodes(self.colony, server)

    async def go_back(self, blow: Blow) -> None:
        """Servers come back speaking an older version, and others speak it with them."""
        for server in blow.servers:
            await self._start_anew(server, blow.version)
        loop = asyncio.get_running_loop()
        until = loop.time() + SPEAK_S
        spoken = 0
        while not spoken and loop.time() < until:
            await asyncio.sleep(LOOK_EVERY_S)
            spoken = await asyncio.to_thread(self._spoken, blow)
        self.spoken[blow.version] += spoken

    async def come_forward(self, blow: Blow) -> None:
        """They speak the newest version again."""
        for server in blow.servers:
            await self._start_anew(server, SPOKEN.newest)

    async def _start_anew(self, server: int, version: int) -> None:
        await asyncio.to_thread(self.processes.end, server)
        await asyncio.to_thread(self.processes.start, server, instead={VERSION_SETTING: str(version)})

    def _spoken(self, blow: Blow) -> int:
        """Between how many pairs of an older and a newer server the older version is spoken both ways, as they say.

        None, if anybody speaks another one there.
        """
        said = {server: page(self.colony, server, "/health") for server in self.colony.settings}
        pairs = [(old, new) for old in blow.servers for new in said if new not in blow.servers]
        count = 0
        for old, new in pairs:
            both = {(said[one] or {}).get("spoken", {}).get(str(other)) for one, other in ((old, new), (new, old))}
            if both - {None, blow.version}:
                return 0
            count += both == {blow.version}
        return count
