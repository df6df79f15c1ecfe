"""Every kind of message that processes know, once, and which kinds of parties may say it to a server.

What may be said is written down here by hand, from the page on servers, so that a server which believes more, or less,
is found. Nothing of it does any harm: it is about a cell that is not here, or changes nothing.
"""

from collections.abc import Iterator

from physalia.journal import NodeKey
from physalia.model import (
    Ask,
    Bundle,
    Cap,
    Carry,
    Create,
    Decline,
    Denied,
    Elsewhere,
    Envelope,
    Find,
    Founding,
    Granted,
    House,
    Inspect,
    Inspected,
    Join,
    Look,
    Moved,
    Origin,
    Pace,
    Page,
    Ping,
    Pong,
    Push,
    Release,
    Reply,
    Request,
    Scan,
    Scanned,
    ScannedAt,
    Seek,
    Seen,
    Traffic,
    Where,
    Whereabouts,
)

SERVER, CLIENT, OPERATOR = "server", "client", "operator"
MAY_SAY = {
    "Carry": (SERVER,), "Bundle": (SERVER,), "Seek": (SERVER,), "Moved": (SERVER,),
    "Ping": (SERVER, CLIENT, OPERATOR),
    "Request": (CLIENT, OPERATOR), "Look": (CLIENT,), "Scan": (CLIENT,),
    "Create": (OPERATOR,), "Cap": (OPERATOR,), "Join": (OPERATOR,), "House": (OPERATOR,), "Release": (OPERATOR,),
    "Inspect": (OPERATOR,), "Pace": (OPERATOR,),
}  # fmt: skip
"""Who may say what to a server. Nobody may say what is not here: it is an answer, or for a cache."""
ANOTHER = 77
"""A cell that is nowhere."""
MUCH = 2**40


def every_kind(key: NodeKey) -> Iterator[Traffic]:
    """A message of every kind, to the server of that node."""
    envelope = Envelope(Origin(key.cell, key.life, 2), key.incarnation, Ask(0))
    founding = Founding(ANOTHER, 1, 1, ((1, 1),), frozenset({1}))
    known = Whereabouts(ANOTHER, 1, 0, ((1, "a:1"),))
    yield from (Carry(envelope), Bundle((envelope,)))
    yield from (Ping(1), Pong(1), Request(1, ANOTHER, b""), Reply(1, b""), Decline(1, "busy", ""))
    yield from (Look(1, ANOTHER, 0, ("k",), False), Seen(1, 0, ()), Scan(1, ANOTHER, 0, "", 1, None, False))
    yield from (Scanned(1, Page((), None)), ScannedAt(1, Page((), None), 0))
    yield from (Create(1, founding, bytes(8)), Cap(1, MUCH), Pace(1, 1_000), Granted(1), Denied(1, "no"))
    yield from (Join(1, founding, 1, bytes(8), ()), House(1, ANOTHER, 1, ()), Release(1, ANOTHER, 1, 1))
    yield from (Inspect(1, ANOTHER), Inspected(1, b""))
    yield from (Push((known,)), Find(1, ANOTHER), Where(1, known), Elsewhere(1, known))
    yield from (Seek(ANOTHER, 1, 1), Moved(ANOTHER, 1, 0, (1,), ((1, 1),)))
