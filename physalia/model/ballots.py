"""Ballots: who may propose, and in which order of precedence."""

from attrs import frozen

from physalia.model.ids import NodeId


@frozen(order=True)
class Ballot:
    """A ballot (design rule R2): totally ordered by `round`, then by `node`, which alone may use it."""

    round: int
    node: NodeId


NO_BALLOT = Ballot(0, 0)
"""Below every ballot: nothing promised, nothing voted for, nobody led."""
