"""What a campaign saw."""

import hashlib
from collections import Counter

from attrs import Factory, define


@define
class Tally:
    """`digest` is over every disk that a process found, and over all that servers said: equal seeds give equal ones."""

    points: int = 0
    chains: int = 0
    reached: Counter[str] = Factory(Counter)
    digest: "hashlib._Hash" = Factory(hashlib.sha256)
