"""A server on a loop of the test: floods change nothing, and a flush that failed is the end (R16)."""

import asyncio
import errno
import io
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from attrs import define

from conformance.crash_points.disk import Disk
from conformance.crash_points.vfs import SimulatedVfs, mount, simulated_vfs
from physalia.client import AsyncClient, Operator
from physalia.client.moving import Mover
from physalia.host import Host, encode_kept
from physalia.journal import FlushFailed, Journal, NodeKey
from physalia.model import Ballot, Carry, Envelope, Origin, Ping, Prepare, Read, Request, RequestId, Traffic, Volume
from physalia.server import read_settings
from physalia.server import server as server_module
from physalia.server.atlas import Atlas, charter_of, key_on
from physalia.server.logs import logger
from physalia.server.server import Server
from physalia.server.watch import Watch
from physalia.transport import CLIENT, Address, KeyRing, Party, Refusals, Target, dial
from physalia.transport.limits import MAX_BODY_BYTES
from physalia.wire import encode_command, encode_traffic
from tests import PATIENCE_S
from tests.physalia.server.colonies import Colony
from tests.physalia.transport.houses import Ears, knock
from tests.physalia.transport.pairs import pair, said

KEY = NodeKey(1, 101, 11)


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


@define
class Alone:
    """A server with the only node of its only cell, and what belongs to it."""

    server: Server
    disk: Disk
    colony: Colony
    stop: asyncio.Event
    running: "asyncio.Task[None]"
    address: Address
    log: io.StringIO

    def client(self) -> AsyncClient:
        return AsyncClient([str(self.address)], self.colony.ring, PATIENCE_S)

    def memory(self) -> object:
        node = self.server.nodes.host.node(KEY)
        assert node is not None
        return node.key()

    async def say(self, own: Party, *messages: Traffic | bytes) -> None:
        """Say something as somebody who has a key, and wait until that is refused."""
        connection = await dial(Target(own, self.address, 1), self.colony.ring, Ears(), Refusals())
        for message in messages:
            connection.send(message if isinstance(message, bytes) else encode_traffic(message))
        await connection.is_closed


@asynccontextmanager
async def alone(folder: Path, vfs: SimulatedVfs) -> AsyncIterator[Alone]:
    listener = socket.create_server(("127.0.0.1", 0))
    address = Address(*listener.getsockname())
    colony = Colony(folder, [address.port])
    colony.write()
    settings = read_settings(colony.config(1), {})
    disk = Disk("a disk")
    files = mount(vfs, disk)
    Journal.create(files, 1)
    host = Host(Journal(files, 1, encode_kept))
    for plan in settings.cells:
        key = key_on(1, plan)
        assert key is not None
        host.found(key, charter_of(plan))
    atlas = Atlas(1, host, host.journal.nodes())
    log, stop = io.StringIO(), asyncio.Event()
    server = Server(settings, host, atlas, colony.ring, logger(1, log))
    running = asyncio.create_task(server.run(listener, stop))
    in_memory = asyncio.Event()
    server.nodes.when_loaded(KEY, in_memory.set)
    server._look_around()
    await in_memory.wait()
    try:
        yield Alone(server, disk, colony, stop, running, address, log)
    finally:
        stop.set()
        with suppress(ExceptionGroup), listener:
            await running


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def patient() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test()

    asyncio.run(patient())


