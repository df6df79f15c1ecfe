"""What happens to a node. An event holds every choice: from one state it leads to one next state.

What comes from outside is asked for, heard, or told by a clock. The others are internal: the node says by `due()` which
of them it could take, and whoever drives it decides when.
"""

from typing import TypeAlias

from physalia.model.ballots import Ballot
from physalia.model.commands import Asked, Command
from physalia.model.ids import NodeId, RequestId, Slot
from physalia.model.messages import Message
from physalia.model.value import value


@value
class Submit:
    """A client asks for a command."""

    command: Asked


@value
class Query:
    """A client wants to read what is true now, without an entry in the log (R7). It is answered with `Found`."""

    request: RequestId


@value
class Peek:
    """A client wants to read what this node knows, of slot `token` or later: `slot` of the last `Found` that it saw."""

    request: RequestId
    token: Slot


@value
class Campaign:
    """The failure detector says: take over, with this ballot. `Node.next_ballot()` names one that will do."""

    ballot: Ballot


@value
class Truncate:
    """Write a snapshot of all that is known, and drop what is older: the log and the votes up to `slot` (R10)."""

    slot: Slot


@value
class Inquire:
    """An operator, or a pointer, says who may know more: ask these nodes (R9, R11)."""

    nodes: frozenset[NodeId]


@value
class Leave:
    """The control plane lets this node go, which a change has removed: it leaves as soon as it may (R11)."""


@value
class Receive:
    """A message came; the transport vouches for its sender."""

    sender: NodeId
    message: Message


@value
class Tick:
    """The node's own clock shows `now_ms`, in milliseconds from any start. Clocks of two nodes are never compared."""

    now_ms: int


@value
class Propose:
    """Propose `value` in `slot` under `ballot`."""

    ballot: Ballot
    slot: Slot
    value: Command


@value
class Decide:
    """Decide `slot`, for which a majority voted under `ballot`."""

    ballot: Ballot
    slot: Slot


@value
class Learn:
    """Take up the decision of `slot`, which somebody else took."""

    slot: Slot


@value
class Consult:
    """Begin a round of reads, the next one under `ballot`: ask whether promises still stand."""

    ballot: Ballot
    read: int


@value
class Serve:
    """Answer the reads of a round, for which a majority vouches."""

    ballot: Ballot
    read: int


@value
class Install:
    """Be taught everything up to `slot` by the snapshot of `teacher`, all of which came (R9)."""

    teacher: NodeId
    slot: Slot


@value
class Erase:
    """Leave for good: enough others have learned every slot up to this one (R11)."""

    slot: Slot


Internal: TypeAlias = Propose | Decide | Learn | Consult | Serve | Install | Erase
Event: TypeAlias = Submit | Query | Peek | Campaign | Truncate | Inquire | Leave | Receive | Tick | Internal
