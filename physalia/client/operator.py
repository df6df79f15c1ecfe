"""What an operator can ask of servers: to found a cell, and to keep a journal within a size, to let a clock go wrong.

A founding is written down before anybody is asked, with the disk that each server has then, and asked for again under
the same names until every server has granted it: a server that knows it already grants it again. With other names the
same cell is refused, and so is a node that was to be on another disk (design rule R15).
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Self

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from physalia.client.asynchronous import ATTEMPT_S, DEADLINE_S, FIRST_WINDOW_S, LAST_WINDOW_S
from physalia.client.link import Link, Said
from physalia.client.places import Keys, ring_of
from physalia.model import Cap, CellId, Create, Decline, Denied, Founding, Granted, Inspect, Inspected, Pace, Traffic
from physalia.transport import OPERATOR, Address, Refusals
from physalia.wire.limits import MAX_NATURAL


def minted() -> int:
    """A life, or an incarnation: at random, so that nobody ever had it (design rule R15)."""
    return 1 + secrets.randbelow(MAX_NATURAL)


def found(cell: CellId, servers: list[int], alpha: int = 3) -> Founding:
    """A new cell with a node on each of these servers, all of them members. Its life and its nodes are minted here."""
    nodes = sorted((minted(), server) for server in servers)
    return Founding(cell, minted(), alpha, tuple(nodes), frozenset(node for node, _ in nodes))


class Operator:
    """Somebody with an operator's key. `servers` says where each server can be asked. An asynchronous context manager.

    Raises `ValueError` for an address that is none or if nobody names keys, and `BadKeys`.
    """

    def __init__(self, servers: Mapping[int, str], keys: Keys = None, deadline_s: float = DEADLINE_S) -> None:
        self._addresses = {number: Address.parse(text) for number, text in servers.items()}
        self.ring, self.deadline_s = ring_of(keys, OPERATOR.role), deadline_s
        self._refusals = Refusals()
        self._links: dict[int, Link] = {}

    @property
    def addresses(self) -> dict[int, str]:
        """Where each server can be asked."""
        return {number: str(address) for number, address in self._addresses.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for link in self._links.values():
            link.close()

    async def disks(self, founding: Founding) -> dict[int, str]:
        """The name of the disk that each server of a cell has now, in hexadecimal digits; of those that say it."""
        servers = [server for _, server in founding.nodes]
        told = await asyncio.gather(*(self.inspect(server, founding.cell) for server in servers))
        return {server: one["disk"] for server, one in zip(servers, told, strict=True) if not isinstance(one, str)}

    async def create(self, founding: Founding, disks: Mapping[int, str]) -> dict[int, str]:
        """Let each server that has a node of the cell bring it into being; by server, why one did not, or nothing.

        `disks` are those that the servers had before any of them was asked first, and are written down with the
        founding. A server that has another one since then has forgotten its node, and bears it not again; one that is
        not among them is not asked. A cell serves as soon as a majority of its members are there; ask again for the
        others. Raises `ValueError` for what is no cell, and a name of a disk that is none.
        """
        if not founding.members:
            raise ValueError("a cell has at least one member")
        named = {server: bytes.fromhex(disk) for server, disk in disks.items()}
        servers = [server for _, server in founding.nodes]

        async def create_on(server: int) -> str:
            if server not in named:
                return f"server {server} did not say which disk it has, and was asked for nothing else"
            return await self.ask(server, lambda number: Create(number, founding, named[server]))

        return dict(zip(servers, await asyncio.gather(*map(create_on, servers)), strict=True))

    async def cap(self, server: int, most_bytes: int) -> str:
        """Let the journal of a server have no more bytes, until it is told otherwise or starts again; 0 is no limit.

        Returns why not, or nothing.
        """
        return await self.ask(server, lambda number: Cap(number, most_bytes))

    async def pace(self, server: int, rate: float) -> str:
        """Let the clock of a server go at another rate, until it is told otherwise or starts again; 1 is right.

        Returns why not, or nothing.
        """
        return await self.ask(server, lambda number: Pace(number, round(1000 * rate)))

    async def inspect(self, server: int, cell: CellId, deadline_s: float | None = None) -> dict[str, Any] | str:
        """What the server's node of a cell is, knows and waits for; or why that is not known."""
        said = await self._said(server, lambda number: Inspect(number, cell), deadline_s)
        if isinstance(said, Inspected):
            try:
                told = json.loads(said.told)
            except ValueError:
                told = None
            return told if isinstance(told, dict) else f"server {server} says nothing that can be read"
        return _why(server, said)

    async def ask(self, server: int, make: Callable[[int], Traffic], deadline_s: float | None = None) -> str:
        """Ask a server, again and again until the deadline; return why it did not do it, or nothing."""
        return _why(server, await self._said(server, make, deadline_s))

    async def _said(self, server: int, make: Callable[[int], Traffic], deadline_s: float | None = None) -> Said | str:
        """What a server says; or why it says nothing."""
        if server not in self._addresses:
            return f"nobody said where server {server} is"
        limit_s = self.deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit_s):
                async for attempt in AsyncRetrying(
                    wait=wait_random_exponential(multiplier=FIRST_WINDOW_S, max=LAST_WINDOW_S),
                    retry=retry_if_exception_type(OSError),
                ):
                    with attempt:
                        link = await self._link(server)
                        async with asyncio.timeout(ATTEMPT_S):
                            return await link.ask(make)
        except TimeoutError:
            pass
        return f"server {server} did not answer within {limit_s} s, and may have done it"

    async def _link(self, server: int) -> Link:
        link = self._links.get(server)
        if link is None or link.is_gone:
            link = await Link.to(self._addresses[server], self.ring, self._refusals, OPERATOR)
            self._links[server] = link
        return link


def _why(server: int, said: Said | str) -> str:
    """Why something was not done, or nothing."""
    match said:
        case str():
            return said
        case Granted():
            return ""
        case Denied(_, why) | Decline(_, why, _):
            return why
    return f"server {server} answers something else than it was asked"
