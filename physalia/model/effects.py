"""What a step asks of the world, to be carried out in order.

A `Send` or an `Answer` leaves the node only after every `Flush` before it is done.
"""

from typing import Literal, TypeAlias

from physalia.model.ids import NodeId, RequestId
from physalia.model.messages import Message
from physalia.model.records import DurableRecord
from physalia.model.value import value
from physalia.model.values import Verdict

Reason: TypeAlias = Literal["pipeline full", "not the proposer"]


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
class Reject:
    """Tell the client that this node does nothing about its request now, and why; it may try again elsewhere or later.

    Of an earlier attempt that says nothing: what was taken on before may be decided yet (design rule R6).
    """

    request: RequestId
    reason: Reason


Effect: TypeAlias = Store | Flush | Send | Answer | Reject
