"""One node of a cell: proposer, acceptor and learner behind one `step`.

The node has no clock, socket, disk, thread or randomness. Events come in, effects go out, and one event is one step of
the step table. The roles talk by messages only, also inside a node: what it sends to itself the driver brings back, so
that its own vote counts only once it is durable.
"""

from collections.abc import Iterable

from physalia.cell.acceptor import Acceptor
from physalia.cell.forgetting import install, truncate
from physalia.cell.learner import Learner
from physalia.cell.life.leaving import Leaving, settle
from physalia.cell.loss import find_loss
from physalia.cell.memory import Key, Memory
from physalia.cell.proposer import Proposer
from physalia.cell.reads import Reads
from physalia.cell.recovery import recover
from physalia.cell.seen.shown import Shown
from physalia.cell.steps import IGNORED, resent, sends
from physalia.cell.stopping import turned_away, why, why_before
from physalia.model import (
    NO_BALLOT,
    Action,
    Answer,
    Ask,
    Ballot,
    Campaign,
    Chunk,
    Command,
    Consult,
    Decide,
    Decision,
    DurableRecord,
    Echo,
    Effect,
    Erase,
    Event,
    Flush,
    HowFar,
    Inquire,
    Install,
    Internal,
    Known,
    Learn,
    Learned,
    Leave,
    Left,
    Message,
    NodeId,
    NoOp,
    Peek,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Query,
    Receive,
    Refusal,
    Round,
    Send,
    Serve,
    Slot,
    Step,
    Stopped,
    Store,
    Stutter,
    Submit,
    Take,
    Tick,
    Truncate,
    Vote,
)
from physalia.store import NotUnderstood
from physalia.store import Store as Database

REJECTED = Stutter("rejected")
RESEND_AFTER_MS = 200
"""How long the proposer waits for an answer before it sends again, unless the node is told otherwise."""


