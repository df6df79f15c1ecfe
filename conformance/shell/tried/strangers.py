"""The part `strangers` of the link: whoever comes under a name that its key does not prove is turned away.

No run has anybody who lies: the network keeps bytes as they are, and every server is who it says it is. So somebody
comes to a server with a key of the colony, and uses it for another name; or says in its own name what only another one
may say. It must be refused, or what it says be heard by no node. Whoever speaks in its own name is heard.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field, frozen

from conformance.refutation import Refuted
from conformance.shell.clocks import Clock
from conformance.shell.colony import Colony
from conformance.shell.machines import PORT
from conformance.shell.tried.saying import MAY_SAY, every_kind
from physalia.journal import NodeKey
from physalia.model import Ask, Bundle, Carry, Envelope, Moved, NodeId, Origin, Seek, Traffic
from physalia.transport import CLIENT, Address, Connection, KeyFile, KeyRing, Party, Refusals, Target, dial
from physalia.transport.keys import Key
from physalia.wire import encode_traffic

SOON_S = 1.0
QUIET_S = 5.0
"""After so long nobody says anything any more of what was done: then a step of a node is because of the stranger."""


Says = Callable[[NodeKey], Traffic]
"""What somebody says to the node of this name."""


@frozen(kw_only=True)
class Stranger:
    """Who somebody says to be, whom it says to want, and the key with which it comes to server 1: that of two servers.

    Clients have one key. It `says` something about node 1, and is `refused` in one way, or what it said is `counted`
    as another one; `is_heard` tells whether a node takes a step because of it.
    """

    what: str
    own: Party
    to: int
    servers: tuple[int, int] | None
    says: Says | None = None
    refused: str = ""
    counted: str = ""
    is_heard: bool = False


def _server(number: int) -> Party:
    return Party("server", number)


def _of(node: NodeId, key: NodeKey, to: int = 0, life: int = 0) -> Envelope:
    return Envelope(Origin(key.cell, key.life + life, node), key.incarnation + to, Ask(0))


def _carries(node: NodeId, to: int = 0, life: int = 0) -> Says:
    return lambda key: Carry(_of(node, key, to, life))


def _bundles(*nodes: NodeId) -> Says:
    return lambda key: Bundle(tuple(_of(node, key) for node in nodes))


def _moved(version: int, life: int = 0) -> Says:
    """News that the members are the same, in a version of theirs."""
    return lambda key: Moved(key.cell, key.life + life, version, (1, 2, 3), ((1, 1), (2, 2), (3, 3)))


def _from(number: int, what: str, says: Says, **more: Any) -> Stranger:
    """A server that says something in its own name."""
    return Stranger(what=f"a server that {what}", own=_server(number), to=1, servers=(1, number), says=says, **more)


STRANGERS = (
    Stranger(what="a server that says to be another one", own=_server(2), to=1, servers=(1, 3), refused="server"),
    Stranger(what="a server that says to be the one that it dials", own=_server(1), to=1, servers=(1, 2),
             refused="server"),
    Stranger(what="a server that says to dial another one", own=_server(2), to=3, servers=(1, 2), refused="server"),
    Stranger(what="a client that says to be a server", own=_server(2), to=1, servers=None, refused="role"),
    Stranger(what="a client that carries what a node says", own=CLIENT, to=0, servers=None, says=_carries(2),
             refused="role"),
    Stranger(what="a client that bundles what a node says", own=CLIENT, to=0, servers=None, says=_bundles(2),
             refused="role"),
    _from(2, "carries what a node of another one says", _carries(3), counted="impostors 1"),
    _from(2, "carries what a node says to itself", _carries(1), counted="impostors 1"),
    _from(2, "carries what a node says to another incarnation", _carries(2, to=10), counted="strangers 1"),
    _from(2, "carries what a node says in another life", _carries(2, life=1), counted="strangers 1"),
    _from(2, "carries what its own node says", _carries(2), is_heard=True),
    _from(2, "bundles what nodes of others say", _bundles(3, 1), counted="impostors 2"),
    _from(2, "bundles what its own node says with what another one's does", _bundles(2, 3), counted="impostors 1",
          is_heard=True),
    _from(2, "bundles what another one's node says with what its own does", _bundles(3, 2), counted="impostors 1",
          is_heard=True),
    _from(2, "bundles what its own node says", _bundles(2), is_heard=True),
    _from(2, "has news of a cell", _moved(5), is_heard=True),
    _from(4, "has news of a cell of which it has no node", _moved(5), counted="not of this cell 1"),
    _from(2, "has news of another life of a cell", _moved(5, life=1), counted="another cell or life 1"),
    _from(2, "seeks a node in another life of a cell", lambda key: Seek(key.cell, key.life + 1, 2),
          counted="another cell or life 1"),
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
    """Each stranger in turn, and then each kind of message, with what is wrong with how they were received."""
    for stranger in STRANGERS:
        try:
            why = _received(stranger)
            yield stranger.what, Refuted(f"{stranger.what} {why}") if why else None
        except Refuted as refuted:
            yield stranger.what, refuted
    yield from _all_said()


@define
class _Colony:
    """A colony in which nobody has anything to do, of which server 1 is visited."""

    colony: Colony
    server: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.colony.client().put("k", b"v")
        self.colony.run(QUIET_S)
        self.server = self.colony.machines["a"].server

    @property
    def key(self) -> NodeKey:
        """The node that is visited."""
        key = self.server.atlas.here(1)
        assert isinstance(key, NodeKey)
        return key

    def counted(self) -> Counter[str]:
        """What was not believed so far, by why."""
        of_nodes = {"impostors": self.server.nodes.impostors, "strangers": self.server.nodes.host.strangers}
        refused: Counter[str] = self.server.moving.refused
        return Counter(of_nodes) + refused

    def visit(self, own: Party, to: int, key: Key, says: Traffic | None) -> "_Visit":
        """Somebody comes with this key, and says something."""
        process = self.colony.process("stranger", "stranger", Clock())
        steps, refusals, counted = self.colony.mirrors[1].steps, Refusals(self.server.refusals), self.counted()

        async def come() -> None:
            target = Target(own, Address("a", PORT), to)
            connection = await dial(target, lambda: OneKey(key), Silent(), Refusals())
            if says is not None:
                connection.send(encode_traffic(says))

        came = process.start(come())
        self.colony.run(SOON_S)
        return _Visit(
            sorted((self.server.refusals - refusals).elements()),
            ", ".join(f"{why} {count}" for why, count in sorted((self.counted() - counted).items())),
            self.colony.mirrors[1].steps > steps,
            came.exception() if came.done() else None,
        )


@frozen
class _Visit:
    """How somebody was refused, what it said was counted as, whether a node took a step, and why it could not come."""

    refused: list[str]
    counted: str
    is_heard: bool
    error: BaseException | None


def _received(stranger: Stranger) -> str:
    """What is wrong with how a colony received it; empty if nothing is."""
    with Colony(servers=4, nodes=3) as colony:
        here = _Colony(colony)
        says = None if stranger.says is None else stranger.says(here.key)
        visit = here.visit(stranger.own, stranger.to, _key_of(colony, stranger), says)
        refused, wanted = ", ".join(visit.refused), stranger.refused
        if refused != wanted:
            return f"is refused as {refused or 'nothing'}, and must be as {wanted or 'nothing'}"
        if visit.is_heard is not stranger.is_heard:
            return "is not heard" if stranger.is_heard else "is heard by a node"
        if visit.counted != stranger.counted:
            return f"is counted as {visit.counted or 'nobody'}, and must be as {stranger.counted or 'nobody'}"
        return f"cannot come: {visit.error}" if visit.error is not None and not wanted else ""


def _all_said() -> Iterator[tuple[str, Refuted | None]]:
    """Every kind of message is said by every kind of party: by whom it may be, and by whom not."""
    with Colony() as colony:
        here, ring = _Colony(colony), KeyFile(colony.keys)()
        parties = {"server": (_server(2), 1), "client": (CLIENT, 0), "operator": (Party("operator"), 0)}
        for role, (own, to) in parties.items():
            key = ring.between(1, 2) if role == "server" else ring.preferred(own.role)
            assert key is not None, "a colony has keys for all of them"
            for says in every_kind(here.key):
                kind = type(says).__name__
                may = role in MAY_SAY.get(kind, ())
                visit = here.visit(own, to, key, says)
                what = f"a {role} that says {kind}"
                if visit.error is not None:
                    yield what, Refuted(f"{what} cannot come: {visit.error}")
                elif visit.refused != ([] if may else ["role"]):
                    told = f"is refused as {', '.join(visit.refused) or 'nothing'}"
                    yield what, Refuted(f"{what} {told}, and must be as {'nothing' if may else 'role'}")
                else:
                    yield what, None


def _key_of(colony: Colony, stranger: Stranger) -> Key:
    ring = KeyFile(colony.keys)()
    key = ring.preferred("client") if stranger.servers is None else ring.between(*stranger.servers)
    assert key is not None
    return key
