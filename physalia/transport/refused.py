"""What is refused at the door, by kind. Nobody is told: the connection closes without a word, and is counted here."""

from collections import Counter
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "garbage", "version", "key", "role", "server", "mac", "oversized", "malformed", "truncated", "slow", "crowd"
]
"""`garbage` is no handshake at all, `version` one of an unknown protocol; `key`, `role` and `server` are handshakes
with a key that is not in the ring, that is for another kind of party, or that are meant for, or said to be from, a
server whose key it is not. `mac` is
whatever was not said by who has the key, in this place of this connection: forged, changed, replayed, left out, out
of order. `oversized` is beyond a limit, `malformed` authentic and yet nonsense, `truncated` an end in the middle,
`slow` a handshake that took too long, and `crowd` one that had to go for newer ones."""


class Refused(Exception):
    """These bytes are not believed. Whoever receives them closes the connection and says nothing."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind: Kind = kind


class Refusals(Counter[Kind]):
    """How many connections were closed, by why."""
