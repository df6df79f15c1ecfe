"""How servers find nodes of a cell that moved (design rule R11): pointers, and what servers tell each other.

Where a node lives never changes. A server to which a node speaks of which it does not know that asks the servers of
the members that it knows. Whoever speaks to a node that left is told who the members are now, and where they live. Such
news is believed only from a server on which a node of the cell lives, and not if it is older than what the node knows.
Wrong news costs a message, since the nodes themselves judge who is a member.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

from physalia.host import Hosted
from physalia.journal import NodeKey
from physalia.model import Inquire, Moved, NodeId, Pointer, Seek, Whereabouts
from physalia.server.atlas import Atlas
from physalia.server.nodes import Nodes


class Moving:
    """Asks and tells; `refused` counts what was told and not believed, by why. `say` is how a server is told something.

    Of one node the same is asked once between two beats.
    """

    def __init__(
        self, nodes: Nodes, atlas: Atlas, servers: frozenset[int], say: Callable[[int, Seek | Moved], None]
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._nodes, self._atlas, self._servers, self._say = nodes, atlas, servers, say
        self._sought: set[tuple[NodeKey, NodeId]] = set()
        self._inquired: set[NodeKey] = set()

    def beat(self) -> None:
        """Everything may be asked again."""
        self._sought.clear()
        self._inquired.clear()

    def seek(self, hosted: Hosted, node: NodeId) -> None:
        """Somebody spoke to a node here of whom it is not known where it lives."""
        if (hosted.key, node) in self._sought:
            return
        self._sought.add((hosted.key, node))
        members = hosted.node.members | hosted.node.jury.members
        mates = {hosted.homes[member] for member in members if member in hosted.homes}
        for server in sorted(mates & self._servers - {self._atlas.own}):
            self._say(server, Seek(hosted.key.cell, hosted.key.life, node))

    def point(self, server: int, key: NodeKey, pointer: Pointer) -> None:
        """A server carries something for a node that left: nothing of it is left but where the others are."""
        members = tuple(node for node, _ in pointer.members)
        self._say(server, Moved(key.cell, key.life, pointer.version, members, pointer.members))

    def asked(self, server: int, seek: Seek) -> None:
        """A server seeks a node of a cell that is here, perhaps."""
        key = self._atlas.here(seek.cell)
        if key is None or key.life != seek.life:
            self.refused["another cell or life"] += 1
            return
        self._nodes.when_loaded(key, partial(self._answer, server, key, seek.node))

    def _answer(self, server: int, key: NodeKey, node: NodeId) -> None:
        hosted = self._nodes.host.hosted(key)
        if hosted is not None:
            jury, homes = hosted.node.jury, hosted.homes
            known = tuple((one, homes[one]) for one in sorted(jury.members | {node}) if one in homes)
            self._say(server, Moved(key.cell, key.life, jury.version, tuple(sorted(jury.members)), known))
        elif (pointer := self._nodes.host.pointers.get(key)) is not None:
            self.point(server, key, pointer)

    def told(self, server: int, moved: Moved) -> None:
        """A server says who the members of a cell are, and where they live."""
        key = self._atlas.here(moved.cell)
        if key is None or key.life != moved.life:
            self.refused["another cell or life"] += 1
            return
        self._nodes.when_loaded(key, partial(self._take, server, key, moved))

    def _take(self, server: int, key: NodeKey, moved: Moved) -> None:
        hosted = self._nodes.host.hosted(key)
        if hosted is None:
            return
        known = hosted.node.jury.version
        if server not in hosted.homes.values():
            self.refused["not of this cell"] += 1
            return
        if moved.version < known:
            self.refused["older than what is known"] += 1
            return
        news = {node: home for node, home in moved.homes if node not in hosted.homes and home in self._servers}
        if news:
            self._nodes.house(hosted, news, lambda: None)
        if moved.version > known and key not in self._inquired:
            self._inquired.add(key)
            self._nodes.begin(key, Inquire(frozenset(moved.members)))


def whereabouts(key: NodeKey, pointer: Pointer, address: Callable[[int], str | None]) -> Whereabouts:
    """What a client is told of a cell of which only a pointer is here: the members whose servers have an address."""
    places = ((node, address(server)) for node, server in pointer.members)
    return Whereabouts(key.cell, key.life, pointer.version, tuple((node, at) for node, at in places if at is not None))
