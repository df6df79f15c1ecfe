"""A session on a socket of asyncio: frames are made when they can be written, and who is wrong is cut off."""

import asyncio
import socket
from typing import Protocol, cast

from physalia.transport.handshake import Party
from physalia.transport.limits import HANDSHAKE_S, IDLE_S, UNHEARD_S, WRITE_BUFFER_BYTES
from physalia.transport.refused import Kind, Refusals, Refused
from physalia.transport.session import Session


class Owner(Protocol):
    """Whose the connections are. It is called from the event loop, and never waits."""

    def opened(self, connection: "Connection") -> None:
        """The other side has proved who it is."""

    def heard(self, connection: "Connection", messages: list[bytes]) -> None:
        """It said something."""

    def closed(self, connection: "Connection") -> None:
        """The connection is gone, whether it was opened or not; what waited on it is lost."""


class Connection(asyncio.Protocol):
    """One end of a connection. Whatever is refused is counted in `refusals`, and ends it without a word."""

    def __init__(self, session: Session, owner: Owner, refusals: Refusals, handshake_s: float = HANDSHAKE_S) -> None:
        loop = asyncio.get_running_loop()
        self.is_open: asyncio.Future[Party] = loop.create_future()
        """Done when the other side has proved who it is, cancelled if that never happened."""
        self.is_closed: asyncio.Future[None] = loop.create_future()
        self.session = session
        self._owner = owner
        self._refusals = refusals
        self._transport: asyncio.Transport | None = None
        self._loop = loop
        self._patience = loop.call_later(handshake_s, self._refuse, "slow")
        self._may_write = True
        self._will_write = False

    @property
    def peer(self) -> Party:
        """Who is at the other end. Only for an opened connection."""
        peer = self.session.peer
        assert peer is not None, "nobody has proved yet who is there"
        return peer

    @property
    def version(self) -> int:
        """The version of the protocol that both sides speak. Only for an opened connection."""
        agreed = self.session.agreed
        assert agreed is not None, "nothing was agreed yet"
        return agreed.version

    @property
    def is_behind(self) -> bool:
        """Whether the other side does not read as fast as this one wants to write."""
        return not self._may_write

    def send(self, message: bytes) -> bool:
        """Let a message wait for the end of this turn of the loop; False if it is dropped, since there is no room."""
        if self.is_closed.done():
            return False
        was_put = self.session.outbox.put(message)
        if not self._will_write:
            self._will_write = True
            self._loop.call_soon(self._write)
        return was_put

    def pause_reading(self) -> None:
        """Let the other side wait: what it says fills its own queues."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self._transport is not None and not self.is_closed.done():
            self._transport.resume_reading()

    def close(self) -> None:
        """End the connection once all that waits is written."""
        if self._transport is not None:
            self._write()
            self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def unmade(self) -> None:
        """Nobody was reached, so nobody is waited for."""
        self._patience.cancel()

    def refuse(self, kind: Kind) -> None:
        """Cut off who is at the other end, and count why."""
        self._refuse(kind)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is somebody, who may have been refused already, since TLS takes its time."""
        if self.is_closed.done():
            cast("asyncio.Transport", transport).abort()
            return
        self._transport = cast("asyncio.Transport", transport)  # what TCP gives, from whatever loop
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        _end_if_nobody_is_there(self._transport)
        self._write()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self.is_closed.done():
            return
        try:
            messages = self.session.receive(data)
        except Refused as refused:
            self._refuse(refused.kind)
            return
        if self.session.peer is not None and not self.is_open.done():
            self._patience.cancel()
            self.is_open.set_result(self.session.peer)
            self._owner.opened(self)
        self._write()
        if messages and not self.is_closed.done():
            self._owner.heard(self, messages)

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection is gone."""
        self._patience.cancel()
        if self.is_closed.done():
            return
        if self.session.is_inside:
            self._refusals["truncated"] += 1
        self._end()

    def pause_writing(self) -> None:
        """The other side does not read: make no more frames, so that what is urgent can still go first.

        A client that does not read its answers may not ask more. Servers read on, or two could wait for each other.
        """
        self._may_write = False
        if self.session.peer is not None and self.session.peer.role != "server":
            self.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._may_write = True
        self.resume_reading()
        self._write()

    def _write(self) -> None:
        self._will_write = False
        if self._transport is None or self._transport.is_closing():
            return
        while self._may_write and (data := self.session.outgoing()):
            self._transport.write(data)

    def _refuse(self, kind: Kind) -> None:
        if self.is_closed.done():
            return
        self._refusals[kind] += 1
        self.abort()
        self._end()

    def _end(self) -> None:
        self._patience.cancel()
        self.is_open.cancel()
        self.is_closed.set_result(None)
        self._owner.closed(self)


def _end_if_nobody_is_there(transport: asyncio.Transport) -> None:
    """Let the system end the connection when the other machine does not answer, or its program reads nothing.

    Left to itself TCP hopes for a quarter of an hour, and speaks again two minutes after the network was mended; where
    nothing is to be said, it hopes for ever, and whoever is gone keeps a place among `MAX_CONNECTIONS`.
    """
    one = transport.get_extra_info("socket")
    if one is None or one.family not in (socket.AF_INET, socket.AF_INET6):
        return
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", round(IDLE_S)),
        ("TCP_KEEPINTVL", max(1, round(UNHEARD_S / 2))),
        ("TCP_USER_TIMEOUT", round(1000 * UNHEARD_S)),
    ):
        if hasattr(socket, name):  # not every system has all of them
            one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
