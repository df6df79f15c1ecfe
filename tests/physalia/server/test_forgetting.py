"""Servers that write on keep within a size: nodes truncate, journals are folded, and who lags is taught a snapshot."""

import asyncio
from collections import Counter, deque
from itertools import count
from pathlib import Path

import pytest

from conformance.colonies.disks import judge
from conformance.crash_points.vfs import simulated_vfs
from physalia.cell import Border, Node
from physalia.client import AsyncClient
from physalia.host import Hosted, compacting
from physalia.host.compacting import fewer
from physalia.journal import MAX_WAITING_BYTES, Directory, Journal, NodeKey
from physalia.model import (
    Campaign,
    Charter,
    Event,
    Execute,
    Known,
    OpenSession,
    Origin,
    Put,
    Receive,
    RequestId,
    Send,
    Snapshot,
    Store,
    Submit,
    Transact,
    Transaction,
    Truncate,
)
from physalia.server import forgetting, read_settings
from physalia.server import server as server_module
from physalia.server.forgetting import Forgetting
from physalia.store import LIMITS, VERSION
from physalia.wire import decode_record, encode_charter, encode_record, is_charter, record_kind
from tests import PATIENCE_S
from tests.physalia.server.colonies import Colony, colony
from tests.physalia.server.test_nodes import World
from tests.physalia.server.test_server import alone

LOG_SLOTS = 16
SHORT = f"ping_every_s = 0.05\nsuspect_after_s = 0.4\nlog_slots = {LOG_SLOTS}\n"
KEY = NodeKey(1, 101, 11)


def kinds(made: Colony, server: int) -> Counter[object]:
    """How many records of each kind the journal of an ended server has of its node."""
    settings = read_settings(made.config(server), {})
    with Journal(Directory(settings.directory), server) as journal:
        (key,) = journal.nodes()
        return Counter(record_kind(record) for record in journal.read(key) if not is_charter(record))


def test_a_server_that_was_away_is_taught_what_the_others_dropped_and_all_journals_agree(tmp_path: Path) -> None:
    """Real processes: two of three write on and truncate, again and again; the third comes back and knows the same."""
    with colony(tmp_path, extra=SHORT) as made:
        made.start(*made.servers)

        async def write_on(puts: int) -> int:
            async with AsyncClient(made.addresses, made.ring, PATIENCE_S) as client:
                part = client.partition(1)
                for number in range(puts):
                    item = await part.put(f"k{number % 5}", bytes(100))
            return item.version

        async def caught_up(slot: int) -> None:
            async with AsyncClient([made.addresses[2]], made.ring, PATIENCE_S) as late:
                part = late.partition(1)
                part.seen = slot
                await part.peek("k0")  # of this slot or later, or not at all

        asyncio.run(write_on(5))
        made.kill(3)
        version = asyncio.run(write_on(20 * LOG_SLOTS))
        made.start(3)
        asyncio.run(write_on(1))
        asyncio.run(caught_up(version))
        for server in made.servers:
            made.end(server)
        agreed = judge(read_settings(made.config(server), {}) for server in made.servers)
        assert agreed.slots >= 2 * version
        for server in made.servers:
            of = kinds(made, server)
            assert of[Snapshot], f"server {server} never truncated, or was never taught a snapshot: {of}"
        assert kinds(made, 3)[Known] < LOG_SLOTS + 5 < version, "it was taught every single decision"


def test_a_journal_is_folded_while_it_is_written_to(tmp_path: Path) -> None:
    """Nothing ever rests here, and yet the journal has no more than a few snapshots and logs."""
    world = World(tmp_path)
    world.start(1, 2, 3)
    for server in world.running.values():
        server.nodes._forgetting = Forgetting(LOG_SLOTS)
    most = 0
    for number in range(1, 20 * LOG_SLOTS):
        asked = world.running[2].ask(1, number)
        world.run()
        assert world.running[2].told[-1].request == asked.request
        for server in world.running.values():
            server.nodes.host.fold(4)
            assert server.node(1).prefix - server.node(1).known.base <= 2 * LOG_SLOTS
            assert len(server.node(1).accepted) <= 2 * LOG_SLOTS
    for server in world.running.values():
        journal = server.nodes.host.journal
        while server.nodes.host.fold(64):
            pass
        kept = journal.read(server.key(1))
        most = max(most, len(kept))
        assert is_charter(kept[0]), "the charter went with what is superfluous"
        again = Node(server.key(1).incarnation, {11, 12, 13}, 3, map(decode_record, kept[1:]))
        assert (again.digest(), again.promised, again.floor) == (
            server.node(1).digest(),
            server.node(1).promised,
            server.node(1).floor,
        )
    assert most < 6 * LOG_SLOTS


