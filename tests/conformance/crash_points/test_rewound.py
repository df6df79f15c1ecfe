"""A node whose disk fell back is told of it, and stops for good; what does not is seen."""

from collections.abc import Iterator

import pytest

from conformance.crash_points.disk import Disk
from conformance.crash_points.ledger import Violation
from conformance.crash_points.rewound import expect_stop
from conformance.crash_points.vfs import SimulatedVfs, mount, simulated_vfs
from conformance.crash_points.witness import Said
from physalia.cell import Node, recovery
from physalia.host import Charter, Host
from physalia.journal import Journal, NodeKey
from physalia.model import Accepted, Ballot, DurableRecord, NoOp, Promised, Step, Stopped, Stutter, UsedBallot
from physalia.wire import encode_record

KEY = NodeKey(1, 3, 2)
CHARTER = Charter(frozenset({1, 2, 3}), 3)
OWN, OTHERS = Ballot(1, 2), Ballot(2, 1)


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as found:
        yield found


def disk_with(vfs: SimulatedVfs, *records: DurableRecord) -> Disk:
    disk = Disk("rewound")
    files = mount(vfs, disk)
    Journal.create(files, 2)
    journal = Journal(files, 2, encode_record)
    journal.admit(KEY)
    journal.append([(KEY, record) for record in records])
    journal.flush()
    disk.cut_power("rewound")
    return disk


LOST = [
    ([], Said(used=OWN)),
    ([], Said(used=Ballot(2, 2))),
    ([UsedBallot(OWN)], Said(used=OWN, promised=OTHERS)),
    ([Promised(OTHERS)], Said(promised=OTHERS, votes={1: OTHERS})),
    ([Accepted(OTHERS, 1, NoOp())], Said(promised=OTHERS, votes={1: Ballot(3, 1)})),
]


@pytest.mark.parametrize(("records", "said"), LOST)
def test_a_node_stops_for_good_when_it_is_told_of_what_its_disk_lacks(
    vfs: SimulatedVfs, records: list[DurableRecord], said: Said
) -> None:
    assert expect_stop(vfs, disk_with(vfs, *records), 2, KEY, CHARTER, said)


def test_there_is_nothing_to_tell_a_node_that_remembers_all_or_was_not_born_yet(vfs: SimulatedVfs) -> None:
    disk = disk_with(vfs, UsedBallot(OWN), Accepted(OTHERS, 1, NoOp()))
    said = Said(used=OWN, promised=OTHERS, votes={1: OTHERS})
    assert not expect_stop(vfs, disk, 2, KEY, CHARTER, said)
    assert not expect_stop(vfs, disk_with(vfs), 2, NodeKey(1, 3, 7), CHARTER, said)


def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("physalia.cell.node.find_loss", lambda *_: "")


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Node._stop

    def without_record(self: Node, teller: int, loss: str) -> Step:
        stop(self, teller, loss)
        return Step(Stutter("stopped", ""), ())

    monkeypatch.setattr(Node, "_stop", without_record)


def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Host.step

    def goes_on(self: Host, key: NodeKey, event: object) -> object:
        node = self.node(key)
        if node is not None:
            node._stopped = ""
        return step(self, key, event)  # type: ignore[arg-type]

    monkeypatch.setattr(Host, "step", goes_on)


def ignorant(monkeypatch: pytest.MonkeyPatch) -> None:
    recover = recovery.recover

    def without_stops(acceptor: object, proposer: object, records: list[DurableRecord]) -> None:
        recover(acceptor, proposer, [one for one in records if not isinstance(one, Stopped)])  # type: ignore[arg-type]

    monkeypatch.setattr("physalia.cell.node.recover", without_stops)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (deaf, "does not stop"),
        (forgetful, "goes on after a restart"),
        (ignorant, "goes on after a restart"),
        (talkative, "and still says|does not stop"),
    ],
)
def test_a_node_that_does_not_is_seen(
    vfs: SimulatedVfs, monkeypatch: pytest.MonkeyPatch, fault: object, words: str
) -> None:
    disk = disk_with(vfs)
    fault(monkeypatch)  # type: ignore[operator]
    with pytest.raises(Violation, match=words):
        expect_stop(vfs, disk, 2, KEY, CHARTER, Said(used=OWN))
