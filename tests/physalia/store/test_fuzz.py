"""Whatever is asked and whatever is said, no exception comes out of the core.

Nodes are given transactions of every kind, among them what is none, and messages whose bytes were damaged on their way.
What the damage says may be wrong, and then nodes may differ: here they have to live on, no more.
"""

from collections import Counter
from itertools import count
from random import Random
from typing import Any

import pytest

from physalia.cell import Node
from physalia.model import (
    Answer,
    Campaign,
    Decide,
    DurableRecord,
    Event,
    Execute,
    Learn,
    NoOp,
    Propose,
    Receive,
    Reject,
    Send,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    Unread,
)
from physalia.store import Store as Database
from physalia.wire import CodecError, decode_command, decode_message, encode_command, encode_message
from tests.physalia.store.random_logs import random_log
from tests.physalia.store.strategies import SMALL
from tests.physalia.store.test_door import BAD

NODES = (1, 2, 3)


class Fuzz:
    """Three nodes, what is under way between them, and what they are asked."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.records: dict[int, list[DurableRecord]] = {node: [] for node in NODES}
        self.nodes = {node: self.start(node) for node in NODES}
        self.packets: list[tuple[int, int, bytes]] = []
        self.commands = random_log(self.random, 60)
        self.seen: Counter[str] = Counter()

    def start(self, node: int) -> Node:
        return Node(node, NODES, 3, self.records[node], store=Database(SMALL))

    def damaged(self, data: bytes) -> bytes:
        copy = bytearray(data)
        for _ in range(self.random.choice((1, 1, 2, 5))):
            copy[self.random.randrange(len(copy))] = self.random.getrandbits(8)
        return bytes(copy)

    def command(self) -> Any:
        """One that is well made, one that is not, or one whose bytes were damaged."""
        command = self.random.choice(self.commands)
        match self.random.randrange(4):
            case 0:
                return self.random.choice(BAD)[0]
            case 1:
                try:
                    return decode_command(self.damaged(encode_command(command)))
                except CodecError:
                    return Execute(command.request, self.random.choice((1, 2)), Unread(self.random.randbytes(4)))
        return command

    def event(self, node: int) -> Event | None:
        one = self.nodes[node]
        match self.random.randrange(12):
            case 0 | 1:
                self.seen["submitted"] += 1
                return Submit(self.command())
            case 2 if self.random.random() < (0.01 if self.leader() else 0.5):
                return Campaign(one.next_ballot())
            case 3:
                return Tick(self.random.randrange(10**6))
            case 4:
                slot, ballot = len(one.known) + self.random.randint(0, 4), one.active
                return self.random.choice((Learn(slot), Decide(ballot, slot), Propose(ballot, max(1, slot), NoOp())))
            case 5 | 6 | 7 if due := one.due():
                return self.random.choice(due)
        return None

    def leader(self) -> int | None:
        return next((node for node, one in self.nodes.items() if one.is_leading), None)

    def step(self) -> None:
        """Mostly the leader is asked, and what is due is done: else hardly anything would be decided."""
        leader = self.leader()
        node = leader if leader is not None and self.random.random() < 0.6 else self.random.choice(NODES)
        event = self.event(node)
        if event is None and self.packets:
            sender, node, data = self.packets.pop(self.random.randrange(len(self.packets)))
            if self.random.random() < 0.02:
                data = self.damaged(data)
                self.seen["damaged"] += 1
            self.seen["received"] += 1
            try:
                event = Receive(sender, decode_message(data))
            except CodecError:
                self.seen["refused by the codec"] += 1
        if event is None:
            return
        self.carry_out(node, self.nodes[node].step(event))
        self.nodes[node].digest()
        self.nodes[node].key()
        if self.random.random() < 0.005:
            self.nodes[node] = self.start(node)

    def carry_out(self, node: int, step: Step) -> None:
        self.seen[step.announces.kind if isinstance(step.announces, Stutter) else step.announces.name] += 1
        for effect in step.effects:
            match effect:
                case Store(record):
                    self.records[node].append(record)
                case Send(to, message) if to in NODES:
                    self.packets.append((node, to, encode_message(message)))
                case Answer(_, told):
                    self.seen[f"answered {type(told).__name__}"] += 1
                case Reject(_, reason):
                    self.seen[f"rejected {reason if isinstance(reason, str) else reason.fault}"] += 1


STEPS = 600
"""Of one run: then it begins anew, since what was damaged may have stopped everybody."""
WANTED = (
    "damaged", "refused by the codec", "decide", "learn", "stopped", "answered Done", "answered Refused",
    "answered Opened", "rejected invalid", "rejected limit", "rejected not understood",
)  # fmt: skip


def fuzz(least: int) -> Counter[str]:
    """Runs until so many transactions were asked for, and so many messages received."""
    seen: Counter[str] = Counter()
    for seed in count():
        run = Fuzz(seed)
        for _ in range(STEPS):
            run.step()
        seen += run.seen
        if min(seen["submitted"], seen["received"]) >= least:
            return seen
    raise AssertionError("somebody stopped counting")


def test_no_exception_comes_out_of_the_core() -> None:
    seen = fuzz(2_000)
    assert all(seen[what] for what in WANTED), seen


@pytest.mark.slow
def test_no_exception_comes_out_of_the_core_in_a_long_run() -> None:
    """A hundred thousand of each. Some of what was asked for is done: else nothing came as far as the store."""
    seen = fuzz(100_000)
    assert all(seen[what] > 10 for what in WANTED), seen
    assert seen["answered Done"] > seen["submitted"] // 1_000, seen
