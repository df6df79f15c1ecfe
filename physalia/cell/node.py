"""One node of a cell: proposer, acceptor and learner behind one `step`.

The node has no clock, socket, disk, thread or randomness. Events come in, effects go out, and one event is one step of
the step table. The roles talk by messages only, also inside a node: what it sends to itself the driver brings back, so
that its own vote counts only once it is durable.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from physalia.cell.acceptor import Acceptor
from physalia.cell.learner import Learner
from physalia.cell.proposer import Proposer
from physalia.cell.recovery import recover
from physalia.cell.steps import IGNORED, resent
from physalia.model import (
    Accepted,
    Action,
    Answer,
    Ask,
    Ballot,
    Campaign,
    Command,
    Decide,
    Decision,
    DurableRecord,
    Event,
    Internal,
    Learn,
    Message,
    NodeId,
    NoOp,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Receive,
    Refusal,
    Slot,
    Step,
    Submit,
    Tick,
    Vote,
)

RESEND_AFTER_MS = 200
"""How long the proposer waits for an answer before it sends again, unless the node is told otherwise."""


class Node:
    """A cell's node, fresh or restarted from what its journal kept.

    `first_members` and `alpha` are fixed when the cell is created (design rule R1). `records` is what survived on disk,
    in the order of writing; raises `CorruptRecords` if no run can have left it, `ValueError` for impossible parameters.
    """

    def __init__(
        self,
        node_id: NodeId,
        first_members: Iterable[NodeId],
        alpha: int,
        records: Iterable[DurableRecord] = (),
        resend_after_ms: int = RESEND_AFTER_MS,
    ) -> None:
        members = frozenset(first_members)
        if node_id < 1 or not members or min(members) < 1:
            raise ValueError("nodes are named by positive integers, and a cell has at least one")
        if alpha < 1 or resend_after_ms < 1:
            raise ValueError("alpha and resend_after_ms are at least 1")
        self.node_id = node_id
        self.resend_after_ms = resend_after_ms
        self._acceptor = Acceptor(node_id)
        self._learner = Learner.create(node_id, members, alpha)
        self._proposer = Proposer(self._learner)
        self._resend_at_ms: int | None = None
        recover(self._acceptor, self._proposer, records)

    # The state of the step table

    @property
    def promised(self) -> Ballot:
        """promised[n]: the highest ballot that was promised or voted under."""
        return self._acceptor.promised

    @property
    def accepted(self) -> Mapping[Slot, Accepted]:
        """accepted[n]: the last vote in each slot that has one. Not a copy."""
        return self._acceptor.accepted

    @property
    def active(self) -> Ballot:
        """active[n]: the ballot that this node leads, NO_BALLOT when it is idle."""
        return self._proposer.active

    @property
    def known(self) -> Sequence[Command]:
        """known[n]: the decided prefix, slot 1 first. Not a copy."""
        return self._learner.known

    # Steps

    def next_ballot(self) -> Ballot:
        """A ballot of this node that is above all that it used, promised or was refused for."""
        rounds = [ballot.round for ballot in self._proposer.used]
        return Ballot(max(self.promised.round, self._proposer.heard_round, *rounds) + 1, self.node_id)

    def due(self) -> tuple[Internal, ...]:
        """Every internal event that is enabled by what this node received; a function of its state alone."""
        slot = self._learner.first_unknown
        learn: list[Internal] = [Learn(slot)] if slot in self._learner.heard else []
        return (*self._proposer.due(), *learn)

    def step(self, event: Event) -> Step:
        """Perform one event. What follows from it is due afterwards, and is a step of its own."""
        match event:
            case Receive(sender, message):
                return self._receive(sender, message)
            case Propose(ballot, slot, value):
                return self._sent(self._proposer.propose(ballot, slot, value))
            case Decide(ballot, slot):
                return self._sent(self._proposer.decide(ballot, slot))
            case Learn(slot):
                return self._learn(slot)
            case Submit(command):
                return self._proposer.submit(command)
            case Campaign(ballot):
                return self._sent(self._proposer.prepare(ballot, self.promised))
            case Tick(now_ms):
                return self._tick(now_ms)

    def _receive(self, sender: NodeId, message: Message) -> Step:
        step = self._handle(sender, message)
        ask = self._learner.ask(sender, self._known_to_sender(message))
        return evolve(step, effects=step.effects + ask) if ask else step

    def _handle(self, sender: NodeId, message: Message) -> Step:
        match message:
            case Prepare(ballot):
                return self._accept(self._acceptor.promise(message)) if sender == ballot.node else IGNORED
            case Promise():
                return self._proposer.record_promise(sender, message)
            case Proposal(ballot):
                return self._accept(self._acceptor.vote(message)) if sender == ballot.node else IGNORED
            case Vote():
                return self._proposer.record_vote(sender, message)
            case Decision():
                return self._learner.record(sender, message)
            case Refusal():
                return self._proposer.record_refusal(sender, message)
            case Ask(prefix):
                recorded = self._proposer.record_acknowledgement(sender, prefix)
                taught = self._learner.teach(sender, message)
                return taught if taught.effects else recorded

    def _known_to_sender(self, message: Message) -> Slot:
        """Up to which slot the sender knows everything, as far as its message tells."""
        match message:
            case Prepare(prefix=prefix) | Ask(prefix):
                return prefix
            case Proposal(slot=slot):
                return slot - self._learner.configurations.alpha
            case Decision(slot):
                return slot
            case _:
                return 0

    def _accept(self, step: Step) -> Step:
        """After a promise or a vote: a lower ballot of one's own is over."""
        self._proposer.fall_idle_below(self.promised)
        return step

    def _learn(self, slot: Slot) -> Step:
        step = self._learner.learn(slot)
        if not isinstance(step.announces, Action):
            return step
        value = self._learner.known[-1]
        effects = step.effects
        if value in self._proposer.waiting and not isinstance(value, NoOp):
            effects += (Answer(value.request, self._learner.state.verdicts[value]),)
        return self._sent(evolve(step, effects=(*effects, *self._proposer.settle(slot, value))))

    def _sent(self, step: Step) -> Step:
        """After an action of the proposer: what it sent is given its time before anything is sent again."""
        if isinstance(step.announces, Action):
            self._resend_at_ms = None
        return step

    def _tick(self, now_ms: int) -> Step:
        """Send again what nobody answered, `resend_after_ms` after the first tick that follows the last action."""
        if self._resend_at_ms is not None and now_ms < self._resend_at_ms:
            return IGNORED
        is_due = self._resend_at_ms is not None
        self._resend_at_ms = now_ms + self.resend_after_ms
        return resent(self._proposer.unacknowledged()) if is_due else IGNORED
