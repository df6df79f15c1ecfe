"""Which node lives on which server: what the settings say, and what operators founded since."""

from collections.abc import Iterable, Iterator

from physalia.host import Charter
from physalia.journal import NodeKey
from physalia.model import CellId, NodeId
from physalia.server.settings import CellPlan


class Atlas:
    """The cells as server `own` knows them."""

    def __init__(self, own: int, plans: Iterable[CellPlan]) -> None:
        self.own = own
        self._plans: dict[CellId, CellPlan] = {}
        self._here: dict[CellId, NodeKey] = {}
        for plan in plans:
            self.add(plan)

    def add(self, plan: CellPlan) -> None:
        """A cell of which this server knows from now on."""
        self._plans[plan.cell] = plan
        for node, server in plan.nodes.items():
            if server == self.own:
                self._here[plan.cell] = NodeKey(plan.cell, plan.life, node)

    def plan(self, cell: CellId) -> CellPlan | None:
        """A cell as it was created; None for one of which nobody told this server."""
        return self._plans.get(cell)

    def here(self, cell: CellId) -> NodeKey | None:
        """The node of a cell that lives on this server."""
        return self._here.get(cell)

    def all_here(self) -> Iterator[tuple[NodeKey, Charter]]:
        """Every node of this server, with what was fixed when its cell was created."""
        for cell, key in self._here.items():
            plan = self._plans[cell]
            yield key, Charter(plan.members, plan.alpha)

    def server_of(self, cell: CellId, node: NodeId) -> int | None:
        """Where a node of a cell lives; None for one of which nobody told this server."""
        plan = self._plans.get(cell)
        return None if plan is None else plan.nodes.get(node)
