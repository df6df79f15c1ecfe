"""What processes say to each other: servers to servers, clients to servers and back.

What a client asks and is answered is opaque here: bytes, of which only the ends know what they mean.
"""

from typing import Literal, TypeAlias

from physalia.model.administration import Administration, Discovery, Moving
from physalia.model.ids import CellId, Slot
from physalia.model.lives import Envelope
from physalia.model.transactions import Item, Page, Refused, Token
from physalia.model.value import value

DeclineReason: TypeAlias = Literal[
    "pipeline full",
    "not the proposer",
    "behind",
    "unknown cell",
    "malformed",
    "busy",
    "draining",
    "stopped",
    "not understood",
    "session ahead",
    "not allowed",
    "no majority",
]


@value
class Carry:
    """A message between nodes, on its way between their servers."""

    envelope: Envelope


@value
class Bundle:
    """Messages between nodes that leave for the same server at the same time, in their order."""

    envelopes: tuple[Envelope, ...]


@value
class Ping:
    """A question whether the other process is there."""

    number: int


@value
class Pong:
    """The answer to ping `number`."""

    number: int


@value
class Request:
    """A client wants `command` done by a cell, and calls that its `number`-th request on this connection."""

    number: int
    cell: CellId
    command: bytes


@value
class Reply:
    """The verdict on request `number`, or the store's reply."""

    number: int
    verdict: bytes


@value
class Decline:
    """Nothing was done about request `number`, nor will be; `leader` is the address of who may do it, or empty.

    Of an earlier attempt at the same command that says nothing (design rule R6).
    """

    number: int
    reason: DeclineReason
    leader: str


@value
class Look:
    """A client wants to see items as some node knows them, in a state of slot `token` or later (design rule R7).

    An `is_strict` one is to see all that anybody was told before it was asked: a round of the leader confirms that.
    """

    number: int
    cell: CellId
    token: Slot
    keys: tuple[str, ...]
    is_strict: bool


@value
class Seen:
    """The answer to look `number`: one for each key, all as they are after `slot`, the token of the next look."""

    number: int
    slot: Slot
    items: tuple[Item | None, ...]


@value
class Scan:
    """A client wants the items whose keys begin with `prefix`: the first page of slot `token` or later, or the next.

    The first page of an `is_strict` one is as a strict `Look`; the others are of the same moment.
    """

    number: int
    cell: CellId
    token: Slot
    prefix: str
    most_items: int
    page: Token | None
    is_strict: bool


@value
class Scanned:
    """The answer to scan `number`."""

    number: int
    page: Page | Refused


@value
class ScannedAt:
    """The same, and as of which `slot` it is: the token of the next look, also where no page follows."""

    number: int
    page: Page | Refused
    slot: Slot


Traffic: TypeAlias = (
    Carry
    | Bundle
    | Ping
    | Pong
    | Request
    | Reply
    | Decline
    | Look
    | Seen
    | Scan
    | Scanned
    | ScannedAt
    | Administration
    | Discovery
    | Moving
)
