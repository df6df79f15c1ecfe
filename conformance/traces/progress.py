"""How far one node of a trace has come, and why it may come no further."""

from collections import deque
from typing import TypeAlias

from attrs import Factory, define, field

from conformance.judges.hearing import Hearing
from conformance.traces.cell import Event
from physalia.model import NodeId

Call: TypeAlias = tuple[str, tuple[object, ...]]
"""An action of the specification, and its arguments."""


class Blocked(Exception):
    """The event cannot have happened yet: something must be sent before, by `whom`; None if it may be anybody."""

    def __init__(self, why: str, whom: NodeId | None) -> None:
        super().__init__(why)
        self.why, self.whom = why, whom


class Unknown(Exception):
    """Nothing can be concluded; the message says why."""


@define
class Progress:
    """What is remembered of one node on the way."""

    hearing: Hearing
    left: deque[Event]
    waiting: deque[Call | None] = field(factory=deque)
    """For each step that waits for the disk, what happens when it is there; None if that is nothing."""
    is_started: bool = False
    has_ended: bool = False
    """Whether it left memory: nothing comes from it until it is there again."""
    is_stopped: bool = False
    """Whether it stopped, or left its cell: it does nothing any more."""
    has_stopped: bool = False
    """Whether it ever stopped, in any of its lives in memory: only then may it be found to be."""
    known: int = 0
    """The most that it ever knew."""
    promised: int = 0
    clients: dict[str, None] = Factory(dict)
    """The commands for which clients wait, in the order in which they came."""
    readers: int = 0
    """How many reads may wait: for a round, or in the one that is under way. Those given up on count yet."""
    in_round: int = 0
    """How many of them may be in that one."""
    taught: set[int] = Factory(set)
    """Up to which slots it was given a lesson since it last started."""
    due: Call | None = None
    """The round of reads that the last message lets it answer, which it does before anything else comes to it."""

    def begin(self, hearing: Hearing, *, is_stopped: bool) -> None:
        """It is in memory, and remembers nothing but its disk."""
        self.hearing = hearing
        self.waiting.clear()
        self.clients.clear()
        self.taught.clear()
        self.readers, self.in_round, self.due = 0, 0, None
        self.is_started, self.has_ended, self.is_stopped = True, False, is_stopped
