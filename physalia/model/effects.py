"""What a step asks of the world, to be carried out in order.

A `Send`, an `Answer` or a `Found` leaves the node only after every `Flush` before it is done.
"""

from typing import Literal, TypeAlias

from physalia.model.ids import NodeId, RequestId, Slot
from physalia.model.messages import Message
from physalia.model.records import DurableRecord
from physalia.model.value import value
from physalia.model.values import Verdict, Volume

Reason: TypeAlias = Literal["pipeline full", "not the proposer", "behind"]


@value
class Store:
    """Append a record to the journal. It may be lost until the next flush."""

    record: DurableRecord


@value
class Flush:
    """Wait until every record stored so far is on disk."""


@value
class Send:
    """Send a message to a node, which may be the sending node itself."""

    to: NodeId
    message: Message


@value
class Answer:
    """Tell the client the verdict on its request."""

    request: RequestId
    verdict: Verdict


@value
class Found:
    """Tell the client what it read: the record as it is after `slot`, which is the token of its next read (R7)."""

    request: RequestId
    slot: Slot
    saw: Volume


@value
class Reject:
    """Tell the client that this node does nothing about its request now, and why; it may try again elsewhere or later.

    Of an earlier attempt that says nothing: what was taken on before may be decided yet (design rule R6).
    """

    request: RequestId
    reason: Reason


Effect: TypeAlias = Store | Flush | Send | Answer | Found | Reject
