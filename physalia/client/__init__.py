"""Clients of a colony, asynchronous and blocking."""

from physalia.client.asynchronous import AsyncClient
from physalia.client.blocking import BlockingPartition, Client
from physalia.client.conditions import absent, exists, has_type, value, version
from physalia.client.errors import ClientError, Malformed, OutcomeUnknown, Overloaded, Unavailable
from physalia.client.operator import Operator, found, minted
from physalia.client.partition import Item, Outcome, Partition

__all__ = [
    "AsyncClient",
    "BlockingPartition",
    "Client",
    "ClientError",
    "Item",
    "Malformed",
    "Operator",
    "Outcome",
    "OutcomeUnknown",
    "Overloaded",
    "Partition",
    "Unavailable",
    "absent",
    "exists",
    "found",
    "has_type",
    "minted",
    "value",
    "version",
]
