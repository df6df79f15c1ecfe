"""Reads that may be stale: any node shows what it knows, if that is no less than its client has seen (design rule R7).

They cost no place in the log and no message, and change nothing. What is shown is a prefix of what was decided, since a
node applies nothing else.
"""

from physalia.cell import Node
from physalia.model import Decline, Look, Scan, Scanned, Seen


def show(node: Node | None, asked: Look | Scan) -> Seen | Scanned | Decline:
    """What the node shows, or why it does not; None stands for a node that is not here, or is being read back."""
    if node is None:
        return Decline(asked.number, "unknown cell", "")
    if node.stopped:
        return Decline(asked.number, "stopped", "")
    prefix = node.prefix
    if prefix < asked.token:
        return Decline(asked.number, "behind", "")
    if isinstance(asked, Scan):
        return Scanned(asked.number, node.database.page(asked.prefix, asked.most_items, asked.page))
    return Seen(asked.number, prefix, tuple(node.database.items.now.get(key) for key in asked.keys))
