"""Lives: what another cell, life or incarnation said or wrote does not come in, and is counted."""

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from physalia.cell import Border, Foreign, Node
from physalia.model import (
    NO_BALLOT,
    Ballot,
    DurableRecord,
    Entry,
    Envelope,
    NodeId,
    Origin,
    Prepare,
    Promised,
    Receive,
    Send,
    Store,
)
from physalia.wire import decode_entry, decode_envelope, encode_entry, encode_envelope
from physalia.wire.limits import MAX_NATURAL
from tests.physalia.cell.worlds.cell_world import World, change, write

OWN = Origin(cell=5, life=77, node=2)
PREPARE = Prepare(Ballot(1, 1), 0)
STRANGERS: list[tuple[Origin, NodeId, Foreign]] = [
    (Origin(6, 77, 1), 2, "another cell"),
    (Origin(6, 78, 1), 3, "another cell"),
    (Origin(5, 78, 1), 2, "another life"),
    (Origin(5, 78, 1), 3, "another life"),
    (Origin(5, 77, 1), 3, "another incarnation"),
]


def test_what_is_meant_for_this_incarnation_comes_in() -> None:
    border = Border(OWN)
    assert border.receive(Envelope(Origin(5, 77, 1), 2, PREPARE)) == Receive(1, PREPARE)
    assert border.refused == {}


@pytest.mark.parametrize(("origin", "to", "why"), STRANGERS, ids=str)
def test_what_is_meant_for_another_is_refused_and_counted(origin: Origin, to: NodeId, why: Foreign) -> None:
    border = Border(OWN)
    for times in (1, 2):
        assert border.receive(Envelope(origin, to, PREPARE)) is None
        assert border.refused == {why: times}


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        (Origin(6, 77, 2), "another cell"),
        (Origin(5, 78, 2), "another life"),
        (Origin(5, 77, 3), "another incarnation"),
    ],
    ids=str,
)
def test_what_another_wrote_is_not_read(origin: Origin, why: Foreign) -> None:
    border = Border(OWN)
    assert border.read(Entry(origin, Promised(Ballot(1, 1)))) is None
    assert border.refused == {why: 1}
    assert border.read(Entry(OWN, Promised(Ballot(1, 1)))) == Promised(Ballot(1, 1))


def test_what_goes_out_says_whose_it_is() -> None:
    border = Border(OWN)
    assert border.send(Send(3, PREPARE)) == Envelope(OWN, 3, PREPARE)
    assert border.store(Store(Promised(Ballot(1, 1)))) == Entry(OWN, Promised(Ballot(1, 1)))


class Lived:
    """One life of a cell, with the envelopes that were sent in it and the journals that it left."""

    def __init__(self, life: int, members: Iterable[NodeId]) -> None:
        self.borders = {node: Border(Origin(5, life, node)) for node in members}
        world = World(self.borders, 2)
        world.campaign(min(self.borders))
        world.settle()
        world.decide(min(self.borders), write(1), write(2))
        self.sent = [
            encode_envelope(self.borders[sender].send(Send(to, message))) for sender, to, message in world.sent
        ]
        self.journals = {
            node: [encode_entry(self.borders[node].store(Store(record))) for record in disk.records]
            for node, disk in world.disks.items()
        }


def test_a_cell_made_anew_under_the_old_name_hears_and_reads_nothing_of_the_old_one() -> None:
    old = Lived(77, (1, 2, 3))
    new = {node: Border(Origin(5, 78, node)) for node in (1, 2, 3)}
    admitted: list[Receive] = []
    for data in old.sent:
        envelope = decode_envelope(data)
        admitted += [event] if (event := new[envelope.to].receive(envelope)) is not None else []
    read: list[DurableRecord] = []
    for owner, journal in old.journals.items():
        read += [record for data in journal if (record := new[owner].read(decode_entry(data))) is not None]
    assert (admitted, read) == ([], [])
    refused = sum((border.refused for border in new.values()), Counter[Foreign]())
    assert refused == {"another life": len(old.sent) + sum(map(len, old.journals.values()))}


def test_without_a_border_the_old_life_would_count_in_the_new_one() -> None:
    old = Lived(77, (1, 2, 3))
    node = Node(2, {1, 2, 3}, 2)
    for envelope in map(decode_envelope, old.sent):
        if envelope.to == 2:
            node.step(Receive(envelope.origin.node, envelope.message))
    assert node.promised != NO_BALLOT


def test_a_life_reads_its_own_journal_among_those_of_others() -> None:
    cells = [Lived(77, (1, 2, 3)), Lived(78, (1, 2, 3))]
    everything = [data for cell in cells for journal in cell.journals.values() for data in journal]
    random.Random(1).shuffle(everything)
    border = cells[1].borders[2]
    mine = [record for data in everything if (record := border.read(decode_entry(data))) is not None]
    wrote = [decode_entry(data).record for data in cells[1].journals[2]]
    assert sorted(map(repr, mine)) == sorted(map(repr, wrote))
    assert border.refused == {
        "another life": sum(map(len, cells[0].journals.values())),
        "another incarnation": len(cells[1].journals[1]) + len(cells[1].journals[3]),
    }


def test_incarnations_may_be_any_numbers() -> None:
    """Nothing in the core counts on small ids: the largest three make the same steps as 1, 2 and 3."""
    large = dict(zip((1, 2, 3, 4), (MAX_NATURAL - 3, MAX_NATURAL - 2, MAX_NATURAL - 1, MAX_NATURAL), strict=True))
    small = dict(zip(large, large, strict=True))
    logs = []
    for ids in (small, large):
        world = World((ids[1], ids[2], ids[3]), 2, spares=[ids[4]])
        world.campaign(ids[1])
        world.settle()
        world.decide(ids[1], change(1, 0, {ids[2], ids[3], ids[4]}), write(2), write(3), write(4))
        world.crash(ids[2])
        world.campaign(ids[4])
        world.settle()
        world.decide(ids[4], write(5))
        back = {node: number for number, node in ids.items()}
        logs.append([(back[node], kind) for node, kind in world.log])
        assert len(world.chosen) >= 5
    assert logs[0] == logs[1]
