"""The part `strangers` of the link: whoever comes under a name that its key does not prove is turned away.

No run has anybody who lies: the network keeps bytes as they are, and every server is who it says it is. So somebody
comes to a server with a key of the colony, and uses it for another name; or says in its own name what only another one
may say. It must be refused, or what it says be heard by no node. Whoever speaks in its own name is heard.
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from conformance.refutation import Refuted
from conformance.shell.clocks import Clock
from conformance.shell.colony import Colony
from conformance.shell.machines import PORT
from physalia.model import Ask, Carry, Envelope, Origin
from physalia.transport import CLIENT, Address, Connection, KeyFile, KeyRing, Party, Refusals, Target, dial
from physalia.transport.keys import Key
from physalia.wire import encode_traffic

SOON_S = 1.0
QUIET_S = 5.0
"""After so long nobody says anything any more of what was done: then a step of a node is because of the stranger."""


@frozen(kw_only=True)
class Stranger:
    """Who somebody says to be, whom it says to want, and the key with which it comes to server 1: that of two servers.

    Clients have one key. `speaks_for` is the node whose message it carries to node 1; `refused` how it is turned away,
    and `is_heard` tells whether the message is one that counts.
    """

    what: str
    own: Party
    to: int
    servers: tuple[int, int] | None
    speaks_for: int = 0
    refused: str = ""
    is_heard: bool = False


def _server(number: int) -> Party:
    return Party("server", number)


STRANGERS = (
    Stranger(what="a server that says to be another one", own=_server(2), to=1, servers=(1, 3), refused="server"),
    Stranger(what="a server that says to be the one that it dials", own=_server(1), to=1, servers=(1, 2),
             refused="server"),
    Stranger(what="a server that says to dial another one", own=_server(2), to=3, servers=(1, 2), refused="server"),
    Stranger(what="a client that says to be a server", own=_server(2), to=1, servers=None, refused="role"),
    Stranger(what="a client that carries what a node says", own=CLIENT, to=0, servers=None, speaks_for=2,
             refused="role"),
    Stranger(what="a server that carries what a node of another one says", own=_server(2), to=1, servers=(1, 2),
             speaks_for=3),
    Stranger(what="a server that carries what a node says to itself", own=_server(2), to=1, servers=(1, 2),
             speaks_for=1),
    Stranger(what="a server that carries what its own node says", own=_server(2), to=1, servers=(1, 2), speaks_for=2,
             is_heard=True),
)  # fmt: skip


class OneKey(KeyRing):
    """A ring with one key, which is taken for whatever is wanted."""

    def __init__(self, key: Key) -> None:
        super().__init__([key])
        self._key = key

    def preferred(self, _role: object) -> Key:
        """The one."""
        return self._key

    def between(self, _one: int, _other: int) -> Key:
        """The same."""
        return self._key


class Silent:
    """An owner of a connection that does nothing."""

    def opened(self, _connection: Connection) -> None:
        """It was let in."""

    def heard(self, _connection: Connection, _messages: list[bytes]) -> None:
        """It was told something."""

    def closed(self, _connection: Connection) -> None:
        """It was turned away, or left."""


def faults() -> Iterator[tuple[str, Refuted | None]]:
    """Each stranger in turn, with what is wrong with how it was received."""
    for stranger in STRANGERS:
        try:
            why = _received(stranger)
            yield stranger.what, Refuted(f"{stranger.what} {why}") if why else None
        except Refuted as refuted:
            yield stranger.what, refuted


def _received(stranger: Stranger) -> str:
    """What is wrong with how a colony received it; empty if nothing is."""
    with Colony() as colony:
        colony.client().put("k", b"v")
        colony.run(QUIET_S)
        server: Any = colony.machines["a"].server
        mirror, key = colony.mirrors[1], server.atlas.here(1)
        process = colony.process("stranger", "stranger", Clock())
        ring, steps, before = OneKey(_key_of(colony, stranger)), mirror.steps, Refusals(server.refusals)
        impostors = server.nodes.impostors

        async def come() -> None:
            target = Target(stranger.own, Address("a", PORT), stranger.to)
            connection = await dial(target, lambda: ring, Silent(), Refusals())
            if stranger.speaks_for:
                origin = Origin(key.cell, key.life, stranger.speaks_for)
                connection.send(encode_traffic(Carry(Envelope(origin, key.incarnation, Ask(0)))))

        came = process.start(come())
        colony.run(SOON_S)
        error = came.exception() if came.done() else None
        refused = sorted((server.refusals - before).elements())
        if refused != ([stranger.refused] if stranger.refused else []):
            return f"is refused as {', '.join(refused) or 'nothing'}, and must be as {stranger.refused or 'nothing'}"
        if bool(mirror.steps - steps) is not stranger.is_heard:
            return "is not heard" if stranger.is_heard else "is heard by a node"
        if stranger.speaks_for and not stranger.is_heard and not stranger.refused:
            return "" if server.nodes.impostors == impostors + 1 else "is not counted as an impostor"
        return f"cannot come: {error}" if error is not None and not stranger.refused else ""


def _key_of(colony: Colony, stranger: Stranger) -> Key:
    ring = KeyFile(colony.keys)()
    key = ring.preferred("client") if stranger.servers is None else ring.between(*stranger.servers)
    assert key is not None
    return key
