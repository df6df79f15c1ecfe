"""Restart: what survived on disk is read back, in the order in which it was written.

Nothing but the last `Known` records can be missing, since everything else was flushed before the node acted on it. A
node that stopped for good stays so (design rule R16). One that finds a decision that it does not understand knows what
comes before it, and stops there (R5): it was stopped there, or the software was rolled back.
"""

from collections.abc import Iterable

from physalia.cell.acceptor import Acceptor
from physalia.cell.proposer import Proposer
from physalia.model import NO_BALLOT, Accepted, Ballot, DurableRecord, Known, Promised, Stopped, UsedBallot


class CorruptRecords(ValueError):
    """No run of this node can have left these records. Give it its own journal, or retire it (design rule R8)."""


def recover(acceptor: Acceptor, proposer: Proposer, records: Iterable[DurableRecord]) -> Stopped | None:
    """Bring a fresh node to where its records end; return why it stopped for good, if it did.

    Raises `CorruptRecords`, which names the first impossible record.
    """
    stopped: Stopped | None = None
    for place, record in enumerate(records, start=1):
        if stopped is not None or not _is_possible(acceptor, proposer, record):
            raise CorruptRecords(f"record {place} of node {acceptor.node} cannot follow those before it: {record!r}")
        if isinstance(record, Stopped):
            stopped = record
        else:
            _restore(acceptor, proposer, record)
    return stopped


def _is_possible(acceptor: Acceptor, proposer: Proposer, record: DurableRecord) -> bool:
    """Whether the guard of the step that writes such a record held: what is durable of it."""
    match record:
        case UsedBallot(ballot):
            return ballot.node == acceptor.node and ballot not in proposer.used and acceptor.promised < ballot
        case Promised(ballot):
            return _was_sent(acceptor, proposer, ballot) and acceptor.promised <= ballot != acceptor.answered
        case Accepted(ballot, slot):
            is_new = acceptor.voted_under(slot) < ballot
            return _was_sent(acceptor, proposer, ballot) and acceptor.promised <= ballot and is_new and slot >= 1
        case Known(slot):
            learner = proposer.learner
            return slot == learner.first_unknown + len(learner.heard)
        case Stopped():
            return True
        case _:
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
