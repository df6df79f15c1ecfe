"""What comes of an event of the world: steps, with what they stored, said, and left to wait."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from attrs import frozen

from physalia.model import (
    Accepted,
    Action,
    Announcement,
    Ballot,
    DurableRecord,
    Event,
    Found,
    Message,
    NodeId,
    Reason,
    RequestId,
    Slot,
    Told,
)

RIDE_ALONG = ("consult", "echo", "serve")
"""Actions whose messages depend on no record: in a node's queue they are no entry of their own."""

Trouble: TypeAlias = Literal["", "crash", "failed flush", "full disk", "older disk", "late order"]
"""Why a node began anew; empty if it did not."""


@frozen
class Packet:
    """A message in flight: its bytes, what was said before it became bytes, and the bytes that travel."""

    sender: NodeId
    receiver: NodeId
    data: bytes
    message: Message
    envelope: bytes


@frozen
class Durable:
    """What a disk holds for certain: a copy, as of one moment."""

    used: frozenset[Ballot]
    promised: Ballot
    accepted: Mapping[Slot, Accepted]
    known: int
    floor: Slot


@frozen
class Outcome:
    """One step: what happened to `node`, what it was given, what the step was, and what it stored and sent.

    `event` is None when the step was the world's own: a client asked, a flush ended, or the node began anew. Of the
    last two, `durable` is what the disk holds afterwards. What a step sends `waits` if a flush must end first; when
    that ends, it is sent in a step of its own; and `is_lost` says that the node began anew between these two, out of
    some `trouble`. A message of another cell, life or incarnation is `foreign`, and `is_counted` if it was refused.
    """

    node: NodeId
    event: Event | None
    announces: Announcement
    sent: tuple[Packet, ...] = ()
    answers: tuple[tuple[RequestId, Told], ...] = ()
    rejects: tuple[tuple[RequestId, Reason], ...] = ()
    found: tuple[Found, ...] = ()
    stored: tuple[DurableRecord, ...] = ()
    known: int = 0
    """How many decisions had been written before the step."""
    waits: bool = False
    durable: Durable | None = None
    is_lost: bool = False
    trouble: Trouble = ""
    foreign: str = ""
    is_counted: bool = False
    is_lost_disk: bool = False
    """Whether the disk of the node went back in time: it counts as lost, and whatever is said here reaches nobody."""
    has_left: bool = False
    """Whether the node had left for good before this."""

    @property
    def is_issue(self) -> bool:
        """Whether a client asked, and nobody has heard it yet."""
        return isinstance(self.announces, Action) and self.announces.name == "issue"

    @property
    def is_of_node(self) -> bool:
        """Whether the node took part. A first request has reached nobody yet, and a flush is the disk's."""
        if self.foreign:
            return False
        return self.event is not None or not (
            isinstance(self.announces, Action) and self.announces.name in ("issue", "flush", "create", "lose")
        )


@frozen
class Waiting:
    """What a step left to be sent when the first `records` of the journal are flushed; 0 if it wants no flush.

    Steps that are stutters wait behind it too, and add what they send; `known` is as in `Outcome`.
    """

    records: int
    known: int
    packets: tuple[Packet, ...]
    answers: tuple[tuple[RequestId, Told], ...]


def kept_of(queue: Sequence[Waiting], records: int, known: int) -> int:
    """How much of what waits a crash keeps, that keeps so many records with so many decisions.

    A decision that is kept comes after all that was written before it: what those steps had to send counts as lost as
    well.
    """
    kept = 0
    for place, waiting in enumerate(queue, start=1):
        if 0 < waiting.records <= records or (not waiting.records and known > waiting.known):
            kept = place
    return kept
