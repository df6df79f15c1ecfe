"""Randomness that depends on a seed and on what it is for, and on nothing that was drawn before it."""

import hashlib
from random import Random


def random(seed: int, *purpose: object) -> Random:
    """A source of its own for each purpose: the same on every machine, whoever else draws meanwhile."""
    words = "/".join(map(str, (seed, *purpose)))
    return Random(int.from_bytes(hashlib.sha256(words.encode()).digest()[:16]))  # noqa: S311  # repeatable, no secret
