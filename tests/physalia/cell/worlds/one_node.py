"""One node on its own: what it is told, and what it is expected to do."""

from physalia.cell import Node
from physalia.model import (
    Action,
    Ballot,
    Campaign,
    Command,
    Decision,
    Learn,
    Message,
    Prepare,
    Promise,
    Proposal,
    Receive,
    Reject,
    Report,
    Send,
    Step,
    Stutter,
    Vote,
)
from tests.physalia.cell.worlds.cell_world import write

ONE, TWO, THREE, FOUR = write(1), write(2), write(3), write(4)
B = Ballot(1, 1)
OLD, OLDER = Ballot(0, 3), Ballot(0, 2)


def fresh(alpha: int = 2, members: tuple[int, ...] = (1, 2, 3)) -> Node:
    return Node(1, members, alpha, resend_after_ms=100)


def hear(node: Node, message: Message, sender: int) -> Step:
    return node.step(Receive(sender, message))


def promise(node: Node, sender: int, *reports: Report, ballot: Ballot = B, floor: int = 0) -> Step:
    """The sender's promise comes; the node's own one after it was given."""
    if sender == node.node_id and node.promised < ballot:
        hear(node, Prepare(ballot, 0), sender)
    return hear(node, Promise(ballot, sender, reports, floor), sender)


def vote(node: Node, sender: int, slot: int, ballot: Ballot = B) -> Step:
    """The sender's vote comes; the node's own one after it was given."""
    if sender == node.node_id and slot in node._proposer.leadership.proposals:
        hear(node, Proposal(ballot, slot, node._proposer.leadership.proposals[slot]), sender)
    return hear(node, Vote(ballot, slot, sender), sender)


def leader(alpha: int = 2, members: tuple[int, ...] = (1, 2, 3), ballot: Ballot = B) -> Node:
    """A node that campaigned, and has no promise yet."""
    node = fresh(alpha, members)
    assert node.step(Campaign(ballot)).announces == Action("prepare", (ballot,))
    return node


def elected(alpha: int = 2, members: tuple[int, ...] = (1, 2, 3), reports: tuple[Report, ...] = ()) -> Node:
    """A leader with the promises of 1 and 2."""
    node = leader(alpha, members)
    promise(node, 1)
    promise(node, 2, *reports)
    return node


def proposed(slot: int, value: Command, to: tuple[int, ...] = (1, 2, 3)) -> Step:
    return Step(Action("propose", (B, slot, value)), tuple(Send(node, Proposal(B, slot, value)) for node in to))


def rejected(command: Command, reason: str) -> Step:
    return Step(Stutter("rejected"), (Reject(command.request, reason),))  # type: ignore[union-attr, arg-type]


def learn(node: Node, slot: int, value: Command) -> Step:
    hear(node, Decision(slot, value), 2)
    return node.step(Learn(slot))
