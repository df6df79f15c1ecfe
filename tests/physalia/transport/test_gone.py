"""Who is at the other end and reads nothing, or is gone without a word: the system ends the connection."""

import asyncio
import socket

import pytest

from physalia.transport import Connection, connection, limits
from tests.physalia.transport.houses import house, run


def test_who_reads_nothing_is_gone_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it: neither what it was told nor its place is kept for ever."""
    monkeypatch.setattr(connection, "UNHEARD_S", 0.2)

    async def talk() -> None:
        async with house() as there:
            deaf = await there.dial()
            here = await there.ears.opened_.get()
            deaf.pause_reading()
            while here.send(bytes(limits.MAX_QUEUED_BYTES // 8)):
                await asyncio.sleep(0)
            assert await there.ears.closed_.get() is here
            deaf.abort()

    run(talk)


def test_both_ends_of_a_connection_look_whether_the_other_is_there() -> None:
    def looks(one: Connection) -> None:
        assert one._transport is not None
        at = one._transport.get_extra_info("socket")
        assert at.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert at.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == limits.IDLE_S
        assert at.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000 * limits.UNHEARD_S

    async def talk() -> None:
        async with house() as there:
            dialled = await there.dial()
            looks(dialled)
            looks(await there.ears.opened_.get())
            dialled.close()

    run(talk)


def test_a_system_without_these_options_lets_everybody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_USER_TIMEOUT"):
        monkeypatch.delattr(socket, name)

    async def talk() -> None:
        async with house() as there:
            dialled = await there.dial()
            assert isinstance(await there.ears.opened_.get(), Connection)
            dialled.close()

    run(talk)
