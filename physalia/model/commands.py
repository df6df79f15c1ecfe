"""What may be decided in a slot.

Two commands are the same command if they are equal; a command that was decided twice counts only at its first place.
"""

from typing import TypeAlias

from physalia.model.ids import NodeId, RequestId
from physalia.model.transactions import Execute
from physalia.model.value import key


@key
class Write:
    """Set a volume's primary and replica, if the volume's version is `expects` when the command is applied."""

    request: RequestId
    expects: int
    primary: str
    replica: str


@key
class Read:
    """Read the volume's record. In the log it takes a slot, like a write.

    No server puts one there: it answers who asks with it after a round, like other reads (design rule R7).
    """

    request: RequestId


@key
class Change:
    """Replace the cell's members, if the jury's version, pending changes included, is `expects` (design rule R1).

    `members` is never empty: a cell without members could not even be repaired.
    """

    request: RequestId
    expects: int
    members: frozenset[NodeId]

    def __post_init__(self) -> None:
        """Raises `ValueError` without members."""
        if not self.members:
            raise ValueError("a change names at least one of the members")


@key
class NoOp:
    """Fills a hole. Nobody asked for it, so nobody is answered."""


Command: TypeAlias = Write | Read | Change | NoOp | Execute
Asked: TypeAlias = Write | Read | Change | Execute
"""A command that a client or the control plane can ask for."""
