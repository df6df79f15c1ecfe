"""How a node leaves its cell for good (design rule R11).

It holds what it voted for in trust, also for nodes that left before it. So it stays, and votes and teaches as ever,
until a majority of those who replaced it has durably learned every slot up to the last that it was a member for. Then
nothing is left of it but a pointer. How far others have learned they say when they are asked.
"""

from attrs import Factory, define, frozen

from physalia.cell.configuration import is_majority
from physalia.cell.learner import Learner
from physalia.cell.steps import IGNORED, RECORDED, resent, sends
from physalia.model import (
    Action,
    Ask,
    Change,
    Departed,
    Effect,
    Erase,
    Flush,
    HowFar,
    Learned,
    Left,
    NodeId,
    Send,
    Slot,
    Step,
    Store,
)


@frozen
class Duty:
    """Every slot up to `slot` is to be learned by a majority of these members, who are of the next one."""

    slot: Slot
    version: int
    members: frozenset[NodeId]


@define
class Leaving:
    """What a node that was told to leave waits for; `learned` is how far each node said it has learned durably.

    It is volatile: whoever told the node to leave tells it again.
    """

    duty: Duty | None = None
    learned: dict[NodeId, Slot] = Factory(dict)

    def copy(self) -> "Leaving":
        """The same, sharing nothing that can change."""
        return Leaving(self.duty, self.learned.copy())

    def leave(self, learner: Learner) -> Step:
        """The control plane lets the node go: ask everybody who has to have learned what it holds.

        A node that is a member as far as it knows asks the others what it does not know: that it is none any more.
        """
        node, jury = learner.node, learner.state.jury
        duty = _duty(learner)
        if duty is None:
            self.duty = None
            return resent(sends(jury.members - {node}, Ask(learner.prefix)))
        if self.duty is None or self.duty.members != jury.members:
            self.duty = duty
        asked: list[Effect] = sends(self.duty.members, HowFar())
        return resent(asked + sends(self.duty.members, Ask(learner.prefix)))

    def record(self, sender: NodeId, learned: Learned) -> Step:
        """Somebody says how far it has learned durably. What it said before holds as well."""
        if self.duty is None or sender not in self.duty.members or learned.slot <= self.learned.get(sender, -1):
            return IGNORED
        self.learned[sender] = learned.slot
        return RECORDED

    def due(self) -> list[Erase]:
        """That the node is gone, once it may be."""
        duty = self.duty
        return [Erase(duty.slot)] if duty is not None and self._is_done(duty) else []

    def erase(self, node: NodeId, slot: Slot) -> Step:
        """Erase(n, i): nothing is left but a pointer to those who replaced the node, durably, and all at once."""
        duty = self.duty
        if duty is None or duty.slot != slot:
            return IGNORED
        if not self._is_done(duty):
            return IGNORED
        effects = (Store(Left(duty.version, duty.members)), Flush(), Departed())
        return Step(Action("erase", (node, slot)), effects)

    def _is_done(self, duty: Duty) -> bool:
        return is_majority([node for node, slot in self.learned.items() if slot >= duty.slot], duty.members)


def settle(learner: Learner, asker: NodeId) -> Step:
    """Settle(n): flush all that is known, and say how far that is. What is flushed already is said at once."""
    said = Send(asker, Learned(learner.prefix))
    if learner.settled >= learner.prefix:
        return resent([said])
    learner.settled = learner.prefix
    return Step(Action("settle", (learner.node,)), (Flush(), said))


def _duty(learner: Learner) -> Duty | None:
    """What has to be learned before the node may go; None if it is a member yet, or was none ever, as far as it knows.

    That it promised or voted is no sign that it was one: so does a node that is to be one, before it knows that.

    Any slot will do from the last that it was a member for, and before one whose members it knows. It takes the first
    one if it knows the version of those; otherwise the last one, whose members are the jury.
    """
    node, configurations, jury = learner.node, learner.configurations, learner.state.jury
    served = configurations.last_of(node)
    if served == configurations.last or not learner.has_served:
        return None
    first = max(served, configurations.base)
    entries = max(0, first + 1 - configurations.alpha)
    is_newest = entries >= learner.known.base and not any(
        isinstance(command, Change) for command in learner.known[entries:]
    )
    slot = first if is_newest else configurations.last - 1
    return Duty(slot, jury.version, configurations.members(slot + 1))
