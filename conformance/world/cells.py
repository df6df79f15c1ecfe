"""What the conformance suite asks of one node of an implementation, and how it gets one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from physalia.cell import Consultation, Log
from physalia.model import Accepted, Ballot, DurableRecord, Event, Internal, NodeId, Slot, Step


class Cell(Protocol):
    """What the conformance suite asks of one node of an implementation: to step, and to be looked at."""

    @property
    def promised(self) -> Ballot:
        """The highest ballot that was promised or voted under."""

    @property
    def accepted(self) -> Mapping[Slot, Accepted]:
        """The last vote in each slot that has one."""

    @property
    def active(self) -> Ballot:
        """The ballot that this node leads, NO_BALLOT when it is idle."""

    @property
    def known(self) -> Log:
        """The decided prefix, slot 1 first, of which only the end may be there."""

    @property
    def floor(self) -> Slot:
        """Up to which slot votes are dropped."""

    def digest(self) -> bytes:
        """The digest of what the decided prefix amounts to."""

    @property
    def reading(self) -> Consultation | None:
        """The round of reads that is under way."""

    def next_ballot(self) -> Ballot:
        """A ballot that this node may campaign with."""

    def due(self) -> tuple[Internal, ...]:
        """Every internal event that is enabled by what this node received."""

    def step(self, event: Event) -> Step:
        """Perform one event."""


MakeNode = Callable[[NodeId, frozenset[NodeId], int, Sequence[DurableRecord]], Cell]
"""Makes a node from its id, the first members, alpha, and the records that its disk holds."""