def test_a_flush_that_failed_ends_the_server_and_nothing_is_acknowledged(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            assert (await client.write(1, 0, "x", "y")).done
            one.disk.failing_sync = one.disk.syncs + 1
            asking = asyncio.ensure_future(client.write(1, 1, "z", "y"))
            with pytest.raises(ExceptionGroup) as caught:
                await one.running
            assert caught.group_contains(FlushFailed)
            assert not asking.done()
            asking.cancel()

    run(work)


def test_a_read_costs_no_place_in_the_log(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """Of the record as of the items (R7). To move a cell, though, places are filled, and nothing changes."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            await client.write(1, 0, "x", "y")
            node = one.server.nodes.host.node(KEY)
            assert node is not None
            before = node.prefix
            for _ in range(5):
                assert (await client.read(1)).saw == Volume(1, "x", "y")
                assert await client.partition(1).get("nothing") is None
            assert node.prefix == before
            verdicts = len(node.snapshot().learner.state.verdicts)
            async with Operator({1: str(one.address)}, one.colony.ring, PATIENCE_S) as king:
                mover = Mover(king)
                async with mover._client:
                    await mover.fill(1)
            alpha = node.snapshot().learner.configurations.alpha
            assert node.prefix == before + 1 + alpha  # a session is opened once
            assert len(node.snapshot().learner.state.verdicts) == verdicts
            assert (await client.read(1)).saw == Volume(1, "x", "y")

    run(work)


def test_a_full_disk_is_waited_out(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """The node begins anew from the disk, and the client's next attempt finds room."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            assert (await client.write(1, 0, "x", "y")).done
            one.disk.room_bytes = one.disk.size_bytes
            asking = asyncio.ensure_future(client.write(1, 1, "z", "y"))
            while "refused by the journal" not in one.log.getvalue():
                await asyncio.sleep(0.01)
            assert not asking.done()
            one.disk.room_bytes = None
            assert (await asking).saw == Volume(2, "z", "y")
            assert not one.running.done()

    run(work)


def test_a_server_folds_its_journal_while_it_serves(
    tmp_path: Path, vfs: SimulatedVfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "FOLDED_FROM", 4)
    monkeypatch.setattr(server_module, "AT_REST_AFTER_S", 0.01)

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            journal = one.server.nodes.host.journal
            for version in range(8):
                assert (await client.write(1, version, "x", "y")).done
            while journal.unfolded >= 4:
                await asyncio.sleep(0.01)
            assert (await client.write(1, 8, "z", "y")).saw == Volume(9, "z", "y")

    run(work)


def test_wrong_connections_change_nothing_and_others_are_served(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        rng, hello = random.Random(11), said(pair().dialer)
        async with alone(tmp_path, vfs) as one, one.client() as client:
            await client.write(1, 0, "x", "y")
            before = one.memory()
            for number in range(200):
                if number % 3 == 0:
                    wrong = rng.randbytes(300)
                elif number % 3 == 1:
                    wrong = bytes(bytearray(hello[:-1]) + bytes([hello[-1] ^ 1]))
                else:
                    wrong = struct.pack(">I", MAX_BODY_BYTES + 1) * 60
                assert await knock(one.address, wrong) == b""
            assert sum(one.server.refusals.values()) == 200
            assert one.memory() == before
            assert (await client.read(1)).saw == Volume(1, "x", "y")

    run(work)


FORGED = Carry(Envelope(Origin(1, 101, 11), 11, Prepare(Ballot(9, 11), 0)))
ASKED = Request(1, 1, encode_command(Read(RequestId("c", 1))))


@pytest.mark.parametrize(
    ("own", "said", "kind"),
    [
        (CLIENT, FORGED, "role"),
        (Party("server", 2), ASKED, "role"),
        (CLIENT, b"\xc1", "malformed"),
        (Party("server", 2), b"", "malformed"),
    ],
)
def test_who_has_a_key_may_only_say_what_is_its_to_say(
    tmp_path: Path, vfs: SimulatedVfs, own: Party, said: Traffic | bytes, kind: str
) -> None:
    """A client is no server, whatever key the server has; and what comes after is not heard either."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            before = one.memory()
            await one.say(own, Ping(1), said, FORGED if own.role == "server" else ASKED)
            assert one.server.refusals == {kind: 1}
            assert one.memory() == before

    run(work)


def test_a_server_that_is_not_of_this_colony_speaks_for_nobody(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """It has a key with this one, as server 5 would: no node lives there."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            before = one.memory()
            await one.say(Party("server", 5), FORGED, b"end")
            assert one.server.nodes.impostors == 1
            assert one.memory() == before

    run(work)


def test_a_defect_in_what_the_loop_calls_ends_the_server(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """Nothing is served on after an exception that nobody waits for."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            one.server.nodes.submit = None  # type: ignore[method-assign,assignment]
            asking = asyncio.ensure_future(client.write(1, 0, "x", "y"))
            with pytest.raises(ExceptionGroup) as caught:
                await one.running
            assert caught.group_contains(TypeError)
            asking.cancel()

    run(work)


def test_no_room_for_more_connections_is_no_defect(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """Of accept the loop of asyncio tells nobody but its handler, and tries again by itself."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            await client.partition(1).put("a", 1)
            full = OSError(errno.EMFILE, "Too many open files")
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": "accept", "exception": full, "socket": None})
            await client.partition(1).put("a", 2)
            assert not one.running.done()
            assert "nobody more is let in" in one.log.getvalue()
            loop.call_exception_handler({"message": "no accept", "exception": full})
            with pytest.raises(ExceptionGroup) as caught:
                await one.running
            assert caught.group_contains(OSError)

    run(work)


def test_keys_are_replaced_while_the_server_runs(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            old = one.colony.ring()
            async with one.client() as client:
                await client.write(1, 0, "x", "y")
                keys = tmp_path / "keys.toml"
                keys.write_text(
                    keys.read_text(encoding="utf-8").replace("c" * 64, "d" * 64).replace("id = 2", "id = 9")
                )
                while not one.server.refusals["key"]:
                    await asyncio.sleep(0.01)  # the connection with the old key is cut off
            async with one.client() as client:
                assert (await client.read(1)).saw == Volume(1, "x", "y")
            with pytest.raises(ConnectionError):
                await dial(Target(CLIENT, one.address, 0), lambda: old, Ears(), Refusals())

    run(work)


def test_a_key_whose_secret_is_another_under_the_same_number_is_gone_too(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            await client.read(1)
            keys = tmp_path / "keys.toml"
            keys.write_text(keys.read_text(encoding="utf-8").replace("c" * 64, "d" * 64), encoding="utf-8")
            while not one.server.refusals["key"]:
                await asyncio.sleep(0.01)  # the connection with the old secret is cut off
            assert one.server.refusals["key"] == 1, "there was one such connection"

    run(work)


def test_keys_that_cannot_be_taken_up_are_told_to_the_operator_and_the_old_ones_hold(
    tmp_path: Path, vfs: SimulatedVfs
) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            keys = tmp_path / "keys.toml"
            right = keys.read_text(encoding="utf-8")
            keys.write_text(right.replace("c" * 64, "so secret"), encoding="utf-8")
            while "keys not taken up" not in one.log.getvalue():
                await asyncio.sleep(0.01)
            await client.read(1)
            assert Watch(one.server).health()["are_keys_stale"]
            keys.write_text(right, encoding="utf-8")
            while "keys taken up" not in one.log.getvalue():
                await asyncio.sleep(0.01)
            assert one.log.getvalue().count("keys not taken up") == 1
            assert "so secret" not in one.log.getvalue()
            assert not Watch(one.server).health()["are_keys_stale"]

    run(work)


def test_a_key_ring_without_a_key_for_clients_is_said_so(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(ConnectionError, match="no key for a client"):
            await dial(Target(CLIENT, Address("127.0.0.1", 9), 0), lambda: KeyRing([]), Ears(), Refusals())

    run(work)
