"""Who reaches whom, for many volumes at once: the words of ``physalia.blast_radius.definition`` as arrays.

Each row is a volume; its servers are the instance, the primary, the replica (or the old copy of a volume that is served
by one copy alone) and the cell.
"""

from itertools import product

import numpy as np
from attrs import frozen

from physalia.blast_radius.fates import Bools, Seen
from physalia.blast_radius.network import NOWHERE
from physalia.fleet.rules import NOBODY

FIRST_NODE = 3


@frozen(eq=False)
class Standing:
    """Whether the instance is up, reaches the copies, these each other, and which of them reaches a majority."""

    up: Bools
    primary: Bools
    replica: Bools
    joined: Bools
    primary_asks: Bools
    replica_asks: Bools


def standing(seen: Seen) -> Standing:
    """Where these volumes stand."""
    majority = (seen.servers.shape[1] - FIRST_NODE) // 2 + 1
    up = (seen.pieces[:, 0] != NOWHERE).any(axis=1) & seen.alive[:, 0]
    asks = [_nodes(seen, copy) >= majority for copy in (1, 2)]
    return Standing(up, reach(seen, 0, 1), reach(seen, 0, 2), reach(seen, 1, 2), asks[0], asks[1])


def reach(seen: Seen, one: int, other: int) -> Bools:
    """Whether the servers at two places of each row reach each other."""
    first, second = seen.pieces[:, one], seen.pieces[:, other]
    joined = np.zeros(len(first), dtype=np.bool_)
    for at, to in product(range(first.shape[1]), range(second.shape[1])):
        joined |= (first[:, at] == second[:, to]) & (first[:, at] != NOWHERE)
    there = (seen.servers[:, one] != NOBODY) & (seen.servers[:, other] != NOBODY)
    same = (seen.servers[:, one] == seen.servers[:, other]) & seen.alive[:, one]
    found: Bools = (joined | same) & there
    return found


def _nodes(seen: Seen, copy: int) -> np.ndarray:
    """How many nodes of the cell the server at a place reaches."""
    found = np.zeros(len(seen.servers), dtype=np.int64)
    for node in range(FIRST_NODE, seen.servers.shape[1]):
        found += reach(seen, copy, node)
    return found
