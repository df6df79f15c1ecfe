"""Reads: a node shows what it knows, if that is no less than its client has seen (design rule R7).

They cost no place in the log, and change nothing. What is shown is a prefix of what was decided, since a node applies
nothing else. One that may be stale any node shows at once, without a message; one that may not, the leader shows after
a round that began after it was asked. The pages of a scan are of one moment, so only the first has such a round.
"""

from physalia.cell import Node
from physalia.model import Decline, Look, Scan, ScannedAt, Seen, Slot


def needs_round(asked: Look | Scan) -> bool:
    """Whether the leader has to ask the others before it shows this."""
    return asked.is_strict and not (isinstance(asked, Scan) and asked.page is not None)


def show(node: Node | None, asked: Look | Scan, least: Slot = 0) -> Seen | ScannedAt | Decline:
    """What the node shows, or why it does not; None stands for a node that is not here, or is being read back.

    It shows no state before slot `least`, which was confirmed, although it may have begun anew since with less.
    """
    if node is None:
        return Decline(asked.number, "unknown cell", "")
    if node.stopped:
        return Decline(asked.number, "stopped", "")
    prefix = node.prefix
    if prefix < max(asked.token, least):
        return Decline(asked.number, "behind", "")
    if isinstance(asked, Scan):
        page = node.database.page(asked.prefix, asked.most_items, asked.page)
        return ScannedAt(asked.number, page, prefix if asked.page is None else asked.page.slot)
    return Seen(asked.number, prefix, tuple(node.database.items.now.get(key) for key in asked.keys))
