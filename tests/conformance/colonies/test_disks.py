"""The judge of disks finds journals that are not whole, nodes that differ, and states that do."""

from pathlib import Path

import pytest

from conformance.colonies.disks import judge
from conformance.refutation import Refuted
from physalia.cell import Node, compact
from physalia.host import encode_kept
from physalia.journal import Directory, Journal, NodeKey
from physalia.model import Command, Known, Read, RequestId, Store, Truncate, Write
from physalia.model.records import DurableRecord
from physalia.server import Settings, create, read_settings
from tests.physalia.server.colonies import Colony

FIRST, OTHER = Write(RequestId("c", 1), 0, "x", "y"), Write(RequestId("c", 2), 0, "z", "y")
LOOK = Read(RequestId("c", 3))


@pytest.fixture
def servers(tmp_path: Path) -> list[Settings]:
    """Three servers that never ran, with a node of cell 1 each."""
    made = Colony(tmp_path, [1, 2, 3])
    made.write()
    settings = [read_settings(made.config(server), {}) for server in made.servers]
    for one in settings:
        create(one, are_cells_new=True)
    return settings


def note(settings: Settings, *records: DurableRecord) -> None:
    with Journal(Directory(settings.directory), settings.server, encode_kept) as journal:
        key = NodeKey(1, 101, 10 + settings.server)
        journal.read(key)
        journal.append([(key, record) for record in records])
        journal.flush()


def test_nodes_that_know_the_same_and_less_agree(servers: list[Settings]) -> None:
    note(servers[0], Known(1, FIRST), Known(2, LOOK))
    note(servers[1], Known(1, FIRST), Known(2, LOOK))
    note(servers[2], Known(1, FIRST))
    agreed = judge(servers)
    assert (agreed.journals, agreed.nodes, agreed.slots) == (3, 3, 3)


def test_two_commands_in_one_slot_are_refuted(servers: list[Settings]) -> None:
    note(servers[0], Known(1, FIRST), Known(2, LOOK))
    note(servers[2], Known(1, OTHER))
    with pytest.raises(Refuted, match="two nodes of cell 1 differ in slot 1"):
        judge(servers)


def truncated(*commands: Command) -> list[DurableRecord]:
    """What is left of a node that knew these commands and truncated."""
    records: list[DurableRecord] = [Known(slot, command) for slot, command in enumerate(commands, start=1)]
    step = Node(1, {11, 12, 13}, 3, records).step(Truncate(len(commands)))
    return compact([*records, *(effect.record for effect in step.effects if isinstance(effect, Store))])


def test_what_is_truncated_is_compared_by_what_it_led_to(servers: list[Settings]) -> None:
    note(servers[0], Known(1, FIRST), Known(2, LOOK), Known(3, OTHER))
    note(servers[1], *truncated(FIRST, LOOK), Known(3, OTHER))
    note(servers[2], *truncated(FIRST))
    assert judge(servers).slots == 4


def test_two_states_whose_logs_are_gone_are_refuted(servers: list[Settings]) -> None:
    note(servers[0], Known(1, FIRST), Known(2, LOOK))
    note(servers[2], *truncated(OTHER, LOOK))
    with pytest.raises(Refuted, match="have two states"):
        judge(servers)


def test_what_lies_beyond_a_dropped_log_is_not_said_to_agree(servers: list[Settings]) -> None:
    note(servers[0], *truncated(FIRST, LOOK, OTHER))
    note(servers[2], Known(1, FIRST))
    assert judge(servers).slots == 0


def test_a_journal_that_lost_its_end_is_refuted(servers: list[Settings]) -> None:
    note(servers[1], Known(1, FIRST))
    path = servers[1].directory / "journal"
    path.write_bytes(path.read_bytes()[:-4096])
    with pytest.raises(Refuted, match="the disk of server 2 is not whole"):
        judge(servers)


def test_a_log_with_a_hole_is_refuted(servers: list[Settings]) -> None:
    note(servers[1], Known(2, LOOK))
    with pytest.raises(Refuted, match="the disk of server 2 is not whole"):
        judge(servers)
