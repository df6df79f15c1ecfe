"""The world in which nodes come and go: they are made by order, leave for good, and lose their disks (R8, R11, R15).

A node is an incarnation. Whoever is ordered to make one opens its journal: what is found there decides, so that the
order that comes once more makes nothing. Of a node that left its journal is there for ever, and the node that starts
from it is silent; what is meant for a node that is not there is lost. Those who change the members know what they do,
for no rule of the cell could stop them: whoever was replaced never comes back, and no change is asked for that the lost
disks would make a cell without a majority.
"""

from typing import ClassVar

from attrs import evolve

from conformance.refutation import Refuted
from conformance.world.orders import Create, LoseDisk
from conformance.world.outcomes import Outcome, Trouble
from conformance.world.scenario import Deliver, Duplicate, Forge, Give, Given, Happening, Haunt, Lose, Stray
from conformance.world.world import NotPossible, World
from physalia.model import Action, Change, Erase, Event, NodeId, Stutter, Submit


def juries(world: World) -> list[frozenset[NodeId]]:
    """The members as each effective change made them, as far as anybody knew."""
    found = [world.setup.members]
    for command in world.decided:
        if isinstance(command, Change) and command.expects == len(found) - 1:
            found.append(command.members)
    return found


def brings_back(world: World, expects: int, members: frozenset[NodeId]) -> bool:
    """Whether a change may bring back somebody who was replaced, when it is decided."""
    so_far = juries(world)
    replaced = frozenset[NodeId]().union(*so_far) - so_far[-1]
    return expects >= len(so_far) or (expects == len(so_far) - 1 and bool(members & replaced))


class LeavingWorld(World):
    """`World`, whose nodes come and go."""

    ABSENT: ClassVar[str] = "there is no node {}, and there never will be"

    def apply(self, happening: Happening) -> tuple[Outcome, ...]:
        """As for every world; what a node does that had left before is marked."""
        left = frozenset(self.departed)
        return tuple(
            evolve(one, has_left=True) if one.node in left and not one.is_issue else one
            for one in super().apply(happening)
        )

    def _apply(self, happening: Happening) -> tuple[Outcome, ...]:
        match happening:
            case Create(node):
                return self._create(node)
            case LoseDisk(node):
                return (self._lose_disk(node),)
            case Give(node, Erase() as event) if event in self.due.get(node, ()):
                return self._erase(node, event)
            case Deliver() | Duplicate() | Forge() | Stray() | Haunt() if happening.receiver not in self.nodes:
                self._find(happening.sender, happening.receiver, happening.message)
                is_gone = isinstance(happening, Deliver)
                lost = Lose(happening.sender, happening.receiver, happening.message)
                return super()._apply(lost) if is_gone else ()
            case _:
                return super()._apply(happening)

    def may_lose(self, node: NodeId) -> bool:
        """Whether the cell survives the loss of this node's disk, and there is one to lose."""
        return node in self.nodes and node not in self.departed and self.survives(node)

    def _must_be_about_nodes(self, event: Given) -> None:
        super()._must_be_about_nodes(event)
        match event:
            case Submit(Change(expects=expects, members=members)):
                if brings_back(self, expects, members):
                    raise NotPossible(f"of the nodes {sorted(members)} some were replaced, or may be by then")

    def _create(self, node: NodeId) -> tuple[Outcome, ...]:
        """A node is made; or it is here, and nothing happens; or only its pointer is, and it stays as it is."""
        if node not in self.disks or node in self.lost:
            raise NotPossible(self.ABSENT.format(node))
        if node in self.departed:
            return (self._begin_anew(node, self.disks[node].survivors(0)[0], "late order"),)
        if node in self.nodes:
            return ()
        self.queues[node] = []
        self.nodes[node] = self._restart(node, ())
        self.due[node] = self._due(node)
        return (Outcome(node, None, Action("create", (node,))),)

    def _lose_disk(self, node: NodeId) -> Outcome:
        if not self.may_lose(node):
            raise NotPossible(f"the disk of node {node} is not to be lost")
        self.lost.add(node)
        for things in (self.nodes, self.queues, self.due):
            del things[node]
        self.full.discard(node)
        return Outcome(node, None, Action("lose", (node,)))

    def _erase(self, node: NodeId, event: Erase) -> tuple[Outcome, ...]:
        """All that waits is flushed and sent, and then the node goes; on a full disk it is read back, and stays."""
        if node in self.full:
            return (self._begin_anew(node, self.disks[node].survivors(0)[0], "full disk"),)
        flushed = tuple(self._end_flush(node) for _ in tuple(self.queues[node]))
        return (*flushed, self._step(node, event))

    def _step(self, node: NodeId, event: Event) -> Outcome:
        had_left = node in self.departed
        outcome = super()._step(node, event)
        if node not in self.departed or had_left:
            return outcome
        disk = self.disks[node]
        if disk.unasked or not disk.asked.left:
            raise Refuted(f"node {node} leaves before what is left of it is durable")
        disk.flush(len(disk.data))
        self.queues[node].clear()
        return evolve(outcome, waits=False)

    def _begin_anew(self, node: NodeId, records: int, trouble: Trouble) -> Outcome:
        outcome = super()._begin_anew(node, records, trouble)
        return evolve(outcome, announces=Stutter("restarted")) if node in self.departed else outcome
