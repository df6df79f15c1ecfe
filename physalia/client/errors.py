"""What a client is told when it does not get its answer, out of all that can go wrong with a request."""

from physalia.errors import (
    Closed,
    ConditionFailed,
    LimitExceeded,
    OutcomeUnknown,
    Overloaded,
    SessionExpired,
    Unavailable,
    WrongCell,
)
from physalia.errors import InvalidRequest as Malformed
from physalia.errors import PhysaliaError as ClientError

__all__ = [
    "ClientError",
    "Closed",
    "ConditionFailed",
    "LimitExceeded",
    "Malformed",
    "OutcomeUnknown",
    "Overloaded",
    "SessionExpired",
    "Unavailable",
    "WrongCell",
]
