"""The sessions of a client in one cell: each has one request under way, and numbers it (design rule R6).

Whoever wants several answers at a time needs several sessions. They are opened when they are needed, kept for later
requests, and bounded: so many at a time, and whoever comes then waits for one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from attrs import define

from physalia.errors import PhysaliaError
from physalia.model import Execute, Opened, OpenSession, RequestId, Slot, StoreReply
from physalia.store import VERSION

MOST_SESSIONS = 8
"""How many requests of one client may be under way in one cell."""

Ask = Callable[[Execute], Awaitable[tuple[StoreReply, bool]]]
"""Asks the cell for a command; the reply, and whether no other attempt was made that may be done."""


@define
class Session:
    """A session that was opened: who it is to the cell, its name there, and its last request."""

    client: str
    slot: Slot
    number: int

    def request(self) -> RequestId:
        """A name for the session's next request."""
        self.number += 1
        return RequestId(self.client, self.number)


class Sessions:
    """Those of one client in one cell. `name` makes a name that no other session anywhere has."""

    def __init__(self, ask: Ask, name: Callable[[], str], most: int = MOST_SESSIONS) -> None:
        self._ask, self._name = ask, name
        self._idle: list[Session] = []
        self._room = asyncio.Semaphore(most)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Session]:
        """A session that nobody else has until the end of the block. Raises what asking for one raises."""
        async with self._room:
            session = self._idle.pop() if self._idle else await self._open()
            yield session
            # Not after an exception: a session that expired, or whose request is under way yet, is left behind.
            self._idle.append(session)

    async def renew(self, session: Session) -> None:
        """Make a session that expired a new one. Those that are idle are as old, and forgotten."""
        self._idle.clear()
        new = await self._open()
        session.client, session.slot, session.number = new.client, new.slot, new.number

    async def _open(self) -> Session:
        name = self._name()
        reply, _ = await self._ask(Execute(RequestId(name, 1), VERSION, OpenSession()))
        if not isinstance(reply, Opened):
            raise PhysaliaError(f"a session was asked for, and the answer was {type(reply).__name__}")
        return Session(name, reply.session, 1)
