"""What a step asks of the world, to be carried out in order.

A `Send`, an `Answer` or a `Found` leaves the node only after every `Flush` before it is done.
"""

from typing import Literal, TypeAlias

from physalia.model.ids import NodeId, RequestId, Slot
from physalia.model.messages import Message
from physalia.model.records import DurableRecord
from physalia.model.transactions import Refused, StoreReply
from physalia.model.value import value
from physalia.model.values import Verdict, Volume

Told: TypeAlias = Verdict | StoreReply
Here: TypeAlias = Literal[
    "pipeline full", "not the proposer", "behind", "stopped", "not understood", "session ahead", "outcome unknown"
]
Reason: TypeAlias = Here | Refused
"""Why nothing is done about a request here. What is refused at the door is refused everywhere, for ever.

`session ahead`: the request's session would be named by a slot that this node does not know yet.
`outcome unknown` is told whoever waits when the node leads no more: the request may be done, or be done yet. To ask
again under the same number is safe (design rule R6). Should the node learn what became of it, it answers all the same.
"""


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
    """Tell the client the verdict on its request, or the store's reply."""

    request: RequestId
    verdict: Told


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


@value
class Departed:
    """Nothing is left of the node but its pointer: true once the flush before it is done (design rule R11)."""


Effect: TypeAlias = Store | Flush | Send | Answer | Found | Reject | Departed
