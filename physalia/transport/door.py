"""The door of a server: who comes in is held apart until it is known, and there is room for so many and no more."""

import asyncio
import os
import ssl
from typing import Any

from physalia.transport.connection import Connection, Owner
from physalia.transport.handshake import NONCE_BYTES, SPOKEN, Answerer, Versions
from physalia.transport.keys import Ring
from physalia.transport.limits import HANDSHAKE_S, MAX_CONNECTIONS, MAX_STRANGERS
from physalia.transport.refused import Refusals
from physalia.transport.session import Session


class Door:
    """Makes a connection for each who comes in to server `number`, and passes on to `owner` only whom it knows.

    `owner` is told that a connection closed only if it was told that it opened. With whom nothing of `versions` is
    common, nothing is spoken.
    """

    def __init__(
        self,
        ring: Ring,
        number: int,
        owner: Owner,
        refusals: Refusals,
        *,
        most: int = MAX_CONNECTIONS,
        most_strangers: int = MAX_STRANGERS,
        handshake_s: float = HANDSHAKE_S,
        versions: Versions = SPOKEN,
    ) -> None:
        self._ring, self._number, self._owner, self._refusals = ring, number, owner, refusals
        self._most, self._most_strangers, self._handshake_s = most, most_strangers, handshake_s
        self._versions = versions
        self._strangers: dict[Connection, None] = {}
        self._known: set[Connection] = set()

    @property
    def tls(self) -> ssl.SSLContext | None:
        """With what to listen; None if connections are to be without TLS. A newer certificate is shown as it comes."""
        tls = self._ring().tls
        if tls is None:
            return None

        def newest(socket: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            if (now := self._ring().tls) is not None:
                socket.context = now.accepting

        tls.accepting.sni_callback = newest
        return tls.accepting

    async def listen(self, **where: Any) -> asyncio.Server:
        """Let in who comes to a socket or an address, as `create_server` has it.

        With TLS nobody comes as far as the room for strangers before TLS is done, so that has no more time than they.
        """
        loop, tls = asyncio.get_running_loop(), self.tls
        if tls is None:
            return await loop.create_server(self.enter, **where)
        return await loop.create_server(self.enter, ssl=tls, ssl_handshake_timeout=self._handshake_s, **where)

    def enter(self) -> Connection:
        """A connection for somebody who comes in: what asyncio wants to be given."""
        session = Session(Answerer(self._ring(), self._number, os.urandom(NONCE_BYTES), self._versions))
        connection = Connection(session, self, self._refusals, self._handshake_s)
        self._strangers[connection] = None
        if len(self._strangers) > self._most_strangers:
            next(iter(self._strangers)).refuse("crowd")
        return connection

    def close(self) -> None:
        """Send everybody away, after what waits for them was said."""
        for connection in (*self._strangers, *self._known):
            connection.close()

    def close_revoked(self) -> None:
        """Cut off whoever came in with a key that the ring has no more, or has otherwise under the same number."""
        ring = self._ring()
        for connection in tuple(self._known):
            agreed = connection.session.agreed
            if agreed is not None and ring.find(agreed.key.id) != agreed.key:
                connection.refuse("key")

    # As the owner of its connections

    def opened(self, connection: Connection) -> None:
        """A stranger has proved who it is."""
        del self._strangers[connection]
        if len(self._known) >= self._most:
            connection.refuse("crowd")
            return
        self._known.add(connection)
        self._owner.opened(connection)

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        """Somebody who is known said something."""
        self._owner.heard(connection, messages)

    def closed(self, connection: Connection) -> None:
        """Somebody left."""
        self._strangers.pop(connection, None)
        if connection in self._known:
            self._known.discard(connection)
            self._owner.closed(connection)
