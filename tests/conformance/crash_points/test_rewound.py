"""A node whose disk fell back is told of it, and stops for good; what does not is seen."""

from collections.abc import Callable, Iterator

import pytest

from conformance.crash_points.ledger import Violation
from conformance.crash_points.rewound import CHARTER, KEY, LOST, OTHERS, OWN, disk_with, expect_stop, wrongly_awake
from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from conformance.crash_points.witness import Said
from physalia.cell import Node, loss, recovery
from physalia.host import Host
from physalia.journal import NodeKey
from physalia.model import Accepted, DurableRecord, NoOp, Promise, Refusal, Step, Stopped, Stutter, UsedBallot


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as found:
        yield found


@pytest.mark.parametrize(("records", "said"), LOST)
def test_a_node_stops_for_good_when_it_is_told_of_what_its_disk_lacks(
    vfs: SimulatedVfs, records: tuple[DurableRecord, ...], said: Said
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


@pytest.mark.parametrize(
    ("blind", "what"),
    [
        (lambda message, *_: isinstance(message, Promise) and bool(message.accepted), "Promise"),
        (lambda message, *_: isinstance(message, Refusal) and message.ballot < message.promised, "Refusal"),
    ],
)
def test_a_node_that_does_not_look_into_what_others_say_is_seen(
    monkeypatch: pytest.MonkeyPatch, blind: Callable[..., bool], what: str
) -> None:
    assert list(wrongly_awake()) == []
    find = loss.find_loss
    monkeypatch.setattr("physalia.cell.node.find_loss", lambda *told: "" if blind(*told) else find(*told))
    told = list(wrongly_awake())
    assert told
    assert all(f"is told of it by {what}(" in one for one in told)
