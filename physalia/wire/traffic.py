"""The bytes of what processes say to each other, and of verdicts. `codec` says what holds of every format here."""

from typing import get_args

from physalia.model import (
    Carry,
    Decline,
    DeclineReason,
    Jury,
    Ping,
    Pong,
    Record,
    Reply,
    Request,
    StoreReply,
    Told,
    Traffic,
    Verdict,
    Volume,
)
from physalia.wire.codec import ENVELOPE, decode, encode
from physalia.wire.commands import COUNT, TEXT
from physalia.wire.limits import MAX_ENCODED_BYTES
from physalia.wire.shapes import Choice, CodecError, Flag, Members, Natural, Row
from physalia.wire.transactions import REPLY

OVERHEAD_BYTES = 64
"""How much more than what it holds a message between processes may take."""


class Blob:
    """Bytes, of which at most `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def unpack(self, plain: object) -> bytes:
        """The bytes themselves, checked."""
        if type(plain) is not bytes or len(plain) > self.limit:
            raise CodecError(f"expected at most {self.limit} bytes")
        return plain

    pack = unpack


class Reasons:
    """One of the reasons to decline, by its place in their list, which only grows."""

    def __init__(self) -> None:
        self.reasons: tuple[DeclineReason, ...] = get_args(DeclineReason)

    def pack(self, reason: DeclineReason) -> int:
        """The place of the reason."""
        if reason not in self.reasons:
            raise CodecError("expected one of the reasons to decline")
        return self.reasons.index(reason)

    def unpack(self, plain: object) -> DeclineReason:
        """The reason at this place."""
        if type(plain) is not int or not 0 <= plain < len(self.reasons):
            raise CodecError(f"expected the number of a reason below {len(self.reasons)}")
        return self.reasons[plain]


CONTENT = Blob(MAX_ENCODED_BYTES - OVERHEAD_BYTES)
TRAFFIC = Choice[Traffic](
    {
        1: Row(Carry, envelope=ENVELOPE),
        2: Row(Ping, number=COUNT),
        3: Row(Pong, number=COUNT),
        4: Row(Request, number=COUNT, cell=Natural(1), command=CONTENT),
        5: Row(Reply, number=COUNT, verdict=CONTENT),
        6: Row(Decline, number=COUNT, reason=Reasons(), leader=TEXT),
    }
)
RECORDS = Choice[Record](
    {
        1: Row(Volume, version=COUNT, primary=TEXT, replica=TEXT),
        2: Row(Jury, version=COUNT, members=Members()),
    }
)
VERDICT = Row(Verdict, done=Flag(), saw=RECORDS)


def encode_traffic(said: Traffic) -> bytes:
    """The bytes of what a process says. Raises `CodecError` if it is beyond a limit."""
    return encode(TRAFFIC, said)


def decode_traffic(data: bytes) -> Traffic:
    """What these bytes say. Raises `CodecError` if it is nothing."""
    return decode(TRAFFIC, data)


def encode_verdict(verdict: Verdict) -> bytes:
    """The bytes of a verdict. Raises `CodecError` if it is beyond a limit."""
    return encode(VERDICT, verdict)


def encode_told(told: Told) -> bytes:
    """The bytes of what a client is told: a verdict, or a reply of the store. Raises `CodecError`."""
    return encode_verdict(told) if isinstance(told, Verdict) else encode(REPLY, told)


def decode_reply(data: bytes) -> StoreReply:
    """The store's reply of these bytes. Raises `CodecError` if there is none."""
    return decode(REPLY, data)


def decode_verdict(data: bytes) -> Verdict:
    """The verdict of these bytes. Raises `CodecError` if there is none."""
    return decode(VERDICT, data)
