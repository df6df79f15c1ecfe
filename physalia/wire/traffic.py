"""The bytes of what processes say to each other, and of verdicts. `codec` says what holds of every format here."""

from collections.abc import Sequence
from typing import get_args

from physalia.model import (
    Bundle,
    Cap,
    Carry,
    Create,
    Decline,
    DeclineReason,
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
    Jury,
    Look,
    Moved,
    NodeId,
    Pace,
    Page,
    Ping,
    Pong,
    Push,
    Record,
    Refused,
    Release,
    Reply,
    Request,
    Scan,
    Scanned,
    ScannedAt,
    Seek,
    Seen,
    StoreReply,
    Token,
    Told,
    Traffic,
    Verdict,
    Volume,
    Where,
    Whereabouts,
)
from physalia.store import LIMITS
from physalia.wire.charters import HOMES, NODES
from physalia.wire.codec import ENVELOPE, decode, encode
from physalia.wire.commands import COUNT, NODE, TEXT
from physalia.wire.limits import MAX_BUNDLED, MAX_ENCODED_BYTES, MAX_MEMBERS, MAX_PUSHED
from physalia.wire.shapes import Choice, CodecError, Flag, Listed, Many, Members, Natural, Row, Two
from physalia.wire.transactions import ITEM, KEY, REFUSED, REPLY, Maybe, Name

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


class Packed:
    """What is packed already."""

    def pack(self, plain: list[object]) -> list[object]:
        """The same."""
        return plain

    def unpack(self, plain: object) -> list[object]:
        """A list."""
        if type(plain) is not list:
            raise CodecError("expected a list")
        return plain


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


def _node(pair: tuple[NodeId, object]) -> NodeId:
    return pair[0]


CELL = Natural(1)
TOKEN = Row(Token, slot=COUNT, after=Name())
PAGE = Choice[Page | Refused](
    {
        1: Row(Page, items=Listed(Two(KEY, ITEM), LIMITS.page_items), token=Maybe(TOKEN)),
        2: REFUSED,
    }
)
FOUNDING = Row(
    Founding,
    cell=CELL,
    life=Natural(1),
    alpha=Natural(1),
    nodes=Many(Two(NODE, Natural(1)), _node, MAX_MEMBERS),
    members=Members(),
)
WHEREABOUTS = Row(
    Whereabouts, cell=CELL, life=Natural(1), version=COUNT, members=Many(Two(NODE, TEXT), _node, MAX_MEMBERS)
)
DISK_BYTES = 8
"""How long the name of a disk is."""
_PACKED = Packed()
BUNDLE = 7
"""The tag of what carries many envelopes."""
CONTENT = Blob(MAX_ENCODED_BYTES - OVERHEAD_BYTES)
TRAFFIC = Choice[Traffic](
    {
        1: Row(Carry, envelope=ENVELOPE),
        2: Row(Ping, number=COUNT),
        3: Row(Pong, number=COUNT),
        4: Row(Request, number=COUNT, cell=Natural(1), command=CONTENT),
        5: Row(Reply, number=COUNT, verdict=CONTENT),
        6: Row(Decline, number=COUNT, reason=Reasons(), leader=TEXT),
        BUNDLE: Row(Bundle, envelopes=Listed(ENVELOPE, MAX_BUNDLED)),
        16: Row(
            Look, number=COUNT, cell=CELL, token=COUNT, keys=Listed(KEY, LIMITS.transaction_steps), is_strict=Flag()
        ),
        17: Row(Seen, number=COUNT, slot=COUNT, items=Listed(Maybe(ITEM), LIMITS.transaction_steps)),
        18: Row(
            Scan,
            number=COUNT,
            cell=CELL,
            token=COUNT,
            prefix=Name(),
            most_items=COUNT,
            page=Maybe(TOKEN),
            is_strict=Flag(),
        ),
        19: Row(Scanned, number=COUNT, page=PAGE),
        20: Row(ScannedAt, number=COUNT, page=PAGE, slot=COUNT),
        24: Row(Create, number=COUNT, founding=FOUNDING, disk=Blob(DISK_BYTES)),
        25: Row(Cap, number=COUNT, most_bytes=COUNT),
        26: Row(Granted, number=COUNT),
        27: Row(Denied, number=COUNT, why=TEXT),
        28: Row(Pace, number=COUNT, thousandths=COUNT),
        29: Row(House, number=COUNT, cell=CELL, life=Natural(1), homes=HOMES),
        30: Row(Release, number=COUNT, cell=CELL, life=Natural(1), node=NODE),
        31: Row(Inspect, number=COUNT, cell=CELL),
        32: Row(Push, entries=Listed(WHEREABOUTS, MAX_PUSHED)),
        33: Row(Find, number=COUNT, cell=CELL),
        34: Row(Where, number=COUNT, known=Maybe(WHEREABOUTS)),
        35: Row(Inspected, number=COUNT, told=CONTENT),
        36: Row(Seek, cell=CELL, life=Natural(1), node=NODE),
        37: Row(Moved, cell=CELL, life=Natural(1), version=COUNT, members=NODES, homes=HOMES),
        39: Row(Join, number=COUNT, founding=FOUNDING, node=NODE, disk=Blob(DISK_BYTES), homes=HOMES),
        38: Row(Elsewhere, number=COUNT, known=WHEREABOUTS),
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


def bundles(envelopes: Sequence[Envelope], most_bytes: int) -> list[tuple[bytes, int]]:
    """The bytes of `Bundle`s that hold these in their order, and how many each of them holds.

    Each has at most so many bytes, or one envelope alone; what is too long is halved. Raises `CodecError` if one of the
    envelopes is beyond a limit.
    """
    return _halved([ENVELOPE.pack(each) for each in envelopes], most_bytes)


def _halved(plain: list[object], most_bytes: int) -> list[tuple[bytes, int]]:
    data, count = encode(_PACKED, [BUNDLE, plain]), len(plain)
    if count == 1 or (len(data) <= most_bytes and count <= MAX_BUNDLED):
        return [(data, count)]
    return _halved(plain[: count // 2], most_bytes) + _halved(plain[count // 2 :], most_bytes)


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
