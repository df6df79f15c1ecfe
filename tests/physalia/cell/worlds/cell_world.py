"""A small world for a cell: a disk that flushes, a network that keeps what was sent, and no time.

Every effect is carried out in order and checked: nothing leaves a node before the records that it depends on are on
disk. Every message goes through the codec.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from physalia.cell import Node
from physalia.model import (
    Accepted,
    Action,
    Answer,
    Ballot,
    Campaign,
    Change,
    Command,
    DurableRecord,
    Effect,
    Event,
    Flush,
    Known,
    Message,
    NodeId,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Receive,
    Reject,
    RequestId,
    Send,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    UsedBallot,
    Vote,
    Write,
)
from physalia.wire import decode_message, decode_record, encode_message, encode_record


def write(number: int, expects: int = 0, client: str = "c") -> Write:
    return Write(RequestId(client, number), expects, f"p{number}", f"r{number}")


def change(number: int, expects: int, members: Iterable[NodeId]) -> Change:
    return Change(RequestId("control", number), expects, frozenset(members))


def ignored(*effects: Effect) -> Step:
    return Step(Stutter("ignored"), effects)


def recorded(*effects: Effect) -> Step:
    return Step(Stutter("recorded"), effects)


def resent(*effects: Effect) -> Step:
    return Step(Stutter("resent"), effects)


def needs(message: Message, sender: NodeId) -> Callable[[DurableRecord], bool]:
    """The record that must be on disk before this message leaves its sender; messages that need none accept any."""
    match message:
        case Prepare(ballot):
            return lambda record: record == UsedBallot(ballot)
        case Promise(ballot, node) if node == sender:
            return lambda record: record == Promised(ballot)
        case Vote(ballot, slot, node) if node == sender:
            return lambda record: isinstance(record, Accepted) and (record.ballot, record.slot) == (ballot, slot)
        case Promise() | Vote():
            raise AssertionError(f"{sender} speaks for another node: {message}")
        case Proposal(ballot):
            return lambda record: record == UsedBallot(ballot)
        case _:
            return lambda record: True


class Disk:
    """Records in the order of writing; `flushed` of them are safe."""

    def __init__(self) -> None:
        self.records: list[DurableRecord] = []
        self.flushed = 0

    def carry_out(self, effects: Sequence[Effect], node: NodeId) -> Iterator[Effect]:
        """Store and flush; yield what leaves the node, once what it depends on is safe."""
        for effect in effects:
            match effect:
                case Store(record):
                    assert decode_record(encode_record(record)) == record
                    self.records.append(record)
                case Flush():
                    assert self.flushed < len(self.records), "a flush of nothing"
                    self.flushed = len(self.records)
                case Send() | Answer() | Reject():
                    unsafe = [record for record in self.records[self.flushed :] if not isinstance(record, Known)]
                    assert not unsafe, f"{effect} leaves before {unsafe} is on disk"
                    if isinstance(effect, Send):
                        found = filter(needs(effect.message, node), self.records[: self.flushed])
                        free = needs(effect.message, node)(Known(1, write(0)))
                        assert free or any(found), f"{effect} leaves without a record of it"
                    yield effect
        left = [record for record in self.records[self.flushed :] if not isinstance(record, Known)]
        assert not left, f"{left} is never flushed"

    def lose_known(self, keep: int) -> None:
        """A crash: of the `Known` records, those up to slot `keep` survive; the others were not waited for."""
        self.records = [record for record in self.records if not (isinstance(record, Known) and record.slot > keep)]
        self.flushed = len(self.records)


class World:
    """Nodes, their disks, and everything that was sent and not yet delivered."""

    def __init__(self, members: Iterable[NodeId], alpha: int, spares: Iterable[NodeId] = ()) -> None:
        self.first = frozenset(members)
        self.alpha = alpha
        self.nodes = {node: Node(node, self.first, alpha) for node in sorted({*self.first, *spares})}
        self.disks = {node: Disk() for node in self.nodes}
        self.network: list[tuple[NodeId, NodeId, Message]] = []
        self.answers: list[Answer | Reject] = []
        self.log: list[tuple[NodeId, str]] = []
        self.chosen: list[Command] = []
        self.sent: list[tuple[NodeId, NodeId, Message]] = []

    def do(self, node: NodeId, event: Event) -> Step:
        step = self.nodes[node].step(event)
        self.log.append((node, step.announces.name if isinstance(step.announces, Action) else step.announces.kind))
        for effect in self.disks[node].carry_out(step.effects, node):
            if isinstance(effect, Send):
                message = decode_message(encode_message(effect.message))
                assert message == effect.message
                self.network.append((node, effect.to, message))
                self.sent.append((node, effect.to, message))
            elif isinstance(effect, Answer | Reject):
                self.answers.append(effect)
        self._check(node)
        return step

    def _check(self, node: NodeId) -> None:
        known = self.nodes[node].known
        common = min(len(known), len(self.chosen))
        assert list(known[:common]) == self.chosen[:common], "two nodes know different decisions"
        self.chosen.extend(known[common:])

    def crash(self, node: NodeId, keep: int | None = None) -> None:
        """Crash and restart; `keep` is the known prefix that survives, all of it by default."""
        self.disks[node].lose_known(len(self.nodes[node].known) if keep is None else keep)
        self.nodes[node] = Node(node, self.first, self.alpha, self.disks[node].records)

    def campaign(self, node: NodeId) -> Ballot:
        ballot = self.nodes[node].next_ballot()
        self.do(node, Campaign(ballot))
        return ballot

    def perform_due(self) -> None:
        """Take internal steps until none is due anywhere."""
        while events := [(node, event) for node in self.nodes for event in self.nodes[node].due()]:
            node, event = events[0]
            assert isinstance(self.do(node, event).announces, Action), "what is due must be done"

    def settle(self, drop: Callable[[NodeId, NodeId, Message], bool] = lambda *_: False) -> None:
        """Deliver in order until nothing is left; what `drop` picks is lost."""
        self.perform_due()
        while self.network:
            sender, to, message = self.network.pop(0)
            if to in self.nodes and not drop(sender, to, message):
                self.do(to, Receive(sender, message))
                self.perform_due()

    def submit(self, node: NodeId, command: Command) -> Step:
        return self.do(node, Submit(command))  # type: ignore[arg-type]

    def decide(self, node: NodeId, *commands: Command) -> None:
        """Ask for one command after the other, each until nothing is left to do."""
        for command in commands:
            self.submit(node, command)
            self.settle()

    def tick(self, now_ms: int) -> None:
        for node in self.nodes:
            self.do(node, Tick(now_ms))

    def random_step(self, chance: random.Random) -> None:
        """Deliver, duplicate or lose any message in flight, or take any internal step that is due."""
        due = [(node, event) for node in self.nodes for event in self.nodes[node].due()]
        if due and (not self.network or chance.random() < 0.5):
            self.do(*chance.choice(due))
        elif self.network:
            place = chance.randrange(len(self.network))
            fate = chance.random()
            sender, to, message = self.network[place] if fate < 0.2 else self.network.pop(place)
            if fate < 0.85 and to in self.nodes:
                self.do(to, Receive(sender, message))
