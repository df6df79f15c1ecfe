"""What a node keeps on disk, in the order in which it was written.

`UsedBallot`, `Promised` and `Accepted` are flushed before anything is sent that depends on them. `Known` is not
flushed: nothing depends on it, and a crash may take the last ones. `Snapshot` is flushed before anything that it
stands for is dropped from the disk. Nothing follows `Stopped` or `Left`.
"""

from typing import TypeAlias

from physalia.model.ballots import Ballot
from physalia.model.commands import Command
from physalia.model.ids import NodeId, Slot
from physalia.model.snapshots import Row
from physalia.model.value import value


@value
class UsedBallot:
    """The node prepared `ballot`, and will never do so again."""

    ballot: Ballot


@value
class Promised:
    """The node answered a prepare of `ballot`. After a restart it stays silent for that ballot."""

    ballot: Ballot


@value
class Accepted:
    """The node voted for `value` in `slot` under `ballot`, which raises its promise to `ballot`."""

    ballot: Ballot
    slot: Slot
    value: Command


@value
class Known:
    """`value` is decided in `slot`."""

    slot: Slot
    value: Command


@value
class Part:
    """Some rows of a snapshot that is too large for one record, from number `first` on; `Snapshot` follows.

    Without that it means nothing: the node crashed while it wrote.
    """

    first: int
    rows: tuple[Row, ...]


@value
class Snapshot:
    """All that the node knows: the rows of the parts before it and its own are what the prefix up to `slot` amounts to.

    With it the node drops its votes up to slot `floor` (design rule R10).
    """

    slot: Slot
    floor: Slot
    rows: tuple[Row, ...]


@value
class Stopped:
    """The node heard from `teller` of an act of its own that its disk had lost, and stopped for good (design rule R16).

    `lost` says which, for people.
    """

    teller: NodeId
    lost: str


@value
class Left:
    """The node left its cell for good (design rule R11): as of `version` these are its members. All else is dropped."""

    version: int
    members: frozenset[NodeId]


DurableRecord: TypeAlias = UsedBallot | Promised | Accepted | Known | Part | Snapshot | Stopped | Left