def test_the_journal_of_a_busy_server_is_folded_though_it_never_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop of a server itself, alone in its cell, with a client that asks without a pause."""
    monkeypatch.setattr(server_module, "FOLDED_ALWAYS_FROM", 64)
    monkeypatch.setattr(server_module, "AT_REST_AFTER_S", 3600.0)
    most = 0

    async def main() -> None:
        nonlocal most
        with simulated_vfs() as vfs:
            async with alone(tmp_path, vfs) as one, one.client() as client:
                for number in range(400):
                    await client.partition(1).put(f"k{number % 5}", number)
                    most = max(most, one.server.nodes.host.journal.unfolded)

    asyncio.run(main())
    assert 64 <= most < 300, "400 puts are at least as many entries"


class Alone:
    """The only node of its cell, asked one thing after the other; `journal` has all that it stored."""

    def __init__(self) -> None:
        self.node = Node(1, {1}, 3)
        charter = Charter(frozenset({1}), 3, ((1, 1),))
        self.hosted = Hosted(KEY, charter, self.node, Border(Origin(1, 101, 1)), {1: 1}, is_chartered=True)
        self.journal: list[bytes] = [encode_charter(charter)]
        self.numbers = count(1)
        self.do(Campaign(self.node.next_ballot()))
        self.ask(OpenSession())
        self.session = self.node.prefix

    def do(self, *events: Event) -> None:
        waiting = deque(events)
        while waiting:
            for effect in self.node.step(waiting.popleft()).effects:
                if isinstance(effect, Store):
                    self.journal.append(encode_record(effect.record))
                elif isinstance(effect, Send):
                    waiting.append(Receive(1, effect.message))
            waiting.extendleft(self.node.due()[:1])

    def ask(self, body: OpenSession | Transact) -> None:
        self.do(Submit(Execute(RequestId("c", next(self.numbers)), VERSION, body)))

    def put(self, key: str, size: int) -> None:
        self.ask(Transact(self.session, Transaction((), (Put(key, bytes(size)),), ())))


def test_a_node_waits_until_its_log_weighs_as_much_as_its_items() -> None:
    """So that what is written in snapshots is no more than what was written in the log."""
    cell, rule, floors, logs = Alone(), Forgetting(8), list[int](), list[int]()
    for number in range(40):
        cell.put(f"large-{number}", 1000)
    for number in range(400):
        cell.put("small", number % 10)
        if slot := rule.due(cell.hosted):
            logs.append(cell.node.log_bytes(cell.node.known.base))
            cell.do(Truncate(slot))
            floors.append(slot)
    assert cell.node.state_bytes > 40_000
    assert 2 <= len(floors) <= 400 * 200 // cell.node.state_bytes + 1
    assert min(logs) >= cell.node.state_bytes
    assert cell.node.known.base == floors[-1] - 1


def test_a_large_log_is_dropped_though_it_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "LARGE_LOG_BYTES", 100_000)
    cell, rule = Alone(), Forgetting(1_000_000)
    for _ in range(200):
        cell.put("same", 1000)
        if slot := rule.due(cell.hosted):
            cell.do(Truncate(slot))
    assert cell.node.floor
    assert cell.node.prefix < 1000


def test_what_is_superfluous_goes_and_a_lone_snapshot_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Alone()
    for number in range(10):
        cell.put("a", number)
    assert fewer(KEY, cell.journal) == cell.journal, "there is no snapshot that stands for any of it"
    cell.do(Truncate(cell.node.prefix))
    kept = fewer(KEY, cell.journal)
    assert len(kept) < len(cell.journal) / 2
    assert kept[0] == cell.journal[0]
    cell.journal = list(kept)
    cell.put("a", 1)
    monkeypatch.setattr(compacting, "decode_record", None)
    assert fewer(KEY, cell.journal) == cell.journal
    cell.do(Truncate(cell.node.prefix))
    with pytest.raises(TypeError):
        fewer(KEY, cell.journal)  # but now there is something to read


def test_the_snapshot_of_a_full_cell_finds_room_in_the_journal(tmp_path: Path) -> None:
    """Every item as large as it may be, as many as a partition has room for: all parts wait for one flush."""
    cell = Alone()
    number = 0
    while cell.node.state_bytes + LIMITS.value_bytes + 20 < LIMITS.partition_bytes:
        number += 1
        cell.put(f"item-{number}", LIMITS.value_bytes - 20)
    written = len(cell.journal)
    cell.do(Truncate(cell.node.prefix))
    size = sum(map(len, cell.journal[written:]))
    assert LIMITS.partition_bytes < size < MAX_WAITING_BYTES
    Journal.create(Directory(tmp_path), 1)
    with Journal(Directory(tmp_path), 1) as journal:
        journal.admit(KEY)
        assert journal.take([(KEY, record) for record in cell.journal[written:]])
        journal.flush()
