"""Random runs of one node of a tiny cell, which meets everything that can be said there, its restarts included."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import evolve

from physalia.cell import Memory, Node
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Action,
    Ask,
    Ballot,
    Campaign,
    Chunk,
    Command,
    Decide,
    Decision,
    DurableRecord,
    Echo,
    Erase,
    Event,
    Install,
    Learn,
    Learned,
    Leave,
    Message,
    NodeId,
    NoOp,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Propose,
    Query,
    Receive,
    Refusal,
    Report,
    RequestId,
    Round,
    Send,
    Step,
    Store,
    Submit,
    Take,
    Tick,
    Truncate,
    UsedBallot,
    Vote,
)
from physalia.store import LIMITS
from physalia.store import Store as Database
from tests.physalia.cell.worlds.cell_world import change, write

ME, ALPHA, MEMBERS = 1, 2, (1, 2, 3)
ONE, TWO, SWAP = write(1), write(2), change(3, 0, {1, 2, 4})
OUT = change(4, 0, {2, 3, 4})
"""It removes the node itself."""
OWN, ALIEN, AGAIN = Ballot(1, ME), Ballot(2, 2), Ballot(3, ME)
OLD, OLDER = Ballot(0, 3), Ballot(0, 2)
REPORTS = ((), (Report(1, OLD, ONE),), (Report(1, OLDER, TWO),), (Report(2, OLD, TWO),))
LATE_MS = 10**6
"""Every timer has run out by then."""


MakeNode = Callable[[NodeId, Iterable[NodeId], int, Iterable[DurableRecord], int], Node]


def fresh(make: MakeNode = Node, journal: Iterable[DurableRecord] = ()) -> Node:
    return make(ME, MEMBERS, ALPHA, journal, 100)


def everything() -> list[Event]:
    """All that can be done to the node, in time or not, meant for it or not, but for one thing.

    Nobody asks how far it has learned: the answer depends on up to where a flush was asked for, and no key has that.
    """
    events: list[Event] = [Campaign(OWN), Campaign(AGAIN), Submit(ONE), Submit(TWO), Submit(SWAP)]
    for ballot in (OWN, ALIEN, AGAIN):
        owner = ballot.node
        events += [Receive(owner, Prepare(ballot, 0))]
        events += [Receive(owner, Proposal(ballot, slot, value)) for slot in (1, 2) for value in (ONE, TWO)]
    for ballot in (OWN, AGAIN):
        for sender in (1, 2, 3, 4):
            events += [Receive(sender, Promise(ballot, sender, reports, 0)) for reports in REPORTS]
            events += [Receive(sender, Vote(ballot, slot, sender)) for slot in (1, 2)]
            events += [Receive(sender, Refusal(ballot, Ballot(4, 2)))]
        events += [Propose(ballot, 1, value) for value in (ONE, TWO, NoOp())]
        events += [Propose(ballot, 2, TWO), Decide(ballot, 1), Decide(ballot, 2)]
    decisions = [Decision(1, ONE), Decision(1, SWAP), Decision(1, OUT), Decision(2, TWO), Decision(3, NoOp())]
    events += [Receive(2, decision) for decision in decisions]
    events += [Receive(sender, Ask(prefix)) for sender in (2, 4) for prefix in (0, 1)]
    events += [Query(RequestId("reader", number)) for number in (1, 2)]
    for ballot in (OWN, ALIEN, AGAIN):
        events += [Receive(ballot.node, Round(ballot, 1))]
        events += [Receive(sender, Echo(ballot, read, sender)) for sender in (1, 2, 3) for read in (1, 2)]
    events += [Receive(sender, chunk) for sender in (2, 3) for chunk in lesson(SWAP, TWO)]
    events += [Receive(sender, Take(slot, rows)) for sender in (2, 4) for slot in (1, 2) for rows in (1, 2)]
    events += [Leave(), Erase(2)]
    events += [Receive(sender, Learned(slot)) for sender in (2, 3, 4) for slot in (1, 2)]
    return [*events, Truncate(1), Truncate(2), Install(2, 2), Install(3, 2), Learn(1), Learn(2)]


def lesson(*log: Command) -> list[Chunk]:
    """The chunks in which a node that knows this log teaches it, one row each."""
    teacher = Node(2, MEMBERS, ALPHA, store=Database(evolve(LIMITS, chunk_bytes=1)))
    for slot, value in enumerate(log, start=1):
        teacher.step(Receive(3, Decision(slot, value)))
        teacher.step(Learn(slot))
    teacher.step(Truncate(len(log)))
    chunks: list[Chunk] = []
    question: Message = Ask(0)
    while sent := [effect.message for effect in teacher.step(Receive(3, question)).effects if isinstance(effect, Send)]:
        chunks += [message for message in sent if isinstance(message, Chunk)]
        question = Take(chunks[-1].slot, chunks[-1].first + len(chunks[-1].rows))
    return chunks


EVERYTHING = everything()
LESSON = lesson(SWAP, TWO)


def is_possible(event: Event, journal: Sequence[DurableRecord]) -> bool:
    """Whether somebody can have sent this, given what the node itself has on disk, and so may have told."""
    match event:
        case Receive(1, Promise(ballot, accepted=reports)):
            return Promised(ballot) in journal and not reports
        case Receive(1, Vote(ballot, slot)):
            votes = [record for record in journal if isinstance(record, Accepted)]
            return any((vote.ballot, vote.slot) == (ballot, slot) for vote in votes)
        case Receive(
            _,
            Prepare(ballot) | Promise(ballot) | Proposal(ballot) | Vote(ballot) | Refusal(ballot)
            | Round(ballot) | Echo(ballot),
        ):  # fmt: skip
            return ballot.node != ME or UsedBallot(ballot) in journal
        case _:
            return True


def is_of(event: Event, ballot: Ballot) -> bool:
    """Whether it is said of the ballot."""
    return isinstance(event, Receive) and getattr(event.message, "ballot", None) == ballot


class Run:
    """A node, its journal, and the events that led it to where it is; whatever is stored is flushed."""

    def __init__(self, make: MakeNode = Node) -> None:
        self.make = make
        self.node = fresh(make)
        self.journal: list[DurableRecord] = []
        self.possible = [event for event in EVERYTHING if is_possible(event, ())]
        self.now_ms = 0
        self.takes: list[Event] = []
        """The chunks that the node asked for last."""

    def do(self, event: Event) -> Step:
        if isinstance(event, Tick):
            self.now_ms = event.now_ms
        step = self.node.step(event)
        self.takes = [
            Receive(effect.to, chunk)
            for effect in step.effects
            if isinstance(effect, Send) and isinstance(effect.message, Take)
            for chunk in LESSON
            if chunk.first == effect.message.rows
        ]
        if stored := [effect.record for effect in step.effects if isinstance(effect, Store)]:
            self.journal += stored
            self.possible = [event for event in EVERYTHING if is_possible(event, self.journal)]
        return step

    def restart(self) -> None:
        self.node = fresh(self.make, self.journal)

    def fork(self, snapshot: Memory) -> "Run":
        """Another run, which comes from where this one was."""
        other = Run(self.make)
        other.node.restore(snapshot)
        other.journal, other.possible, other.now_ms = self.journal.copy(), self.possible, self.now_ms
        return other

    def advance(self, chance: random.Random) -> Step | None:
        """One random event, or now and then a restart. What is due is often done, so that runs get somewhere."""
        if chance.random() < 0.02:
            self.restart()
            return None
        return self.do(any_event(self, chance))


def any_event(run: Run, chance: random.Random) -> Event:
    due = run.node.due()
    if due and chance.random() < 0.6:
        return chance.choice(due)
    if run.takes and chance.random() < 0.5:
        return chance.choice(run.takes)
    if chance.random() < 0.1:
        return Tick(run.now_ms + chance.choice((1, 60, 200)))
    if run.node.active == NO_BALLOT and chance.random() < 0.2:
        return chance.choice(EVERYTHING[:2])
    helpful = [event for event in run.possible if is_of(event, run.node.active)]
    return chance.choice(helpful if helpful and chance.random() < 0.7 else run.possible)


def runs(number: int, length: int, seed: int, make: MakeNode = Node) -> Iterator[Run]:
    """Every state of so many runs of so many events, one after the other."""
    chance = random.Random(seed)
    for _ in range(number):
        run = Run(make)
        for _ in range(length):
            run.advance(chance)
            yield run


def kind(step: Step) -> str:
    return step.announces.name if isinstance(step.announces, Action) else step.announces.kind
