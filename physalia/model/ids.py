"""Names of things: nodes, slots, requests.

Limits on what may leave a process stand in `physalia.wire.limits`; inside one, integers are Python's.
"""

from typing import TypeAlias

from attrs import frozen

NodeId: TypeAlias = int
"""A node's incarnation (design rule R8): a positive integer, never used again once the node lost its disk."""

Slot: TypeAlias = int
"""A place in the log. The first slot is 1; a *prefix* `k` means slots 1 to `k`, and 0 is the empty prefix."""


@frozen(order=True)
class RequestId:
    """Names one command: the `number`-th request of `client`. A client never gives one number to two commands."""

    client: str
    number: int
