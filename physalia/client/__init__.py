"""Clients of a colony, asynchronous and blocking, and its operators."""

from physalia.client.asynchronous import AsyncClient
from physalia.client.blocking import BlockingLease, BlockingPartition, Client
from physalia.client.conditions import absent, exists, has_type, value, version
from physalia.client.errors import (
    ClientError,
    Closed,
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
from physalia.client.operator import Operator, found, minted
from physalia.client.partition import Item, Outcome, Partition

__all__ = [
    "AsyncClient",
    "BlockingLease",
    "BlockingPartition",
    "Client",
    "ClientError",
    "Closed",
    "ConditionFailed",
    "Item",
    "Lease",
    "LimitExceeded",
    "Malformed",
    "Operator",
    "Outcome",
    "OutcomeUnknown",
    "Overloaded",
    "Partition",
    "SessionExpired",
    "Unavailable",
    "WrongCell",
    "absent",
    "exists",
    "found",
    "has_type",
    "minted",
    "value",
    "version",
]
