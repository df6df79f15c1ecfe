"""Truncating, and landing where a snapshot leads: the two steps that raise a floor (design rules R9 and R10)."""

from physalia.cell.acceptor import Acceptor
from physalia.cell.image import pieces
from physalia.cell.learner import Learner
from physalia.cell.proposer import Proposer
from physalia.cell.reads import Reads
from physalia.cell.steps import IGNORED
from physalia.model import Action, Effect, Flush, NodeId, Part, Row, Slot, Snapshot, Step, Store

PART_BYTES = 1 << 22
"""About how much of a snapshot stands in one record."""


def truncate(acceptor: Acceptor, learner: Learner, reads: Reads, slot: Slot) -> Step:
    """Truncate(n, i): drop the log and the votes up to the slot, under a snapshot of all that is known.

    Who decided before the last known slot is forgotten too, but for whom a round of reads asks.
    """
    if not acceptor.floor < slot:
        return IGNORED
    if slot > learner.prefix:
        return IGNORED
    effects = written(learner.image(), learner.prefix, slot)
    acceptor.forget_up_to(slot)
    learner.truncate(slot)
    asked = learner.prefix if reads.under_way is None else min(learner.prefix, reads.under_way.slot + 1)
    learner.configurations.forget_below(asked)
    return Step(Action("truncate", (acceptor.node, slot)), effects)


def install(
    acceptor: Acceptor, learner: Learner, proposer: Proposer, reads: Reads, teacher: NodeId, slot: Slot
) -> Step:
    """Install(n, i): know everything up to the slot, by a snapshot of which all came. Votes above it survive.

    Whoever waits is told what the snapshot tells of it, or that nobody knows here: every request ends.
    """
    landing = learner.transfers.landing(teacher, slot)
    if landing is None:
        return IGNORED
    learner.land(landing)
    acceptor.forget_up_to(slot)
    was_leading, told = proposer.abandon()
    if was_leading:
        told += reads.give_up()
    return Step(Action("install", (acceptor.node, slot)), (*written(learner.image(), slot, slot), *told))


def written(rows: tuple[Row, ...], slot: Slot, floor: Slot) -> tuple[Effect, ...]:
    """The effects that write a snapshot, in as many records as it needs, and make it durable."""
    *parts, (_, last) = pieces(rows, PART_BYTES)
    return (*(Store(Part(first, some)) for first, some in parts), Store(Snapshot(slot, floor, last)), Flush())
