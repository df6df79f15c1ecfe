"""Whose a message or a record is (design rule R15).

A cell has a life, minted at its creation, and a node is an incarnation, minted at random by whoever creates it. Both
stand around everything that leaves a process or reaches a disk: a cell that was made anew under an old name, or a node
that took an old one's place, has nothing to do with what its forerunner said and kept.
"""

from physalia.model.ids import CellId, Life, NodeId
from physalia.model.messages import Message
from physalia.model.records import DurableRecord
from physalia.model.value import value


@value
class Origin:
    """Node `node` of cell `cell` in its life `life`."""

    cell: CellId
    life: Life
    node: NodeId


@value
class Envelope:
    """A message on its way from its origin to one incarnation of the same cell and life."""

    origin: Origin
    to: NodeId
    message: Message


@value
class Entry:
    """A record in a journal, which holds those of many nodes."""

    origin: Origin
    record: DurableRecord
