"""Which node lives on which server: as the charters of the cells say, which stand in the journal.

What is known of a cell at rest is that a node of it is here, and under which name (`Index`). Where the others live is
known of a node that is in memory. A node whose journal has no charter of it, from before there were any, is known by
the settings.
"""

from collections.abc import Iterable

from physalia.host import Charter, Host
from physalia.journal import NodeKey
from physalia.model import CellId, NodeId
from physalia.server.index import Index
from physalia.server.settings import CellPlan


def charter_of(plan: CellPlan) -> Charter:
    """What is fixed of a cell, out of the settings."""
    return Charter(plan.members, plan.alpha, tuple(sorted(plan.nodes.items())))


def key_on(server: int, plan: CellPlan) -> NodeKey | None:
    """The node of a cell that lives on a server."""
    return next((NodeKey(plan.cell, plan.life, node) for node, home in plan.nodes.items() if home == server), None)


class Atlas:
    """The cells as server `own` knows them: those that `host` has in memory, and `keys`, which may be at rest."""

    def __init__(self, own: int, host: Host, keys: Iterable[NodeKey] = ()) -> None:
        self.own = own
        self.index = Index(keys)
        self._host = host
        for cell in self.index.crowded():
            for key in sorted(self.index.all_of(cell), key=host.lasts):
                self.index.add(key)

    def here(self, cell: CellId) -> NodeKey | None:
        """The node of a cell that lives on this server, or the last one that left it."""
        return self.index.find(cell)

    def server_of(self, key: NodeKey, node: NodeId) -> int | None:
        """Where another node of the cell of node `key` lives; None if nobody told, or `key` is not in memory."""
        hosted = self._host.hosted(key)
        return None if hosted is None else hosted.homes.get(node)