class Node(Shown):
    """A cell's node, fresh or restarted from what its journal kept.

    `first_members` and `alpha` are fixed when the cell is created (design rule R1). `records` is what survived on disk,
    in the order of writing; raises `CorruptRecords` if no run can have left it, `ValueError` for impossible parameters.
    `store` is an empty database; its limits are fixed as well, and its version is that of the software.
    """

    def __init__(
        self,
        node_id: NodeId,
        first_members: Iterable[NodeId],
        alpha: int,
        records: Iterable[DurableRecord] = (),
        resend_after_ms: int = RESEND_AFTER_MS,
        store: Database | None = None,
    ) -> None:
        members = frozenset(first_members)
        if node_id < 1 or not members or min(members) < 1:
            raise ValueError("nodes are named by positive integers, and a cell has at least one")
        if alpha < 1 or resend_after_ms < 1:
            raise ValueError("alpha and resend_after_ms are at least 1")
        self.node_id = node_id
        self.resend_after_ms = resend_after_ms
        self._acceptor = Acceptor(node_id)
        self._learner = Learner.create(node_id, members, alpha, store)
        self._proposer = Proposer(self._learner)
        self._reads = Reads(self._proposer)
        self._resend_at_ms: int | None = None
        self._leaving = Leaving()
        stopped = recover(self._acceptor, self._proposer, records)
        self._pointer = stopped if isinstance(stopped, Left) else None
        self._stopped = "" if stopped is None else why(node_id, stopped)
        if not stopped and (unread := self._learner.unread()) is not None:
            self._stopped = why_before(self.node_id, unread)

    # Its memory as a whole, for those who explore what it may do

    @property
    def _memory(self) -> Memory:
        return Memory(
            self._acceptor, self._learner, self._proposer, self._reads, self._leaving, self._resend_at_ms,
            self._stopped, self._pointer,
        )  # fmt: skip

    def snapshot(self) -> Memory:
        """What this node remembers now, apart from it: nothing that the node does later changes it."""
        return self._memory.copy()

    def restore(self, snapshot: Memory) -> None:
        """Remember what the snapshot says, and nothing else. A snapshot can be restored again and again.

        It must come from a node of the same cell and id, or it would be nobody's; raises `ValueError` for another id.
        """
        if snapshot.acceptor.node != self.node_id:
            raise ValueError(f"this is node {self.node_id}, and the snapshot is of node {snapshot.acceptor.node}")
        memory = snapshot.copy()
        self._acceptor, self._learner, self._proposer = memory.acceptor, memory.learner, memory.proposer
        self._reads, self._leaving, self._resend_at_ms = memory.reads, memory.leaving, memory.resend_at_ms
        self._stopped, self._pointer = memory.stopped, memory.pointer

    def key(self) -> Key:
        """What this node remembers, as a value, to tell whether another of the same cell and id would behave alike."""
        return self._memory.key()

    # Steps

    def next_ballot(self) -> Ballot:
        """A ballot of this node that is above all that it used, promised or was refused for."""
        rounds = [ballot.round for ballot in self._proposer.used]
        return Ballot(max(self.promised.round, self._proposer.heard_round, *rounds) + 1, self.node_id)

    def due(self) -> tuple[Internal, ...]:
        """Every internal event that is enabled by what this node received; a function of its state alone."""
        if self._stopped:
            return ()
        learner, leads = self._learner, self._proposer.leadership.prepare.ballot != NO_BALLOT
        if not (leads or learner.heard or learner.transfers.coming or self._leaving.duty):
            return ()  # a member at rest, which is asked after every step
        events = self._proposer.due() if leads else []
        if leads and self._reads.is_busy:
            events += self._reads.due()
        slot = learner.first_unknown
        if slot in learner.heard:
            events.append(Learn(slot))
        if learner.transfers.coming:
            events += [Install(teacher, slot) for teacher, slot in learner.transfers.due()]
        if self._leaving.duty:
            events += self._leaving.due()
        return tuple(events)

    def step(self, event: Event) -> Step:  # noqa: PLR0912  # one case an event
        """Perform one event. What follows from it is due afterwards, and is a step of its own."""
        if self._stopped:
            return turned_away(event)
        if isinstance(event, Receive):  # first what is nearly all: a pattern that fails costs as much as a small step
            return self._receive(event.sender, event.message)
        if isinstance(event, Learn):
            return self._learn(event.slot)
        if isinstance(event, Propose):
            return self._sent(self._proposer.propose(event.ballot, event.slot, event.value))
        if isinstance(event, Decide):
            return self._decide(event.ballot, event.slot)
        if isinstance(event, Submit):
            return self._proposer.submit(event.command)
        match event:
            case Consult():
                return self._sent(self._reads.consult(event.ballot, event.read))
            case Serve():
                return self._sent(self._reads.serve(event.ballot, event.read))
            case Query():
                return self._reads.query(event)
            case Peek():
                return self._reads.peek(event)
            case Campaign():
                return self._campaign(event.ballot)
            case Truncate():
                return truncate(self._acceptor, self._learner, self._reads, event.slot)
            case Install():
                return install(self._acceptor, self._learner, self._proposer, self._reads, event.teacher, event.slot)
            case Inquire():
                return resent(sends(event.nodes - {self.node_id}, Ask(self._learner.prefix)))
            case Leave():
                return self._leaving.leave(self._learner)
            case Erase():
                return self._erase(event.slot)
            case Tick():
                return self._tick(event.now_ms)

    def _receive(self, sender: NodeId, message: Message) -> Step:
        """What tells nothing of this node itself, which is nearly everything, needs no comparison with memory."""
        if isinstance(message, Proposal):
            if message.ballot.node != self.node_id:
                return self._vote(sender, message)
        elif isinstance(message, Vote):
            if message.node != self.node_id and message.ballot == self._proposer.leadership.prepare.ballot:
                return self._proposer.record_vote(sender, message)
        elif isinstance(message, Decision):
            return self._asking(self._learner.record(sender, message), sender, message.slot)
        elif (step := self._hear(sender, message)) is not None:
            return step
        if loss := find_loss(message, self._acceptor, self._proposer):
            return self._stop(sender, loss)
        return self._answer(sender, message)

    def _hear(self, sender: NodeId, message: Message) -> Step | None:
        """What is said more rarely, if it tells nothing of this node itself."""
        match message:
            case Echo() if message.ballot == self._proposer.leadership.prepare.ballot:
                return self._reads.record_echo(sender, message)
            case Round() if message.ballot.node != self.node_id:
                return self._acceptor.echo(message) if sender == message.ballot.node else IGNORED
            case Ask():
                recorded = self._proposer.record_acknowledgement(sender, message.prefix)
                taught = self._learner.teach(sender, message)
                return self._asking(taught if taught.effects else recorded, sender, message.prefix)
            case Chunk():
                return self._learner.take(sender, message)
            case Take():
                return self._learner.lessons.go_on(sender, message)
            case HowFar():
                return settle(self._learner, sender)
            case Learned():
                return self._leaving.record(sender, message)
        return None

    def _answer(self, sender: NodeId, message: Message) -> Step:
        """What tells of acts of this node itself, all of which it remembers."""
        match message:
            case Proposal():
                return self._vote(sender, message)
            case Vote():
                return self._proposer.record_vote(sender, message)
            case Prepare():
                step = self._accept(self._acceptor.promise(message)) if sender == message.ballot.node else IGNORED
                if message.prefix < self._acceptor.floor:
                    step = self._telling(step, sender, message.ballot)
                return self._asking(step, sender, message.prefix)
            case Promise():
                return self._proposer.record_promise(sender, message)
            case Refusal():
                led = self._proposer.is_leading
                return self._left(self._proposer.record_refusal(sender, message), led=led)
            case Echo():
                return self._reads.record_echo(sender, message)
            case Round():
                return self._acceptor.echo(message) if sender == message.ballot.node else IGNORED
            case _:
                return IGNORED

    def _left(self, step: Step, *, led: bool) -> Step:
        """After what may show that nothing comes of the ballot any more: whoever waits is told that it is unknown (R6).

        A member hears of a higher ballot; one that was replaced may never hear of it. Readers are told by the clock.
        """
        rejects = self._proposer.doubts() if led and not self._proposer.is_leading else []
        if not rejects:
            return step
        return Step(step.announces if isinstance(step.announces, Action) else REJECTED, (*step.effects, *rejects))

    def _campaign(self, ballot: Ballot) -> Step:
        """Take over; reads that are under way are asked about again, under the new ballot."""
        step = self._sent(self._proposer.prepare(ballot, self.promised))
        if isinstance(step.announces, Action):
            self._learner.settled = self._learner.prefix
            self._reads.begin_again()
        return step

    def _vote(self, sender: NodeId, proposal: Proposal) -> Step:
        step = self._accept(self._acceptor.vote(proposal)) if sender == proposal.ballot.node else IGNORED
        if proposal.slot <= self._acceptor.floor:
            step = self._telling(step, sender, proposal.ballot)
        return self._asking(step, sender, proposal.slot - self._learner.configurations.alpha)

    def _telling(self, step: Step, sender: NodeId, ballot: Ballot) -> Step:
        """The step, and the last decision to the ballot's owner, who works at or below the floor: then it asks."""
        if sender == self.node_id or sender != ballot.node:
            return step
        last = Send(sender, Decision(self._learner.prefix, self._learner.known[-1]))
        return resent([last]) if step is IGNORED else Step(step.announces, (*step.effects, last))

    def _stop(self, teller: NodeId, loss: str) -> Step:
        """Do nothing ever again: what this node would do without the memory of what it did could undo a decision."""
        record = Stopped(teller, loss)
        self._stopped = why(self.node_id, record)
        return Step(Stutter("stopped", self._stopped), (Store(record), Flush(), *self._nobody_waits()))

    def _erase(self, slot: Slot) -> Step:
        """Leave for good; whoever waits here is told so."""
        step = self._leaving.erase(self.node_id, slot)
        for effect in step.effects:
            if isinstance(effect, Store) and isinstance(effect.record, Left):
                self._pointer, self._stopped = effect.record, why(self.node_id, effect.record)
                return Step(step.announces, (*step.effects, *self._nobody_waits()))
        return step

    def _stop_before(self, slot: Slot, value: Command) -> Step:
        """The decision is written down, so that the node stops before it again if it is started as it is (R5)."""
        self._stopped = why_before(self.node_id, slot)
        return Step(Stutter("stopped", self._stopped), (Store(Known(slot, value)), Flush(), *self._nobody_waits()))

    def _nobody_waits(self) -> list[Effect]:
        """Whoever waits for this node is told that it says nothing more (R6)."""
        return self._reads.give_up() + self._proposer.doubts()

    def _asking(self, step: Step, sender: NodeId, known_to_sender: Slot) -> Step:
        """The step, and a question to the sender if its message tells that it knows more."""
        if known_to_sender < self._learner.first_unknown:
            return step
        ask = self._learner.ask(sender, known_to_sender)
        return Step(step.announces, step.effects + ask) if ask else step

    def _accept(self, step: Step) -> Step:
        """After a promise or a vote: a lower ballot of one's own is over, and its reads; whoever waits is told so."""
        if isinstance(step.announces, Action):
            self._learner.settled = self._learner.prefix
        if self._proposer.fall_idle_below(self.promised):
            return Step(step.announces, (*step.effects, *self._reads.give_up(), *self._proposer.doubts()))
        return step

    def _decide(self, ballot: Ballot, slot: Slot) -> Step:
        led = self._proposer.is_leading
        try:
            return self._left(self._sent(self._proposer.decide(ballot, slot)), led=led)
        except NotUnderstood:
            return self._stop_before(slot, self._proposer.leadership.proposals[slot])

    def _learn(self, slot: Slot) -> Step:
        led = self._proposer.is_leading
        try:
            step, verdict = self._learner.learn(slot)
        except NotUnderstood:
            return self._stop_before(slot, self._learner.heard[slot])
        if not isinstance(step.announces, Action):
            return step
        value = self._learner.known.entries[-1]
        more: list[Effect] = []
        if self._proposer.waiting and value in self._proposer.waiting and not isinstance(value, NoOp):
            assert verdict is not None
            more.append(Answer(value.request, verdict))
        more += self._proposer.settle(slot, value)
        return self._left(self._sent(Step(step.announces, (*step.effects, *more)) if more else step), led=led)

    def _sent(self, step: Step) -> Step:
        """After an action of the proposer: what it sent is given its time before anything is sent again."""
        if isinstance(step.announces, Action):
            self._resend_at_ms = None
        return step

    def _tick(self, now_ms: int) -> Step:
        """Send again what nobody answered, `resend_after_ms` after the first tick that follows the last action.

        From a tick on everybody may be taught again.
        """
        self._learner.taught.clear()
        self._learner.lessons.tick()
        if self._resend_at_ms is not None and now_ms < self._resend_at_ms:
            return IGNORED
        is_due = self._resend_at_ms is not None
        self._resend_at_ms = now_ms + self.resend_after_ms
        if not is_due:
            return IGNORED
        if self._proposer.is_leading:
            return resent(self._proposer.unacknowledged() + self._reads.unanswered())
        rejects = self._reads.give_up()
        return Step(REJECTED, tuple(rejects)) if rejects else IGNORED
