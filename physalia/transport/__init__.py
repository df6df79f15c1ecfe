"""Connections between processes: who speaks is proved, and what was said is said once.

No short message waits behind a long one. All but `connection`, `door` and `dialing` is sans-I/O, and what the messages
mean is nothing to this room.
"""

from physalia.transport.connection import Connection, Owner
from physalia.transport.dialing import Address, Target, Unproved, dial, keep_dialing
from physalia.transport.door import Door
from physalia.transport.handshake import (
    BUNDLES_SINCE,
    CLIENT,
    LACKS_SINCE,
    MOMENTS_SINCE,
    MOVES_SINCE,
    OPERATOR,
    SPOKEN,
    Agreed,
    Answerer,
    Dialer,
    Party,
    Versions,
)
from physalia.transport.keys import BadKeys, Key, KeyFile, KeyRing, Ring, Role
from physalia.transport.refused import Kind, Refusals, Refused
from physalia.transport.session import Session

__all__ = [
    "BUNDLES_SINCE",
    "CLIENT",
    "LACKS_SINCE",
    "MOMENTS_SINCE",
    "MOVES_SINCE",
    "OPERATOR",
    "SPOKEN",
    "Address",
    "Agreed",
    "Answerer",
    "BadKeys",
    "Connection",
    "Dialer",
    "Door",
    "Key",
    "KeyFile",
    "KeyRing",
    "Kind",
    "Owner",
    "Party",
    "Refusals",
    "Refused",
    "Ring",
    "Role",
    "Session",
    "Target",
    "Unproved",
    "Versions",
    "dial",
    "keep_dialing",
]
