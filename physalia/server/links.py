"""The connections on which this server speaks to its peers: one to each, that it dialled itself.

What leaves for one of them before the end of a turn leaves as one message, since each costs more than what is in it.
What they say comes on the connections that they dialled; here they only answer pings. A message for a server that
cannot be reached now is dropped: nodes say again what nobody answers.
"""

from collections.abc import Callable

from physalia.model import Carry, Envelope, Ping, Pong, Traffic
from physalia.transport import BUNDLES_SINCE, MOVES_SINCE, Connection
from physalia.wire import CodecError, bundles, decode_traffic, encode_traffic
from physalia.wire.limits import MAX_BUNDLED

MOST_TOGETHER_BYTES = 8000
"""A bundle of so many bytes still travels whole; a longer one would have to wait for others of its kind."""


class Leaving:
    """A link, and the envelopes that are to leave on it at the end of this turn."""

    def __init__(self, connection: Connection, before: Callable[[], None]) -> None:
        self.connection = connection
        self._before = before
        self.envelopes: list[Envelope] = []

    def send(self) -> int:
        """All of them leave; return how many were dropped."""
        envelopes, self.envelopes = self.envelopes, []
        if not envelopes:
            return 0
        self._before()
        return self._send(envelopes)

    def _send(self, envelopes: list[Envelope]) -> int:
        try:
            if self.connection.version >= BUNDLES_SINCE:
                said = bundles(envelopes, MOST_TOGETHER_BYTES)
            else:
                said = [(encode_traffic(Carry(each)), 1) for each in envelopes]
        except CodecError:  # one is beyond the limit of what can be said at all (design rule R17): the others are not
            return 1 if len(envelopes) == 1 else sum(self._send([each]) for each in envelopes)
        return sum(count for message, count in said if not self.connection.send(message))


class Links:
    """The owner of the dialled connections. `pong` is called with the number of a server that answered a ping.

    `before` is called whenever messages of nodes are about to leave.

    `carried` counts the messages of nodes that were to leave, and `dropped` those of them that did not.
    """

    def __init__(self, pong: Callable[[int], None], before: Callable[[], None] = lambda: None) -> None:
        self.carried = self.dropped = 0
        self._pong, self._before = pong, before
        self._links: dict[int, Leaving] = {}
        self._pings = 0

    @property
    def reached(self) -> frozenset[int]:
        """The servers with which there is a connection now."""
        return frozenset(self._links)

    @property
    def spoken(self) -> dict[int, int]:
        """Which version of the protocol is spoken with each of them."""
        return {number: link.connection.version for number, link in self._links.items()}

    def carry(self, server: int, envelope: Envelope) -> None:
        """A message leaves for a server with the next `send_all`, or is dropped."""
        self.carried += 1
        link = self._links.get(server)
        if link is None:
            self.dropped += 1
            return
        link.envelopes.append(envelope)
        if len(link.envelopes) == MAX_BUNDLED:
            self.dropped += link.send()

    def say(self, server: int, said: Traffic) -> None:
        """Tell a server something, if it is reached and understands it."""
        link = self._links.get(server)
        if link is not None and link.connection.version >= MOVES_SINCE:
            link.connection.send(encode_traffic(said))

    def send_all(self) -> None:
        """Whatever was carried leaves."""
        for link in self._links.values():
            self.dropped += link.send()

    def ping(self) -> None:
        """Ask everybody whether they are there."""
        self._pings += 1
        for link in self._links.values():
            link.connection.send(encode_traffic(Ping(self._pings)))

    # As the owner of its connections

    def opened(self, connection: Connection) -> None:
        """A server was reached."""
        self._links[connection.peer.number] = Leaving(connection, self._before)
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
            if link.connection is connection:
                del self._links[number]
