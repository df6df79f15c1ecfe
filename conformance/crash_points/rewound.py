"""A disk that fell back: its node stops for good as soon as it is told of what the disk lacks (R15, R16).

The cell counts such a disk as lost. So this happens beside it, on a copy of the disk, and nothing that is said here
reaches anybody.
"""

from collections.abc import Iterator

from conformance.crash_points.disk import Disk
from conformance.crash_points.ledger import Violation
from conformance.crash_points.vfs import SimulatedVfs, mount, simulated_vfs
from conformance.crash_points.witness import Said
from physalia.cell import Node
from physalia.host import Charter, Host, Output
from physalia.journal import Journal, NodeKey
from physalia.model import (
    Accepted,
    Ballot,
    Campaign,
    DurableRecord,
    Envelope,
    Message,
    NodeId,
    NoOp,
    Origin,
    Prepare,
    Promise,
    Promised,
    Refusal,
    Report,
    Tick,
    UsedBallot,
    Vote,
)
from physalia.wire import encode_record

LATE_MS = 10_000_000
SERVER, KEY = 2, NodeKey(1, 3, 2)
CHARTER = Charter(frozenset({1, 2, 3}), 3)
OWN, OTHERS, LATER = Ballot(1, 2), Ballot(2, 1), Ballot(3, 2)
LOST: tuple[tuple[tuple[DurableRecord, ...], Said], ...] = (
    ((), Said(used=OWN)),
    ((), Said(used=Ballot(2, 2))),
    ((UsedBallot(OWN),), Said(used=OWN, promised=OTHERS)),
    ((Promised(OTHERS),), Said(promised=OTHERS, votes={1: OTHERS})),
    ((Accepted(OTHERS, 1, NoOp()),), Said(promised=OTHERS, votes={1: Ballot(3, 1)})),
    ((Accepted(OTHERS, 1, NoOp()),), Said(promised=OTHERS, votes={1: OTHERS, 2: OTHERS})),
    ((Promised(Ballot(2, 3)),), Said(used=LATER)),
)
"""What stands on a disk that fell back, and what its node said before: by nothing, by one vote, by one ballot more."""


def wrongly_awake() -> Iterator[str]:
    """Nodes that go on after each of these, as sentences."""
    with simulated_vfs() as vfs:
        for records, said in LOST:
            try:
                if not expect_stop(vfs, disk_with(vfs, *records), SERVER, KEY, CHARTER, said):
                    yield f"of a disk with {records} nobody can tell that it is not what was said: {said}"
            except Violation as violation:
                yield str(violation)


def disk_with(vfs: SimulatedVfs, *records: DurableRecord) -> Disk:
    """A disk on which a node has just these records."""
    disk = Disk("rewound")
    files = mount(vfs, disk)
    Journal.create(files, SERVER)
    journal = Journal(files, SERVER, encode_record)
    journal.admit(KEY)
    journal.append([(KEY, record) for record in records])
    journal.flush()
    disk.cut_power("rewound")
    return disk


def expect_stop(vfs: SimulatedVfs, disk: Disk, server: int, key: NodeKey, charter: Charter, said: Said) -> bool:
    """Whether there was anything to tell the node, which `said` this before its disk fell back.

    Whatever can be told is told to a node of its own. Raises `Violation` if one does not stop then, says anything, or
    goes on after a restart.
    """
    journal = Journal(mount(vfs, disk.copy()), server, encode_record)
    if key not in journal.nodes():
        return False
    _, node = _start(journal, key, charter)
    told = list(_evidence(node, said))
    for sender, message in told:
        _tell(vfs, disk.copy(), server, key, charter, sender, message)
    return bool(told)


def _tell(
    vfs: SimulatedVfs, disk: Disk, server: int, key: NodeKey, charter: Charter, sender: NodeId, message: Message
) -> None:
    host, node = _start(Journal(mount(vfs, disk), server, encode_record), key, charter)
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


def _start(journal: Journal, key: NodeKey, charter: Charter) -> tuple[Host, Node]:
    host = Host(journal)
    host.start(key, charter)
    node = host.node(key)
    assert node is not None, "a node that has just come back is there"
    return host, node


def _flush(host: Host) -> tuple[Output, ...]:
    host.gather().write(host.journal)
    return host.settle()


def _evidence(node: Node, said: Said) -> Iterator[tuple[NodeId, Message]]:
    """Messages that tell of what the node said and does not remember, and from whom.

    Late words of its own; what others promised or voted under its ballots; and a refusal of an earlier ballot of its
    own by somebody who promised one that it used later.
    """
    own = node.node_id
    for slot, ballot in said.votes.items():
        vote = node.accepted.get(slot)
        if vote is None or vote.ballot < ballot:
            yield own, Vote(ballot, slot, own)
            yield own, Promise(max(ballot, node.promised), own, (Report(slot, ballot, NoOp()),), 0)
            break
    if said.promised > node.promised:
        yield own, Promise(said.promised, own, (), 0)
    if node.next_ballot() <= said.used:
        used, other = said.used, own + 1
        yield own, Prepare(used, 0)
        yield other, Refusal(used, used)
        yield other, Vote(used, 1, other)
        yield other, Promise(max(used, Ballot(used.round, other)), other, (Report(1, used, NoOp()),), 0)
        if used.round > 1 and Ballot(used.round - 1, own) <= node.promised:
            yield other, Refusal(Ballot(used.round - 1, own), used)
