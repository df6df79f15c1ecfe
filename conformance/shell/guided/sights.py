"""What a run of the shell shows to those who watch it: steps of nodes, messages that come to servers, and deeds."""

from typing import TypeAlias, TypeVar

from attrs import frozen

from conformance.shell.colony import Colony
from conformance.shell.mirror import Mirror
from conformance.shell.script import Event
from conformance.world.outcomes import Outcome
from physalia.model import Envelope, NodeId
from physalia.model import Event as Given

T = TypeVar("T", bound=Given)
What: TypeAlias = Outcome | Envelope | Event


@frozen
class Sight:
    """Something that happened: a step of a node of the cell of `mirror`, a message that came to `server`, or a deed."""

    colony: Colony
    what: What
    server: str = ""
    mirror: Mirror | None = None

    @property
    def step(self) -> tuple[Mirror, Outcome] | None:
        """The step of a node, if it was one."""
        if isinstance(self.what, Outcome) and self.mirror is not None:
            return self.mirror, self.what
        return None

    @property
    def done(self) -> tuple[str, ...]:
        """What was done to the colony, in words; nothing if it was no deed."""
        return self.what.words if isinstance(self.what, Event) else ()

    def given(self, kind: type[T]) -> tuple[Mirror, NodeId, T] | None:
        """The cell, the node and the event, if a node was given one of this kind."""
        if isinstance(self.what, Outcome) and self.mirror is not None and isinstance(self.what.event, kind):
            return self.mirror, self.what.node, self.what.event
        return None

    def is_up(self, server: str) -> bool:
        """Whether a process runs on a server's machine."""
        return self.colony.machines[server].is_up

    def home(self, cell: int, node: NodeId) -> str:
        """The server on which a node of a cell is, or was; empty if there is none by that name."""
        names = {machine.number: name for name, machine in self.colony.machines.items()}
        for move, _ in self.colony.moves.begun:
            if (move.cell, move.joins) == (cell, node):
                return names[move.to]
        plan = next(plan for plan in self.colony.plans if plan.cell == cell)
        return names.get(plan.nodes.get(node, 0), "")

    def leads(self, cell: int, node: NodeId) -> bool:
        """Whether that very node leads its cell."""
        home = self.home(cell, node)
        if not home or self.colony.leader(cell) != home:
            return False
        here = self.colony.node(home, cell)
        return here is not None and here.node_id == node
