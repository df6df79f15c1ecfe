"""Names of things: nodes, slots, requests.

Limits on what may leave a process stand in `physalia.wire.limits`; inside one, integers are Python's.
"""

from typing import TypeAlias

from physalia.model.value import ordered

NodeId: TypeAlias = int
"""A node's incarnation (design rules R8 and R15): a positive integer, minted at random by whoever creates the node, and
never used again once the node lost its disk. So what is remembered of a node is remembered of this incarnation."""

CellId: TypeAlias = int
"""A cell's name: a positive integer."""

Life: TypeAlias = int
"""One life of a cell (design rule R15): a positive integer, minted at random when the cell is created."""

Slot: TypeAlias = int
"""A place in the log. The first slot is 1; a *prefix* `k` means slots 1 to `k`, and 0 is the empty prefix."""


@ordered
class RequestId:
    """Names one command: the `number`-th request of `client`. A client never gives one number to two commands."""

    client: str
    number: int
