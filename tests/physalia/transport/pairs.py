"""Two ends of a connection, without a connection."""

import random

from attrs import frozen

from physalia.transport import Answerer, Dialer, Key, KeyRing, Party, Refused, Session

SERVERS = Key(1, "server", b"s" * 32, frozenset((1, 2)))
CLIENTS = Key(2, "client", b"c" * 32)
RING = KeyRing([SERVERS, CLIENTS])
ANN, BOB = Party("server", 1), Party("server", 2)


@frozen
class Pair:
    """Server 1 has dialled server 2."""

    dialer: Session
    answerer: Session


def pair(seed: int = 0, own: Party = ANN, ring: KeyRing = RING, answering: KeyRing = RING) -> Pair:
    """Both ends, before anything was said."""
    nonces = random.Random(seed)
    dialer = Dialer(ring, own, BOB.number, nonces.randbytes(32))
    return Pair(Session(dialer), Session(Answerer(answering, BOB.number, nonces.randbytes(32))))


def said(session: Session) -> bytes:
    """All that an end has to say now."""
    pieces = []
    while piece := session.outgoing():
        pieces.append(piece)
    return b"".join(pieces)


def open_pair(seed: int = 0, own: Party = ANN) -> Pair:
    """Both ends, after the handshake."""
    made = pair(seed, own)
    made.answerer.receive(said(made.dialer))
    made.dialer.receive(said(made.answerer))
    made.answerer.receive(said(made.dialer))
    assert made.answerer.peer == own
    assert made.dialer.peer == BOB
    return made


def refusal(session: Session, data: bytes) -> str:
    """Why these bytes are refused; empty if they are not."""
    try:
        session.receive(data)
    except Refused as refused:
        return refused.kind
    return ""
