"""The database of a cell: typed items under string keys, transactions, sessions, scans. A machine without any clock."""

from physalia.store.batches import batches, interacts
from physalia.store.digests import canonical, digest
from physalia.store.door import max_session, refusal
from physalia.store.limits import LIMITS, VERSION, Limits
from physalia.store.machine import NotUnderstood, Store
from physalia.store.sessions import Session

__all__ = [
    "LIMITS",
    "VERSION",
    "Limits",
    "NotUnderstood",
    "Session",
    "Store",
    "batches",
    "canonical",
    "digest",
    "interacts",
    "max_session",
    "refusal",
]
