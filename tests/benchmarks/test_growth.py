"""What is kept and passed over is not walked: a command and a read take as many calls after many slots as after few."""

import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

from benchmarks.growth import decide
from physalia.cell import Node
from physalia.model import Campaign, Event, Execute, OpenSession, Put, Query, RequestId, Submit, Transact, Transaction
from physalia.store import VERSION
from tests.conformance.lockstep.broken_cells import Fault, break_cell

FEW, MANY = 30, 300


def put(number: int) -> Submit:
    transaction = Transaction((), (Put("key", 1),))
    return Submit(Execute(RequestId("client", number), VERSION, Transact(2, transaction)))


def leader(kind: Any = Node) -> Node:
    """The only member of a cell, which leads, and in which a session is open."""
    node: Node = kind(1, {1}, 1, [])
    decide(node, Campaign(node.next_ballot()))
    assert decide(node, Submit(Execute(RequestId("nobody", 0), VERSION, OpenSession()))) == 1
    assert decide(node, Submit(Execute(RequestId("client", 0), VERSION, OpenSession()))) == 1
    return node


def lines_of(node: Node, event: Event) -> int:
    """How many lines of Python the event takes, with all that follows from it; a walk in C is one line."""
    counted: Counter[str] = Counter()

    def count(_: FrameType, what: str, __: Any) -> Any:
        counted[what] += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        decide(node, event)
    finally:
        sys.settrace(before)
    return counted["line"]


def costs(node: Node) -> tuple[list[int], list[int]]:
    """The lines of a command and of a read, after few slots and after many."""
    commands, reads, number = [], [], 0
    for size in (FEW, MANY):
        while len(node.known) < size:
            number += 1
            assert decide(node, put(number)) == 1
        number += 1
        commands.append(lines_of(node, put(number)))
        reads.append(lines_of(node, Query(RequestId("reader", number))))
    return commands, reads


def test_a_command_and_a_read_cost_the_same_after_many_slots() -> None:
    commands, reads = costs(leader())
    assert commands[0] == commands[1] > 0
    assert reads[0] == reads[1] > 0


WALKS = (
    Fault("walks-the-log", "learner", "        self.known.entries.append(value)\n",
          "        assert all(one is not None for one in self.known)\n        self.known.entries.append(value)\n"),
    Fault("walks-the-votes", "reads", "        leadership = self.proposer.leadership\n",
          "        assert all(self.proposer.learner.configurations.members(at + 1) for at in range(slot - 1))\n"
          "        leadership = self.proposer.leadership\n"),
)  # fmt: skip


@pytest.mark.parametrize(("fault", "which"), list(zip(WALKS, (0, 1), strict=True)), ids=lambda one: str(one)[:40])
def test_a_node_that_walks_what_it_keeps_is_seen(fault: Fault, which: int) -> None:
    found = costs(leader(break_cell(fault)))[which]
    assert found[1] > found[0] + MANY - FEW - 10
