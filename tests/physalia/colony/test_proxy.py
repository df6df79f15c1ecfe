"""The network of a colony: it carries, and fails as it is told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from physalia.colony.proxy import CLIENTS, GOOD, Network, NoNetwork, Proxy, Rule, Way, read_ways, write_ways
from physalia.transport import Address
from tests import PATIENCE_S

SOON_S = 0.2


def free() -> Address:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return Address(*one.getsockname())


@asynccontextmanager
async def echo() -> AsyncIterator[Address]:
    """A server that says everything again, until everybody left."""
    heard: list[asyncio.StreamWriter] = []

    async def again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        writer.close()

    async with await asyncio.start_server(again, "127.0.0.1", 0) as server:
        yield Address(*server.sockets[0].getsockname())
        for writer in heard:
            with suppress(ConnectionError):
                await writer.wait_closed()


Say = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def carried(folder: Path) -> AsyncIterator[tuple[Network, Callable[[], Awaitable[Say]]]]:
    """A way from clients to server 1, with its network, and what dials it."""
    async with echo() as to:
        ways = (Way(CLIENTS, 1, free(), to), Way(2, 1, free(), to))
        write_ways(folder, ways)
        assert read_ways(folder) == ways
        running = asyncio.create_task(Proxy(ways).run(folder))
        network = Network(folder, ways)
        while True:
            try:
                assert await asyncio.to_thread(network.rules) == {}
                break
            except NoNetwork:
                await asyncio.sleep(0.01)

        dialled: list[asyncio.StreamWriter] = []

        async def dial() -> Say:
            reader, writer = await asyncio.open_connection(*ways[0].listen)
            dialled.append(writer)

            async def say(data: bytes) -> bytes:
                writer.write(data)
                return await reader.readexactly(len(data))

            return say

        try:
            yield network, dial
        finally:
            for writer in dialled:
                writer.transport.abort()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def patient() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test()

    asyncio.run(patient())


def test_it_carries_both_ways_however_much(tmp_path: Path) -> None:
    async def work() -> None:
        async with carried(tmp_path) as (_, dial):
            say = await dial()
            assert await say(b"x") == b"x"
            assert await say(bytes(1 << 20)) == bytes(1 << 20)

    run(work)


def test_what_is_cut_comes_late_and_not_at_all_while_it_is(tmp_path: Path) -> None:
    async def work() -> None:
        async with carried(tmp_path) as (network, dial):
            say = await dial()
            await say(b"x")
            await asyncio.to_thread(network.set, Rule(is_cut=True), network.around(1))
            assert set(await asyncio.to_thread(network.rules)) == {(CLIENTS, 1), (2, 1)}
            later = asyncio.ensure_future(say(b"y"))
            new = asyncio.ensure_future((await dial())(b"z"))
            done, _ = await asyncio.wait([later, new], timeout=SOON_S)
            assert not done
            await asyncio.to_thread(network.set, GOOD, [(CLIENTS, 1)])
            assert await later == b"y"
            assert await new == b"z"
            assert set(await asyncio.to_thread(network.rules)) == {(2, 1)}

    run(work)


def test_what_is_delayed_comes_later(tmp_path: Path) -> None:
    async def work() -> None:
        async with carried(tmp_path) as (network, dial):
            say, loop = await dial(), asyncio.get_running_loop()
            await asyncio.to_thread(network.set, Rule(delay_s=0.1), [(1, CLIENTS)])  # either order of the ends
            begun = loop.time()
            assert await say(b"x") == b"x"
            assert loop.time() - begun >= 0.2, "there and back"

    run(work)


def test_what_is_lost_ends_its_connection_and_others_can_be_made(tmp_path: Path) -> None:
    async def work() -> None:
        async with carried(tmp_path) as (network, dial):
            say = await dial()
            await asyncio.to_thread(network.set, Rule(loss=1.0), [(CLIENTS, 1)])
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await say(b"x")
            await asyncio.to_thread(network.set, GOOD, [(CLIENTS, 1)])
            assert await (await dial())(b"x") == b"x"

    run(work)


def test_an_order_that_makes_no_sense_changes_nothing(tmp_path: Path) -> None:
    proxy = Proxy((Way(CLIENTS, 1, free(), free()),))
    assert "wrong" in proxy.order({"rules": [[CLIENTS, 9, True, 0, 0]]})
    assert "wrong" in proxy.order({"rules": [[CLIENTS, 1, True, "soon", 0]]})
    assert proxy.order({}) == {"rules": []}


def test_without_a_network_nothing_can_be_told_to_fail(tmp_path: Path) -> None:
    with pytest.raises(NoNetwork, match="no network of its own"):
        Network(tmp_path, ()).rules()
    with pytest.raises(NoNetwork, match="does not answer"):
        Network(tmp_path, (Way(CLIENTS, 1, free(), free()),)).rules()


def test_a_long_folder_is_no_obstacle(tmp_path: Path) -> None:
    """A socket's name has a hundred characters at most; a folder's may have more."""
    folder = tmp_path / ("long" * 50) / ("longer" * 30)
    folder.mkdir(parents=True)

    async def work() -> None:
        async with carried(folder) as (_, dial):
            assert await (await dial())(b"x") == b"x"

    run(work)
