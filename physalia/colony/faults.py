"""Faults of a colony on one machine, and their end: of processes, of the network, of disks, of clocks."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum

from physalia.client import Operator
from physalia.colony.layout import Colony
from physalia.colony.processes import Processes, ServerFailed
from physalia.colony.proxy import GOOD, Rule

DELAY_S = 0.2
LOSS = 0.05
ASK_S = 60.0
NO_GROWTH_BYTES = 1
FAST = 3.0
"""The rate of a clock that goes wrong: what leases stand (design rule R13)."""


class Fault(StrEnum):
    """How a server is broken."""

    KILL = "kill"
    """As kill -9 does it."""
    STOP = "stop"
    """It stands still, with all its connections, as SIGSTOP does it."""
    CUT = "cut"
    """Nothing comes to it or from it, and nobody is told."""
    SPLIT = "split"
    """As cut, but from other servers only: clients reach it."""
    DELAY = "delay"
    """Everything to it or from it comes late."""
    LOSE = "lose"
    """Its connections end again and again, and what is under way in them is lost."""
    FULL = "full"
    """Its disk is full: its journal may not grow."""
    CLOCK = "clock"
    """Its clock goes three times as fast."""


OF_NETWORK = {
    Fault.CUT: Rule(is_cut=True),
    Fault.SPLIT: Rule(is_cut=True),
    Fault.DELAY: Rule(delay_s=DELAY_S),
    Fault.LOSE: Rule(loss=LOSS),
}
"""What each fault of the network does to the ways around a server."""


class Faults:
    """Breaks and heals the servers of a colony. Raises `ServerFailed` and `NoNetwork`."""

    def __init__(self, colony: Colony, processes: Processes) -> None:
        self._colony, self._processes = colony, processes

    async def break_(self, server: int, how: Fault, apart_from: Iterable[int] | None = None) -> None:
        """Break a server. Faults of the network are between it and `apart_from`, or all if it is None; 0 is clients."""
        if how in OF_NETWORK:
            ends = self._colony.network.around(server)
            if how is Fault.SPLIT:
                apart_from = self._colony.settings
            if apart_from is not None:
                ends = [end for end in ends if end[0] in set(apart_from)]
            await asyncio.to_thread(self._colony.network.set, OF_NETWORK[how], ends)
        elif how is Fault.KILL:
            await asyncio.to_thread(self._processes.kill, server)
        elif self._processes.pid(server) is None:
            raise ServerFailed(f"server {server} does not run: `physalia colony up` starts it.")
        elif how is Fault.STOP:
            await asyncio.to_thread(self._processes.stop, server)
        elif self._processes.is_stopped(server):
            raise ServerFailed(f"server {server} stands still, and hears nothing: heal it first.")
        elif how is Fault.CLOCK:
            await self._tell(server, lambda operator: operator.pace(server, FAST))
        else:
            await self._tell(server, lambda operator: operator.cap(server, NO_GROWTH_BYTES))

    async def heal(self, server: int) -> None:
        """End all that is wrong with a server; it runs then."""
        if self._colony.ways:
            await asyncio.to_thread(self._processes.start_network)
            await asyncio.to_thread(self._colony.network.set, GOOD, self._colony.network.around(server))
        self._processes.send(server, signal.SIGCONT)
        await asyncio.to_thread(self._processes.start, server)
        await self._tell(server, lambda operator: operator.cap(server, 0))
        await self._tell(server, lambda operator: operator.pace(server, 1.0))

    async def _tell(self, server: int, what: Callable[[Operator], Awaitable[str]]) -> None:
        """Not through the network of the colony: an operator stands beside the machine."""
        at = {server: str(self._colony.settings[server].listen)}
        async with Operator(at, self._colony.operator_ring, ASK_S) as operator:
            why = await what(operator)
        if why:
            raise ServerFailed(f"server {server} did not do what it was told: {why}.")
