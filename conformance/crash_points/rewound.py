"""A disk that fell back: its node stops for good as soon as it is told of what the disk lacks (R15, R16).

The cell counts such a disk as lost. So this happens beside it, on a copy of the disk, and nothing that is said here
reaches anybody.
"""

from conformance.crash_points.disk import Disk
from conformance.crash_points.ledger import Violation
from conformance.crash_points.vfs import SimulatedVfs, mount
from conformance.crash_points.witness import Said
from physalia.cell import Node
from physalia.host import Charter, Host, Output
from physalia.journal import Journal, NodeKey
from physalia.model import (
    Campaign,
    Envelope,
    Message,
    NodeId,
    Origin,
    Prepare,
    Promise,
    Refusal,
    Tick,
    Vote,
)
from physalia.wire import encode_record

LATE_MS = 10_000_000


def expect_stop(vfs: SimulatedVfs, disk: Disk, server: int, key: NodeKey, charter: Charter, said: Said) -> bool:
    """Whether there was anything to tell the node, which `said` this before its disk fell back.

    Raises `Violation` if it does not stop then, says anything, or goes on after a restart.
    """
    journal = Journal(mount(vfs, disk), server, encode_record)
    if key not in journal.nodes():
        return False
    host, node = _start(journal, key, charter)
    told = _evidence(node, said)
    if told is None:
        return False
    sender, message = told
    name = f"node {key.incarnation}, whose disk fell back,"
    left = [*host.receive(Envelope(Origin(key.cell, key.life, sender), key.incarnation, message)), *_flush(host)]
    if not node.stopped:
        raise Violation(f"{name} is told of it by {message}, and does not stop")
    disk.cut_power(f"stopped {key}")
    again, node = _start(Journal(mount(vfs, disk), server, encode_record), key, charter)
    if not node.stopped:
        raise Violation(f"{name} has stopped for good, and goes on after a restart")
    for event in (Campaign(node.next_ballot()), Tick(0), Tick(LATE_MS)):
        left += [*again.step(key, event), *_flush(again)]
    if left:
        raise Violation(f"{name} has stopped for good, and still says {left[0]}")
    return True


def _start(journal: Journal, key: NodeKey, charter: Charter) -> tuple[Host, Node]:
    host = Host(journal)
    host.start(key, charter)
    node = host.node(key)
    assert node is not None, "a node that has just come back is there"
    return host, node


def _flush(host: Host) -> tuple[Output, ...]:
    host.gather().write(host.journal)
    return host.settle()


def _evidence(node: Node, said: Said) -> tuple[NodeId, Message] | None:
    """A message that tells of what the node said and does not remember, and from whom: mostly late words of its own."""
    own = node.node_id
    for slot, ballot in said.votes.items():
        vote = node.accepted.get(slot)
        if vote is None or vote.ballot < ballot:
            return own, Vote(ballot, slot, own)
    if said.promised > node.promised:
        return own, Promise(said.promised, own, (), 0)
    if node.next_ballot() <= said.used:
        return (own, Prepare(said.used, 0)) if said.used.round % 2 else (own + 1, Refusal(said.used, said.used))
    return None
