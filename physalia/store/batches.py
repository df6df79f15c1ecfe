"""Batches: several clients' transactions in one slot, as long as none of them can tell.

Transactions of one slot give one version to all that they change. So two of them that touch the same key, one of them
changing it, are never merged: the version that one client was told would pass for the other's, and a condition on it
would hold of what that client never saw. Two requests of one session are not merged either.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from physalia.model import Get, RequestId, Transact

T = TypeVar("T")


def interacts(requests: Sequence[Transact]) -> bool:
    """Whether one of the requests touches what another one may change, or two are of one session."""
    touched: set[str] = set()
    changed: set[str] = set()
    sessions: set[int] = set()
    for asked in requests:
        touches, changes = _footprint(asked)
        if asked.session in sessions or not changes.isdisjoint(touched) or not touches.isdisjoint(changed):
            return True
        touched |= touches
        changed |= changes
        sessions.add(asked.session)
    return False


def _footprint(asked: Transact) -> tuple[set[str], set[str]]:
    """The keys that a transaction may touch, and those among them that it may change, whichever way it goes."""
    transaction = asked.transaction
    operations = (*transaction.then, *transaction.else_)
    touches = {step.key for step in (*transaction.if_, *operations)}
    return touches, {operation.key for operation in operations if not isinstance(operation, Get)}


def batches(
    requests: Sequence[tuple[RequestId, Transact]], most: int
) -> Iterator[tuple[tuple[RequestId, Transact], ...]]:
    """The requests in their order, as few batches as that allows: each ends where the next one would interact."""
    batch: list[tuple[RequestId, Transact]] = []
    for request in requests:
        if batch and (len(batch) == most or interacts([asked for _, asked in (*batch, request)])):
            yield tuple(batch)
            batch = []
        batch.append(request)
    if batch:
        yield tuple(batch)
