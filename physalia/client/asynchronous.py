"""The client: asks for commands, follows leaders, and tries again, after random waits (R12), until a deadline.

What a command says is nothing to it. It must be one that may be asked for again: a cell knows a command by the name of
its request, and answers the second time what it answered the first (design rule R6).
"""

import asyncio
import secrets
from collections.abc import Iterable
from typing import Self

from attrs import define
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from physalia.client.errors import Malformed, OutcomeUnknown, Overloaded, Unavailable
from physalia.client.link import Link
from physalia.client.partition import Partition
from physalia.model import Asked, CellId, Decline, Execute, Read, Reply, RequestId, StoreReply, Verdict, Write
from physalia.transport import Address, Refusals, Ring
from physalia.wire import decode_reply, decode_verdict, encode_command

DEADLINE_S = 10.0
ATTEMPT_S = 1.0
"""How long one attempt may take before another one is made, perhaps elsewhere."""
FIRST_WINDOW_S = 0.02
LAST_WINDOW_S = 1.0
MOST_HOPS = 3
"""How often in a row a client follows a hint to a leader without waiting."""


class _Again(Exception):
    """An attempt came to nothing; another one may help."""


@define
class _Effort:
    """What the attempts at one command amount to: how many of them may yet be done, and whether a cell was full."""

    uncertain: int = 0
    was_full: bool = False


class AsyncClient:
    """A client of a colony, of which it knows some `addresses`. `name` is random, so that no other client has it.

    To be used as an asynchronous context manager, in one event loop.
    """

    def __init__(self, addresses: Iterable[str], ring: Ring, deadline_s: float = DEADLINE_S) -> None:
        """Raises `ValueError` if there is no address, or if one is none."""
        self._addresses = [Address.parse(text) for text in addresses]
        if not self._addresses:
            raise ValueError("a client needs the address of a server")
        self.name = f"client-{secrets.token_hex(16)}"
        self._ring, self._deadline_s = ring, deadline_s
        self._requests = 0
        self._next_address = secrets.randbelow(len(self._addresses))
        self._routes: dict[CellId, Address] = {}
        self._links: dict[Address, asyncio.Task[Link]] = {}
        self.refusals = Refusals()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections. What was not answered is not answered any more."""
        links, self._links = self._links, {}
        for task in links.values():
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().close()
            else:
                task.cancel()
        await asyncio.gather(*links.values(), return_exceptions=True)

    def request(self) -> RequestId:
        """A name for a new command, which no other command has."""
        self._requests += 1
        return RequestId(self.name, self._requests)

    async def write(self, cell: CellId, expects: int, primary: str, replica: str) -> Verdict:
        """Set a volume's primary and replica, if its version is `expects`. Raises what `submit` raises."""
        return await self.submit(cell, Write(self.request(), expects, primary, replica))

    async def read(self, cell: CellId) -> Verdict:
        """A volume's record. Raises what `submit` raises."""
        return await self.submit(cell, Read(self.request()))

    def partition(self, cell: CellId) -> Partition:
        """The partition that a cell keeps, in a session of its own."""
        return Partition(self, cell)

    async def submit(self, cell: CellId, command: Asked, deadline_s: float | None = None) -> Verdict:
        """The verdict on a command. Raises what `ask` raises."""
        return decode_verdict(await self.ask(cell, encode_command(command), deadline_s))

    async def execute(self, cell: CellId, command: Execute, deadline_s: float | None = None) -> StoreReply:
        """The store's reply to a command; `physalia.errors.error` tells what it means. Raises what `ask` raises."""
        return decode_reply(await self.ask(cell, encode_command(command), deadline_s))

    async def ask(self, cell: CellId, command: bytes, deadline_s: float | None = None) -> bytes:
        """What a cell answers to a command, both of which are opaque here.

        Raises `Unavailable` or `Overloaded` if it was certainly not done by the deadline, `OutcomeUnknown` if that
        cannot be known, and `Malformed`.
        """
        effort = _Effort()
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit_s):
                async for attempt in AsyncRetrying(
                    wait=wait_random_exponential(multiplier=FIRST_WINDOW_S, max=LAST_WINDOW_S),
                    retry=retry_if_exception_type(_Again),
                ):
                    with attempt:
                        return await self._attempt(cell, command, effort)
        except TimeoutError:
            pass
        if effort.uncertain:
            raise OutcomeUnknown(f"cell {cell} did not answer within {limit_s} s, and may have done it, or do it yet.")
        if effort.was_full:
            raise Overloaded(f"cell {cell} had too much to do for {limit_s} s; nothing was done.")
        raise Unavailable(f"no leader of cell {cell} was found within {limit_s} s; nothing was done.")

    async def _attempt(self, cell: CellId, command: bytes, effort: _Effort) -> bytes:
        """Ask one server, and those to which hints lead from there. Raises `_Again` and `Malformed`."""
        for _ in range(MOST_HOPS):
            address = self._routes.get(cell) or self._addresses[self._next_address]
            said = await self._said(address, cell, command, effort)
            if isinstance(said, Reply):
                self._routes[cell] = address
                return said.verdict
            if said.reason == "malformed":
                raise Malformed(f"the server at {address} does not understand the command.")
            effort.was_full |= said.reason == "pipeline full"
            if said.reason in ("pipeline full", "busy"):
                break
            if said.leader:
                self._routes[cell] = Address.parse(said.leader)
            else:
                self._turn_away(cell)
                break
        raise _Again

    async def _said(self, address: Address, cell: CellId, command: bytes, effort: _Effort) -> Reply | Decline:
        """What a server says. From when it is asked until it declines, the command may be done."""
        try:
            link = await self._link(address)
            said = link.send(cell, command)
        except OSError:
            self._turn_away(cell)
            raise _Again from None
        effort.uncertain += 1
        try:
            async with asyncio.timeout(ATTEMPT_S):
                answer = await said
        except OSError:  # the connection ended, or time ran out
            self._turn_away(cell)
            raise _Again from None
        if isinstance(answer, Decline):
            effort.uncertain -= 1
        return answer

    def _turn_away(self, cell: CellId) -> None:
        """Try the next server, without a hint."""
        self._routes.pop(cell, None)
        self._next_address = (self._next_address + 1) % len(self._addresses)

    async def _link(self, address: Address) -> Link:
        """The connection to a server; it is dialled once, whoever asks. Raises `OSError`."""
        task = self._links.get(address)
        if task is None or _is_over(task):
            task = asyncio.ensure_future(Link.to(address, self._ring, self.refusals))
            self._links[address] = task
        return await asyncio.shield(task)


def _is_over(task: "asyncio.Task[Link]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None or task.result().is_gone)
