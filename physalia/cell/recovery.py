"""Restart: what survived on disk is read back, in the order in which it was written.

Nothing but the last `Known` records can be missing, since everything else was flushed before the node acted on it. A
node that stopped for good stays so (design rule R16). One that finds a decision that it does not understand knows what
comes before it, and stops there (R5): it was stopped there, or the software was rolled back.
"""

from collections.abc import Iterable

from physalia.cell.acceptor import Acceptor
from physalia.cell.image import BadImage, is_image, landing
from physalia.cell.learner import Learner
from physalia.cell.proposer import Proposer
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ballot,
    DurableRecord,
    Head,
    Known,
    Left,
    Part,
    Promised,
    Row,
    Slot,
    Snapshot,
    Stopped,
    UsedBallot,
)


class CorruptRecords(ValueError):
    """No run of this node can have left these records. Give it its own journal, or retire it (design rule R8)."""


def recover(acceptor: Acceptor, proposer: Proposer, records: Iterable[DurableRecord]) -> Stopped | Left | None:
    """Bring a fresh node to where its records end; return why it does nothing any more, if it stopped or left.

    Raises `CorruptRecords`, which names the first impossible record.
    """
    stopped: Stopped | Left | None = None
    rows: tuple[Row, ...] = ()
    for place, record in enumerate(records, start=1):
        learner = proposer.learner
        whole = (*rows, *record.rows) if isinstance(record, Snapshot) else ()
        if whole and isinstance(record, Snapshot) and _is_too_new(whole[0], learner):
            learner.too_new = record.slot
            return None
        if stopped is not None or not (
            _is_possible_snapshot(acceptor, learner, record, whole)
            if isinstance(record, Snapshot)
            else _is_possible(acceptor, proposer, record)
        ):
            raise CorruptRecords(f"record {place} of node {acceptor.node} cannot follow those before it: {record!r}")
        match record:
            case Stopped() | Left():
                stopped = record
            case Part(first, some):
                rows = (*rows[:first], *some)
            case Snapshot(_, floor):
                _land(acceptor, learner, whole, floor)
                rows = ()
            case _:
                rows = ()
                _restore(acceptor, proposer, record)
    proposer.learner.settled = proposer.learner.prefix  # what a restart finds it has flushed (R16)
    return stopped


def _land(acceptor: Acceptor, learner: Learner, rows: tuple[Row, ...], floor: Slot) -> None:
    """A snapshot (R10): of what is known anyway, whose log goes on where it is; or of what only the snapshot tells."""
    there = landing(rows, learner.configurations.alpha, learner.empty)
    if there.slot > learner.prefix:
        learner.land(there)
    acceptor.forget_up_to(floor)
    learner.truncate(floor)
    learner.configurations.forget_below(learner.prefix)


def _is_possible(acceptor: Acceptor, proposer: Proposer, record: DurableRecord) -> bool:
    """Whether the guard of the step that writes such a record held: what is durable of it."""
    match record:
        case UsedBallot(ballot):
            return ballot.node == acceptor.node and ballot not in proposer.used and acceptor.promised < ballot
        case Promised(ballot):
            return _was_sent(acceptor, proposer, ballot) and acceptor.promised <= ballot != acceptor.answered
        case Accepted(ballot, slot):
            is_new = acceptor.voted_under(slot) < ballot
            return (
                _was_sent(acceptor, proposer, ballot)
                and acceptor.promised <= ballot
                and is_new
                and slot > acceptor.floor
            )
        case Known(slot):
            learner = proposer.learner
            return slot == learner.first_unknown + len(learner.heard)
        case Stopped() | Part() | Left() | Snapshot():  # of a snapshot `_is_possible_snapshot` says more
            return True


def _is_too_new(row: Row, learner: Learner) -> bool:
    """Whether later software wrote this: what it makes of the log, this one cannot tell (R5)."""
    return isinstance(row, Head) and row.version > learner.empty.understands


def _is_possible_snapshot(acceptor: Acceptor, learner: Learner, record: Snapshot, rows: tuple[Row, ...]) -> bool:
    """Whether it raises the floor, makes sense, and is what the records before it lead to, as far as they go."""
    if not acceptor.floor < record.floor <= record.slot or record.slot < learner.prefix or learner.heard:
        return False
    if record.slot == learner.prefix:
        return is_image(rows, learner.image())
    try:
        return landing(rows, learner.configurations.alpha, learner.empty).slot == record.slot
    except BadImage:
        return False


def _was_sent(acceptor: Acceptor, proposer: Proposer, ballot: Ballot) -> bool:
    """Whether a prepare or a proposal of the ballot may have come: one's own must have been used before."""
    return ballot > NO_BALLOT and (ballot.node != acceptor.node or ballot in proposer.used)


def _restore(acceptor: Acceptor, proposer: Proposer, record: DurableRecord) -> None:
    match record:
        case UsedBallot(ballot):
            proposer.use(ballot, acceptor.promised)
        case Promised(ballot):
            acceptor.promised = ballot
            acceptor.answered = ballot
        case Accepted(ballot, slot):
            acceptor.promised = ballot
            acceptor.accepted[slot] = record
        case Known(slot, value):
            learner = proposer.learner
            if learner.heard or not learner.state.is_understood(value):
                learner.heard[slot] = value
            else:
                learner.append(value)
