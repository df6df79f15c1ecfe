"""One connection, sans-I/O: bytes in, messages out, and nothing out before the other side is known.

Whoever drives it writes what `outgoing` holds, gives `receive` what was read, and closes the connection without a
word when that raises `Refused`.
"""

from physalia.transport.frames import Opener, Sealer
from physalia.transport.handshake import (
    CONFIRMATION_BYTES,
    HELLO_BYTES,
    WELCOME_BYTES,
    Agreed,
    Answerer,
    Dialer,
    Party,
)
from physalia.transport.lanes import Inbox, Outbox


class Session:
    """Both directions of a connection. `outbox` has what waits to be said; it may be filled before anybody answers."""

    def __init__(self, side: Dialer | Answerer) -> None:
        self.outbox = Outbox()
        self.agreed: Agreed | None = None
        self._inbox = Inbox()
        self._buffer = bytearray()
        self._outgoing = bytearray()
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None
        self._side = side
        if isinstance(side, Dialer):
            self._outgoing += side.hello
            self._expected_bytes = WELCOME_BYTES
        else:
            self._expected_bytes = HELLO_BYTES

    @property
    def peer(self) -> Party | None:
        """Who is at the other end; None as long as that is not proved."""
        return None if self.agreed is None else self.agreed.peer

    @property
    def is_inside(self) -> bool:
        """Whether something was begun that is not whole: an end now is an end in the middle."""
        return bool(self._buffer)

    def receive(self, data: bytes) -> list[bytes]:
        """Bytes came: return the messages that are whole now. Raises `Refused`; then the session is over."""
        self._buffer += data
        while self._opener is None:
            if len(self._buffer) < self._expected_bytes:
                return []
            said = bytes(self._buffer[: self._expected_bytes])
            del self._buffer[: self._expected_bytes]
            self._hear(said)
        return [message for body in self._opener.open(self._buffer) for message in self._inbox.take(body)]

    def outgoing(self) -> bytes:
        """What is to be written now: a part of the handshake, or the next frame; empty if nothing is."""
        if self._outgoing:
            said = bytes(self._outgoing)
            self._outgoing.clear()
            return said
        if self._sealer is None or not self.outbox:
            return b""
        return self._sealer.seal(self.outbox.body())

    def _hear(self, said: bytes) -> None:
        """Take the next part of the handshake, which is whole."""
        side = self._side
        if isinstance(side, Dialer):
            confirmation, agreed = side.answer(said)
            self._outgoing += confirmation
            self._open(agreed, seals=agreed.to_server, opens=agreed.to_dialer)
        elif self._expected_bytes == HELLO_BYTES:
            self._outgoing += side.welcome(said)
            self._expected_bytes = CONFIRMATION_BYTES
        else:
            agreed = side.confirmed(said)
            self._open(agreed, seals=agreed.to_dialer, opens=agreed.to_server)

    def _open(self, agreed: Agreed, *, seals: bytes, opens: bytes) -> None:
        self.agreed, self._sealer, self._opener = agreed, Sealer(seals), Opener(opens)
