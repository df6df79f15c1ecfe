"""Clients of a colony, asynchronous and blocking."""

from physalia.client.asynchronous import AsyncClient
from physalia.client.blocking import BlockingLease, BlockingPartition, Client
from physalia.client.errors import (
    ClientError,
    ConditionFailed,
    LimitExceeded,
    Malformed,
    OutcomeUnknown,
    Overloaded,
    SessionExpired,
    Unavailable,
    WrongCell,
)
from physalia.client.leases import Lease
from physalia.client.partition import Partition

__all__ = [
    "AsyncClient",
    "BlockingLease",
    "BlockingPartition",
    "Client",
    "ClientError",
    "ConditionFailed",
    "Lease",
    "LimitExceeded",
    "Malformed",
    "OutcomeUnknown",
    "Overloaded",
    "Partition",
    "SessionExpired",
    "Unavailable",
    "WrongCell",
]
