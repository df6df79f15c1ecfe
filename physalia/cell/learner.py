"""The learner: what is known to be decided, and what follows from it (design rules R1 and R5).

Decisions are taken up in order. A notice of a later one is remembered; a node that sees a gap asks to be taught.

Each decision is taught to a node once in a tick (R9, R14). Whoever is told of one that it knows, or that comes out of
order, asks; if each question were answered, a lesson that arrives twice would make ten thousand messages.
"""

from attrs import Factory, define

from physalia.cell.configuration import Configurations
from physalia.cell.state import State
from physalia.cell.steps import IGNORED, RECORDED, resent
from physalia.model import Action, Ask, Command, Decision, Effect, Jury, Known, NodeId, Send, Slot, Step, Store, Told
from physalia.store import Store as Database

HEARD_AHEAD_SLOTS = 1024
"""Decisions further than this beyond what is known are not remembered: the node is taught what comes first."""

TAUGHT_AT_ONCE_SLOTS = 128
"""How many decisions one answer to `Ask` holds at most."""


@define
class Learner:
    """One node's `known`, with the state that it amounts to, and the configurations of its window.

    `first_unknown` is the slot after it, and `heard` has the decisions that were received and are not taken up yet.
    `taught` says up to which slot each node was taught since the last tick.
    """

    node: NodeId
    configurations: Configurations
    state: State
    known: list[Command] = Factory(list)
    first_unknown: Slot = 1
    heard: dict[Slot, Command] = Factory(dict)
    taught: dict[NodeId, Slot] = Factory(dict)

    @classmethod
    def create(
        cls, node: NodeId, first_members: frozenset[NodeId], alpha: int, store: Database | None = None
    ) -> "Learner":
        """A learner that knows nothing, with an empty store."""
        state = State(Jury(0, first_members), store=Database() if store is None else store.copy())
        return cls(node, Configurations.create(first_members, alpha), state)

    def copy(self) -> "Learner":
        """The same, sharing nothing that can change."""
        return Learner(
            self.node,
            self.configurations.copy(),
            self.state.copy(),
            self.known.copy(),
            self.first_unknown,
            self.heard.copy(),
            self.taught.copy(),
        )

    @property
    def prefix(self) -> Slot:
        """Len(known[n]): the last known slot, 0 for none."""
        return len(self.known)

    def learn(self, slot: Slot) -> tuple[Step, Told | None]:
        """Learn(n, i): take up the decision of the first unknown slot, which somebody else took; and the verdict."""
        if slot not in self.heard:
            return IGNORED, None
        if slot != self.first_unknown:
            return IGNORED, None
        value = self.heard[slot]
        verdict = self.append(value)
        return Step(Action("learn", (self.node, slot)), (Store(Known(slot, value)),)), verdict

    def unread(self) -> Slot | None:
        """The first unknown slot, if its decision was heard and this software does not understand it (R5)."""
        value = self.heard.get(self.first_unknown)
        return None if value is None or self.state.is_understood(value) else self.first_unknown

    def append(self, value: Command) -> Told | None:
        """Know the first unknown slot's decision; return the verdict. Raises `NotUnderstood`, and changes nothing."""
        verdict = self.state.apply(value)
        self.heard.pop(self.first_unknown, None)
        self.known.append(value)
        self.first_unknown += 1
        self.configurations.extend(self.state.jury.members)
        return verdict

    def record(self, sender: NodeId, decision: Decision) -> Step:
        """Remember a decision. One that was heard before is acknowledged, so that it is not sent for ever."""
        slot = decision.slot
        if slot < self.first_unknown:
            return resent([Send(sender, Ask(self.prefix))])
        if slot in self.heard or slot >= self.first_unknown + HEARD_AHEAD_SLOTS:
            return IGNORED
        self.heard[slot] = decision.value
        return RECORDED

    def ask(self, sender: NodeId, known_to_sender: Slot) -> tuple[Effect, ...]:
        """Ask the sender, who is known to know so many slots, if one of them is neither known here nor heard."""
        for slot in range(self.first_unknown, known_to_sender + 1):
            if slot not in self.heard:
                return (Send(sender, Ask(self.prefix)),)
        return ()

    def teach(self, sender: NodeId, ask: Ask) -> Step:
        """Answer with the decisions after the asking node's prefix, from memory (R9), each once in a tick.

        What is lost of a lesson is asked for again, and the next tick allows it.
        """
        first = max(ask.prefix, self.taught.get(sender, 0)) + 1
        last = min(self.prefix, ask.prefix + TAUGHT_AT_ONCE_SLOTS)
        if first > last:
            return IGNORED
        self.taught[sender] = last
        return resent([Send(sender, Decision(slot, self.known[slot - 1])) for slot in range(first, last + 1)])
