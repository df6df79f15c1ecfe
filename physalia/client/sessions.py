"""The sessions of a client in one cell: each has one request under way, and numbers it (design rule R6).

Whoever wants several answers at a time needs several sessions. They are opened when they are needed, kept for later
requests, and bounded: so many at a time, and whoever comes then waits for one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from attrs import define

from physalia.errors import OutcomeUnknown, Overloaded, PhysaliaError, Unavailable
from physalia.model import Execute, Opened, OpenSession, RequestId, Slot, StoreReply
from physalia.store import VERSION

MOST_SESSIONS = 8
"""How many requests of one client may be under way in one cell."""

Ask = Callable[[Execute, float], Awaitable[tuple[StoreReply, bool]]]
"""Asks the cell for a command, for so many seconds; the reply, and whether only one attempt may have been done."""
Left = Callable[[], float]
"""How many seconds are left for all of a request."""


def not_opened(unknown: OutcomeUnknown) -> Unavailable:
    """What a request came to whose session may be open: what was to be done in it was not asked for yet."""
    return Unavailable(f"no session was opened, so nothing was done: {unknown}")


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
        self._ask, self._name, self._most = ask, name, most
        self._idle: list[Session] = []
        self._room = asyncio.Semaphore(most)
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def one(self, left: Left) -> AsyncIterator[Session]:
        """A session that nobody else has until the end of the block.

        Raises `Overloaded` if none is to be had as long as time is left, and what asking for one raises.
        """
        limit_s, loop = left(), asyncio.get_running_loop()
        if self._loop not in (None, loop):  # a client that was closed may be entered in another one
            self._room = asyncio.Semaphore(self._most)
        self._loop, room = loop, self._room
        try:
            async with asyncio.timeout(limit_s):
                await room.acquire()
        except TimeoutError:
            raise Overloaded(
                f"{self._most} requests of this client were under way for {round(limit_s, 2)} s; nothing was done."
            ) from None
        try:
            session = self._idle.pop() if self._idle else await self._open(left)
            yield session
            # Not after an exception: a session that expired, or whose request is under way yet, is left behind.
            self._idle.append(session)
        finally:
            room.release()

    async def renew(self, session: Session, left: Left) -> None:
        """Make a session that expired a new one. Those that are idle are as old, and forgotten."""
        self._idle.clear()
        new = await self._open(left)
        session.client, session.slot, session.number = new.client, new.slot, new.number

    async def _open(self, left: Left) -> Session:
        name = self._name()
        try:
            reply, _ = await self._ask(Execute(RequestId(name, 1), VERSION, OpenSession()), left())
        except OutcomeUnknown as unknown:
            raise not_opened(unknown) from None
        if not isinstance(reply, Opened):
            raise PhysaliaError(f"a session was asked for, and the answer was {type(reply).__name__}")
        return Session(name, reply.session, 1)
