"""The connections on which this server speaks to its peers: one to each, that it dialled itself.

What they say comes on the connections that they dialled; here they only answer pings. A message for a server that
cannot be reached now is dropped: nodes say again what nobody answers.
"""

from collections.abc import Callable

from physalia.model import Carry, Envelope, Ping, Pong
from physalia.transport import Connection
from physalia.wire import CodecError, decode_traffic, encode_traffic


class Links:
    """The owner of the dialled connections. `pong` is called with the number of a server that answered a ping."""

    def __init__(self, pong: Callable[[int], None]) -> None:
        self.dropped = 0
        self._pong = pong
        self._links: dict[int, Connection] = {}
        self._pings = 0

    @property
    def reached(self) -> frozenset[int]:
        """The servers with which there is a connection now."""
        return frozenset(self._links)

    def carry(self, server: int, envelope: Envelope) -> None:
        """Send a message to a server, or drop it."""
        link = self._links.get(server)
        try:
            was_sent = link is not None and link.send(encode_traffic(Carry(envelope)))
        except CodecError:  # beyond the limit of what can be said at all (design rule R17)
            was_sent = False
        self.dropped += not was_sent

    def ping(self) -> None:
        """Ask everybody whether they are there."""
        self._pings += 1
        for link in self._links.values():
            link.send(encode_traffic(Ping(self._pings)))

    # As the owner of its connections

    def opened(self, connection: Connection) -> None:
        """A server was reached."""
        self._links[connection.peer.number] = connection
        connection.send(encode_traffic(Ping(self._pings)))

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        """A server answered."""
        for message in messages:
            try:
                said = decode_traffic(message)
            except CodecError:
                said = None
            if not isinstance(said, Pong):
                connection.refuse("malformed")
                return
            self._pong(connection.peer.number)

    def closed(self, connection: Connection) -> None:
        """A server is not reached any more, or was not."""
        for number, link in tuple(self._links.items()):
            if link is connection:
                del self._links[number]
