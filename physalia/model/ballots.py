"""Ballots: who may propose, and in which order of precedence."""

from typing import NamedTuple

from physalia.model.ids import NodeId


class Ballot(NamedTuple):
    """A ballot (design rule R2): totally ordered by `round`, then by `node`, which alone may use it."""

    round: int
    node: NodeId


NO_BALLOT = Ballot(0, 0)
"""Below every ballot: nothing promised, nothing voted for, nobody led."""
