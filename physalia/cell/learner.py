"""The learner: what is known to be decided, and what follows from it (design rules R1 and R5).

Decisions are taken up in order. A notice of a later one is remembered; a node that sees a gap asks to be taught.

Each decision is taught to a node once in a tick (R9, R14). Whoever is told of one that it knows, or that comes out of
order, asks; if each question were answered, a lesson that arrives twice would make ten thousand messages.
"""

from attrs import Factory, define

from physalia.cell.configuration import Configurations
from physalia.cell.image import Landing, rows_of, weight_of
from physalia.cell.log import Log
from physalia.cell.state import State
from physalia.cell.steps import IGNORED, RECORDED, resent
from physalia.cell.teaching import Lessons, Transfers, stretch
from physalia.model import (
    Action,
    Ask,
    Chunk,
    Command,
    Decision,
    Effect,
    Jury,
    Known,
    NodeId,
    Row,
    Send,
    Slot,
    Step,
    Store,
    Told,
)
from physalia.store import Store as Database

HEARD_AHEAD_SLOTS = 1024
"""Decisions further than this beyond what is known are not remembered: the node is taught what comes first."""

TAUGHT_AT_ONCE_SLOTS = 128
"""How many decisions one answer to `Ask` holds at most, if they weigh no more than the store's limit of a lesson."""


@define
class Learner:
    """One node's `known`, with the state that it amounts to, and the configurations of its window.

    `first_unknown` is the slot after it, and `heard` has the decisions that were received and are not taken up yet.
    `taught` says up to which slot each node was taught since the last tick. `lessons` teaches what is dropped
    from the log, and `transfers` are the snapshots of others that come in.
    """

    node: NodeId
    configurations: Configurations
    state: State
    empty: Database
    known: Log = Factory(Log)
    first_unknown: Slot = 1
    heard: dict[Slot, Command] = Factory(dict)
    taught: dict[NodeId, Slot] = Factory(dict)
    lessons: Lessons = Factory(Lessons)
    transfers: Transfers = Factory(Transfers)
    settled: Slot = 0
    """Up to which slot this node has asked for a flush of what it knows; what it says later waits for that."""
    too_new: Slot = 0
    """The slot of a snapshot on this node's own disk that later software wrote; 0 for none."""

    @classmethod
    def create(
        cls, node: NodeId, first_members: frozenset[NodeId], alpha: int, store: Database | None = None
    ) -> "Learner":
        """A learner that knows nothing, with an empty store."""
        empty = Database() if store is None else store
        state = State(Jury(0, first_members), store=empty.copy())
        return cls(node, Configurations.create(first_members, alpha), state, empty)

    def copy(self) -> "Learner":
        """The same, sharing nothing that can change."""
        return Learner(
            self.node,
            self.configurations.copy(),
            self.state.copy(),
            self.empty,
            self.known.copy(),
            self.first_unknown,
            self.heard.copy(),
            self.taught.copy(),
            self.lessons.copy(),
            self.transfers.copy(),
            self.settled,
            self.too_new,
        )

    @property
    def prefix(self) -> Slot:
        """Len(known[n]): the last known slot, 0 for none."""
        return self.first_unknown - 1

    @property
    def has_served(self) -> bool:
        """Whether this node is or was a member for some slot, as far as it knows."""
        return self.node in self.state.served

    def learn(self, slot: Slot) -> tuple[Step, Told | None]:
        """Learn(n, i): take up the decision of the first unknown slot, which somebody else took; and the verdict."""
        if slot not in self.heard:
            return IGNORED, None
        if slot != self.first_unknown:
            return IGNORED, None
        value = self.heard[slot]
        verdict = self.append(value)
        return Step(Action("learn", (self.node, slot)), (Store(Known(slot, value)),)), verdict

    def take(self, teacher: NodeId, chunk: Chunk) -> Step:
        """Part of a snapshot came."""
        return self.transfers.record(teacher, chunk, self.prefix, self.configurations.alpha, self.empty)

    def image(self) -> tuple[Row, ...]:
        """The rows of a snapshot of all that this node knows; it knows at least one slot."""
        return rows_of(self.state, self.configurations, self.known[-1])

    def truncate(self, floor: Slot) -> None:
        """Keep of the log what comes after slot `floor`, and the entry there, of which others may have to be told.

        All that is known stands in a snapshot that is flushed.
        """
        self.settled = self.prefix
        self.known.truncate(floor - 1)

    def land(self, landing: Landing) -> None:
        """Know everything up to the slot of a snapshot. What was heard of slots up to there is of no use any more."""
        self.state = landing.state.copy()
        self.known = Log(landing.slot - 1, [landing.last])
        self.first_unknown, self.settled = landing.slot + 1, landing.slot
        self.configurations.jump(landing.slot, landing.configurations)
        self.heard = {slot: value for slot, value in self.heard.items() if slot > landing.slot}
        self.transfers.forget_up_to(landing.slot)

    def unread(self) -> Slot | None:
        """The first unknown slot, if its decision was heard and this software does not understand it (R5)."""
        value = self.heard.get(self.first_unknown)
        if self.too_new:
            return self.too_new
        return None if value is None or self.state.is_understood(value) else self.first_unknown

    def append(self, value: Command) -> Told | None:
        """Know the first unknown slot's decision; return the verdict. Raises `NotUnderstood`, and changes nothing."""
        verdict = self.state.apply(value)
        self.heard.pop(self.first_unknown, None)
        self.known.entries.append(value)
        self.first_unknown += 1
        self.configurations.extend(self.state.jury.members)
        if self.transfers.coming:
            self.transfers.forget_up_to(self.prefix)
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

        What is lost of a lesson is asked for again, and the next tick allows it. Who asks for what is dropped is taught
        the snapshot, and so is who lacks more than one lesson, if what it lacks weighs more than the snapshot.
        """
        if ask.prefix < self.known.base:
            return self._teach_snapshot(sender, ask)
        first = max(ask.prefix, self.taught.get(sender, 0)) + 1
        last = min(self.prefix, ask.prefix + TAUGHT_AT_ONCE_SLOTS)
        if first > last:
            return IGNORED
        last, size_bytes = stretch(self.known, ask.prefix, last, self.empty.limits.lesson_bytes)
        if last < self.prefix:
            lacking_bytes = size_bytes * (self.prefix - ask.prefix) // (last - ask.prefix)
            if lacking_bytes > weight_of(self.state):
                return self._teach_snapshot(sender, ask)
        if first > last:
            return IGNORED
        self.taught[sender] = last
        return resent([Send(sender, Decision(slot, self.known[slot - 1])) for slot in range(first, last + 1)])

    def _teach_snapshot(self, sender: NodeId, ask: Ask) -> Step:
        return self.lessons.begin(sender, ask.prefix, self.known, self.image, self.empty.limits.chunk_bytes)
