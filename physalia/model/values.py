"""What a cell keeps, and what it answers."""

from typing import TypeAlias

from physalia.model.ids import NodeId
from physalia.model.value import value


@value
class Volume:
    """EBS's record of a volume: which server is primary, which is replica, and how often that was changed."""

    version: int
    primary: str
    replica: str


@value
class Jury:
    """The cell's members after the log so far, changes that are not yet in force included, and their version."""

    version: int
    members: frozenset[NodeId]


Record: TypeAlias = Volume | Jury


@value
class Verdict:
    """The answer to a command: was it `done`, and the record that it speaks of as it was right after."""

    done: bool
    saw: Record
