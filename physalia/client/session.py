"""A session of a cell's store: every request has a number, and is not done again when it is asked again (R6)."""

import asyncio
from typing import Protocol

from physalia.client.sessions import not_opened
from physalia.errors import OutcomeUnknown, SessionExpired, Unavailable, error
from physalia.model import (
    CellId,
    Done,
    Execute,
    Opened,
    OpenSession,
    Refused,
    RequestId,
    Slot,
    StoreReply,
    Transact,
    Transaction,
)
from physalia.store import VERSION


def unknown_still(command: Execute, declined: Unavailable) -> OutcomeUnknown:
    """What a request comes to that may be done, and was declined when it was asked for once more."""
    unknown = OutcomeUnknown(f"this time it was not done, and what became of it before nobody said: {declined}")
    unknown.command = command
    return unknown


class Executes(Protocol):
    """Whoever carries a command to a cell, and tries again until a deadline."""

    def request(self) -> RequestId:
        """A name for a new command; of two, the later one has the higher number."""

    async def execute(self, cell: CellId, command: Execute, deadline_s: float | None = None) -> StoreReply:
        """The store's reply. Raises a `PhysaliaError`."""


class Session:
    """Requests one after the other, in a session that is opened when it is needed first."""

    def __init__(self, client: Executes, cell: CellId) -> None:
        self.client = client
        self.cell = cell
        self._name: Slot | None = None
        self._turn = asyncio.Lock()

    async def ask(self, transaction: Transaction, deadline_s: float | None = None) -> Done:
        """Do the transaction as the next request.

        Raises a `PhysaliaError`: `Unavailable`, `Overloaded`, `LimitExceeded` and `InvalidRequest` changed nothing;
        after `OutcomeUnknown` it may be done, and `again` tells; after `SessionExpired` the next call opens another.
        """
        async with self._turn:
            name = await self._open(deadline_s)
            return await self._done(Execute(self.client.request(), VERSION, Transact(name, transaction)), deadline_s)

    async def again(self, unknown: OutcomeUnknown, deadline_s: float | None = None) -> Done:
        """Ask once more for what may be done: it is not done twice. Raises the error itself if it names no request.

        As long as nobody can be asked it is unknown on.
        """
        if unknown.command is None:
            raise unknown
        async with self._turn:
            try:
                return await self._done(unknown.command, deadline_s)
            except Unavailable as declined:
                raise unknown_still(unknown.command, declined) from declined

    async def _done(self, command: Execute, deadline_s: float | None) -> Done:
        try:
            reply = await self.client.execute(self.cell, command, deadline_s)
        except OutcomeUnknown as unknown:
            unknown.command = command
            raise
        match reply:
            case Done():
                return reply
            case Refused() as refused if (raised := error(refused)) is not None:
                if isinstance(raised, SessionExpired):
                    self._name = None
                raise raised
        raise AssertionError(f"a transaction is not answered by {reply}")

    async def _open(self, deadline_s: float | None) -> Slot:
        if self._name is None:
            opening = Execute(self.client.request(), VERSION, OpenSession())
            try:
                reply = await self.client.execute(self.cell, opening, deadline_s)
            except OutcomeUnknown as unknown:
                raise not_opened(unknown) from None
            if not isinstance(reply, Opened):
                raise SessionExpired(f"cell {self.cell} opens no session: {reply}")
            self._name = reply.session
        return self._name
