"""What a snapshot holds: all that a decided prefix amounts to, row by row (design rules R9 and R10).

It holds what the log leads to, and the configurations of the window; never promises or votes, which are nobody else's.
The rows of a slot are the same on every node that knows it, and come in the same order.
"""

from typing import TypeAlias

from physalia.model.commands import Change, Command, Read, Write
from physalia.model.ids import NodeId, RequestId, Slot
from physalia.model.transactions import Done, Item, Refused, Transact
from physalia.model.value import value
from physalia.model.values import Jury, Verdict, Volume


@value
class Head:
    """The first row: what is true after `slot`, whose command was `last`.

    `configurations` has the members for the slots from `slot` to the end of its window, `version` is the highest one of
    the commands of the store, and `applied` the last slot in which there was one. `rows` of the snapshot there are,
    this one included.
    """

    slot: Slot
    last: Command
    volume: Volume
    jury: Jury
    configurations: tuple[frozenset[NodeId], ...]
    version: int
    applied: Slot
    rows: int


@value
class KeptVerdict:
    """A command had this verdict at its first place."""

    command: Write | Read | Change
    verdict: Verdict


@value
class KeptItem:
    """There is an item under a key."""

    key: str
    item: Item


@value
class KeptSession:
    """A session is open; the fields are those of the store's own."""

    name: Slot
    opened_by: RequestId
    used: Slot
    number: int
    asked: Transact | None
    reply: Done | Refused | None


@value
class KeptMember:
    """A node was a member, and is none any more from the slot of the snapshot on (design rule R11)."""

    node: NodeId


Row: TypeAlias = Head | KeptVerdict | KeptItem | KeptSession | KeptMember
