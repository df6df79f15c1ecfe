"""What this server tells caches: where the cells are that its nodes should lead, when that changes, and after a loss.

A cell is told of when the version of its members is another one than was told last. A cache that is reached, perhaps
again and perhaps a new one, is told of all cells of this server, a few at a time: those at rest are read for it, and
dropped again when they are cold. Nobody waits for a cache, and nothing depends on one (design rule R14).
"""

from collections.abc import Iterator
from itertools import islice

from physalia.journal import NodeKey
from physalia.model import CellId, Push, Whereabouts
from physalia.server.atlas import Atlas
from physalia.server.leadership import Leadership
from physalia.server.members.moving import whereabouts
from physalia.server.nodes import Nodes
from physalia.server.settings import Settings
from physalia.transport import Connection
from physalia.wire import encode_traffic
from physalia.wire.limits import MAX_PUSHED

READ_AT_ONCE = 64
"""So many cells at rest are read at every beat, for a cache that may know none of them."""


class Telling:
    """The owner of the connections to caches, which this server dialled."""

    def __init__(self, nodes: Nodes, atlas: Atlas, leadership: Leadership, settings: Settings) -> None:
        self._nodes, self._atlas, self._leadership, self._settings = nodes, atlas, leadership, settings
        self._caches: set[Connection] = set()
        self._told: dict[CellId, int] = {}
        self._news: dict[CellId, Whereabouts] = {}
        self._rest: Iterator[NodeKey] = iter(())
        self._looked_s = 0.0

    def beat(self) -> None:
        """Look at whoever did something since the last beat, and at some of the rest; tell what is new.

        It comes after `Nodes.now_s` went on: what nodes do from then on is of that moment.
        """
        if not self._caches:
            return
        for key in reversed(self._nodes.recent):
            if self._nodes.recent[key] < self._looked_s:
                break
            self.look(key)
        self._looked_s = self._nodes.now_s
        for key in islice(self._rest, READ_AT_ONCE):
            self._nodes.when_loaded(key, lambda key=key: self.look(key))  # type: ignore[misc]
        self._tell()

    def look(self, key: NodeKey) -> None:
        """Note where the cell of a node is, if that is news, and the node's to tell."""
        node = self._nodes.host.node(key)
        hosted = self._nodes.host.hosted(key)
        if (pointer := self._nodes.host.pointers.get(key)) is not None:
            self._news[key.cell] = whereabouts(key, pointer, self._settings.known_address)
        if node is None or hosted is None or node.jury.version == self._told.get(key.cell):
            return
        if not node.is_leading and self._leadership.rightful(key) != key.incarnation:
            return
        members = tuple(
            (member, str(self._settings.public_address(hosted.homes[member])))
            for member in sorted(node.jury.members)
            if hosted.homes.get(member) in {self._settings.server, *self._settings.peers}
        )
        self._told[key.cell] = node.jury.version
        self._news[key.cell] = Whereabouts(key.cell, key.life, node.jury.version, members)

    def _tell(self) -> None:
        news, self._news = tuple(self._news.values()), {}
        for place in range(0, len(news), MAX_PUSHED):
            push = encode_traffic(Push(news[place : place + MAX_PUSHED]))
            for connection in self._caches:
                connection.send(push)

    # As the owner of its connections

    def opened(self, connection: Connection) -> None:
        """A cache was reached: nobody knows what it knows."""
        self._caches.add(connection)
        self._told.clear()
        self._rest = iter(self._atlas.index)

    def heard(self, connection: Connection, _messages: list[bytes]) -> None:
        """A cache has nothing to say here."""
        connection.refuse("role")

    def closed(self, connection: Connection) -> None:
        """It is gone."""
        self._caches.discard(connection)
