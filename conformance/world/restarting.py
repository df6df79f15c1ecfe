"""A node begins, from nothing or from what its disk has; mostly from fewer records, as folded journals have them (R10).

A journal is folded a few entries at a time, so the records are compacted in two steps. The node must come back the same
from what is left, which whoever judges its steps sees; and nothing may be left that says nothing more.
"""

from collections.abc import Iterator, Sequence

from conformance.refutation import How, Refuted
from conformance.world.cells import Cell, MakeNode
from conformance.world.setup import Setup
from physalia.cell import CorruptRecords, compact
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ballot,
    DurableRecord,
    Head,
    Known,
    Left,
    NodeId,
    Part,
    Promised,
    Snapshot,
    UsedBallot,
)
from physalia.store import VERSION

AS_WRITTEN = 3
"""Of so many lengths of a journal, one is read as it was written."""


def begin(make_node: MakeNode, node: NodeId, setup: Setup, records: Sequence[DurableRecord]) -> Cell:
    """The node that starts from these records. Raises `Refuted` if it does not, or if they are folded badly."""
    if len(records) % AS_WRITTEN and not any(map(_is_later, records)):
        records = folded(node, records)
    try:
        return make_node(node, setup.members, setup.alpha, records)
    except Exception as error:
        title = f"node {node} cannot start from its own disk: {type(error).__name__}: {error}"
        is_refusal = isinstance(error, CorruptRecords)  # it looked at what it wrote, and says that nobody can have
        raise Refuted(title, how=How.JUDGED if is_refusal else How.NOT_STARTED) from error


def _is_later(record: DurableRecord) -> bool:
    """Whether later software wrote this snapshot, or its first part: whoever goes back needs what was known before."""
    rows = record.rows[:1] if isinstance(record, Part | Snapshot) else ()
    return any(isinstance(row, Head) and row.version > VERSION for row in rows)


def folded(node: NodeId, records: Sequence[DurableRecord]) -> list[DurableRecord]:
    """What a folded journal keeps of these. Raises `Refuted` if something of it is superfluous."""
    half = len(records) // 2
    try:
        fewer = compact([*compact(records[:half]), *records[half:]])
    except Exception as error:
        raise Refuted(
            f"the records of node {node} cannot be folded: {type(error).__name__}: {error}", how=How.RAISED
        ) from error
    for record in superfluous(fewer):
        raise Refuted(f"of the records of node {node}, one is kept that says nothing more: {record}")
    return fewer


def superfluous(records: Sequence[DurableRecord]) -> Iterator[DurableRecord]:
    """Which of these say nothing that the others do not say."""
    snapshots = [record for record in records if isinstance(record, Snapshot)]
    slot, floor = (snapshots[-1].slot, snapshots[-1].floor) if snapshots else (0, 0)
    said = [record.ballot for record in records if isinstance(record, Accepted | Promised)]
    promised = max(said, default=NO_BALLOT)
    seen = set[tuple[type, int | Ballot]]()
    for record in records:
        name: tuple[type, int | Ballot] = type(record), 0
        is_old = False
        match record:
            case UsedBallot(ballot):
                name, is_old = (UsedBallot, ballot), ballot < promised and ballot not in said
            case Accepted(ballot, at):
                name, is_old = (Accepted, at), at <= floor and (ballot < promised or said.count(ballot) > 1)
            case Known(at):
                name, is_old = (Known, at), at <= slot
            case Left():
                is_old = len(records) > 1
            case Promised() | Snapshot():
                pass
            case _:
                continue
        if is_old or name in seen:
            yield record
        seen.add(name)
