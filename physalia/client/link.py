"""A client's connection to one server: many requests at a time, told apart by numbers."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from physalia.model import (
    Decline,
    Denied,
    Elsewhere,
    Granted,
    Inspected,
    Reply,
    Scanned,
    ScannedAt,
    Seen,
    Traffic,
    Where,
)
from physalia.transport import CLIENT, Address, Connection, Party, Refusals, Ring, Target, dial
from physalia.wire import CodecError, decode_traffic, encode_traffic

Said: TypeAlias = Reply | Decline | Seen | ScannedAt | Granted | Denied | Where | Inspected | Elsewhere
"""What somebody is told who asked something under a number."""
_SAID = (Reply, Decline, Seen, ScannedAt, Granted, Denied, Where, Inspected, Elsewhere)


class Link:
    """The owner of one connection, and the requests that wait on it."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._waiting: dict[int, asyncio.Future[Said]] = {}
        self._asked = 0
        self.is_gone = False

    @classmethod
    async def to(cls, address: Address, ring: Ring, refusals: Refusals, own: Party = CLIENT) -> "Link":
        """A link to the server at an address. Raises `OSError` if there is none."""
        link = cls()
        link._connection = await dial(Target(own, address, 0), ring, link, refusals)
        return link

    def ask(self, make: Callable[[int], Traffic]) -> asyncio.Future[Said]:
        """Ask for what `make` makes of a number; the future is what is said to it.

        It is `ConnectionError` if the connection ends before. Raises that at once if nothing was sent, and `CodecError`
        for what is beyond a limit.
        """
        number = self._asked + 1
        message = encode_traffic(make(number))
        if self._connection is None or not self._connection.send(message):
            raise ConnectionError("the connection is gone, or has no room for more requests")
        self._asked = number
        future: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        future.add_done_callback(lambda _done: self._waiting.pop(number, None))
        return future

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()

    # As the owner of the connection

    def opened(self, connection: Connection) -> None:
        """The server has proved that it is one."""

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        """The server answered."""
        for message in messages:
            try:
                said = decode_traffic(message)
            except CodecError:
                said = None
            if isinstance(said, Scanned):  # of a server that is older: it does not say of which moment it is
                said = ScannedAt(said.number, said.page, 0)
            if not isinstance(said, _SAID):
                connection.refuse("malformed")
                return
            future = self._waiting.pop(said.number, None)
            if future is not None and not future.done():
                future.set_result(said)

    def closed(self, _connection: Connection) -> None:
        """Whatever waits is not answered here any more."""
        self.is_gone = True
        for future in tuple(self._waiting.values()):
            if not future.done():
                future.set_exception(ConnectionError("the server is gone"))
