"""Real sockets: who comes in is known or gone, and service goes on for the others."""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from attrs import Factory, define

from physalia.transport import (
    CLIENT,
    SPOKEN,
    Address,
    Connection,
    Door,
    Key,
    KeyRing,
    Party,
    Refusals,
    Target,
    Versions,
    dial,
    dialing,
    keep_dialing,
)
from physalia.transport.limits import MAX_BODY_BYTES, MAX_MESSAGE_BYTES, MAX_WHOLE_BYTES
from tests import PATIENCE_S
from tests.physalia.client import virtual_time
from tests.physalia.transport.pairs import ANN, BOB, CLIENTS, RING, SERVERS, pair, said


@define
class Ears:
    """An owner that writes down what it hears, and lets others wait for it."""

    messages: asyncio.Queue[bytes] = Factory(asyncio.Queue)
    opened_: asyncio.Queue[Connection] = Factory(asyncio.Queue)
    closed_: asyncio.Queue[Connection] = Factory(asyncio.Queue)
    answers: Callable[[bytes], bytes | None] = lambda _message: None

    def opened(self, connection: Connection) -> None:
        self.opened_.put_nowait(connection)

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        for message in messages:
            self.messages.put_nowait(message)
            if (answer := self.answers(message)) is not None:
                connection.send(answer)

    def closed(self, connection: Connection) -> None:
        self.closed_.put_nowait(connection)


@define
class House:
    """A door on a port, the ears behind it, and what was refused."""

    door: Door
    ears: Ears
    refusals: Refusals
    address: Address
    server: asyncio.Server

    async def dial(self, own: Party = ANN, ears: Ears | None = None, ring: KeyRing = RING) -> Connection:
        return await dial(Target(own, self.address, BOB.number), lambda: ring, ears or Ears(), Refusals())

    async def refused(self, kind: str) -> None:
        """Wait until somebody was refused for this."""
        while not self.refusals[kind]:  # type: ignore[index]
            await asyncio.sleep(0)


@asynccontextmanager
async def house(ring: Callable[[], KeyRing] = lambda: RING, port: int = 0, **limits: Any) -> Any:
    ears, refusals = Ears(answers=lambda message: b"echo " + message[:20]), Refusals()
    door = Door(ring, BOB.number, ears, refusals, **limits)
    server = await asyncio.get_running_loop().create_server(door.enter, "127.0.0.1", port, ssl=door.tls)
    address = Address(*server.sockets[0].getsockname())
    try:
        yield House(door, ears, refusals, address, server)
    finally:
        server.close()
        door.close()
        await server.wait_closed()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def patient() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test()

    asyncio.run(patient())


def test_a_message_goes_there_and_back() -> None:
    async def talk() -> None:
        ears = Ears()
        async with house() as there:
            connection = await there.dial(ears=ears)
            assert connection.peer == BOB
            assert (await there.ears.opened_.get()).peer == ANN
            connection.send(b"hi")
            assert await ears.messages.get() == b"echo hi"
            connection.close()
            await there.ears.closed_.get()
            assert not there.refusals
            assert not connection.send(b"too late")

    run(talk)


def test_whoever_is_told_to_speaks_no_newer_version() -> None:
    """The one that dials, or the one that is dialled; and nothing at all with whom no version is common."""
    old, new = Versions(1, 2), Versions(3, SPOKEN.newest)

    async def talk() -> None:
        for offered, spoken in ((SPOKEN, old), (old, SPOKEN)):
            async with house(versions=spoken) as there:
                target = Target(ANN, there.address, BOB.number, offered)
                connection = await dial(target, lambda: RING, Ears(), Refusals())
                assert connection.version == old.newest
                assert (await there.ears.opened_.get()).version == old.newest
                connection.close()
        async with house(versions=old) as there:
            with pytest.raises(ConnectionError):
                await dial(Target(ANN, there.address, BOB.number, new), lambda: RING, Ears(), Refusals())
            assert there.refusals["version"] == 1

    run(talk)


def test_a_short_message_overtakes_the_longest_one() -> None:
    """Nobody reads for a while, so that both wait; then the short one comes first."""

    async def talk() -> None:
        async with house() as there:
            connection = await there.dial()
            listener = await there.ears.opened_.get()
            listener.pause_reading()
            connection.send(bytes(MAX_MESSAGE_BYTES))
            while not connection.is_behind:
                await asyncio.sleep(0)
            connection.send(b"urgent")
            listener.resume_reading()
            assert await there.ears.messages.get() == b"urgent"
            assert len(await there.ears.messages.get()) == MAX_MESSAGE_BYTES

    run(talk)


def test_who_does_not_read_is_not_written_to_for_ever() -> None:
    """The queue is full at its limit, messages are dropped, and all that was taken on arrives."""

    async def talk() -> None:
        async with house() as there:
            connection = await there.dial()
            listener = await there.ears.opened_.get()
            listener.pause_reading()
            taken = 0
            while connection.send(bytes(MAX_WHOLE_BYTES)):
                taken += 1
                await asyncio.sleep(0)
            assert connection.session.outbox.dropped == 1
            assert connection.is_behind
            listener.resume_reading()
            for _ in range(taken):
                await there.ears.messages.get()

    run(talk)


async def knock(address: Address, *pieces: bytes) -> bytes:
    """Say something that is no proof, and return all that is answered until the end."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_wrong_bytes_get_no_word_and_others_are_served_on() -> None:
    async def talk() -> None:
        ears, rng = Ears(), random.Random(3)
        hello = said(pair().dialer)
        async with house() as there:
            friend = await there.dial(ears=ears)
            for number in range(300):
                wrong = bytearray(hello) if number % 2 else bytearray(rng.randbytes(500))
                wrong[rng.randrange(len(hello))] ^= 1 << rng.randrange(8)
                assert await knock(there.address, bytes(wrong)) == b""
            assert sum(there.refusals.values()) == 300
            assert there.refusals["garbage"] >= 150
            assert there.refusals["mac"] > 0
            friend.send(b"still here?")
            assert await ears.messages.get() == b"echo still here?"
            assert there.ears.messages.qsize() == 1

    run(talk)


def test_a_wrong_frame_ends_its_connection_and_no_other() -> None:
    async def talk() -> None:
        ears = Ears()
        async with house() as there:
            friend, other = await there.dial(ears=ears), await there.dial()
            assert other._transport is not None
            other._transport.write(struct.pack(">I", MAX_BODY_BYTES + 1) + bytes(16))
            await other.is_closed
            assert there.refusals == {"oversized": 1}
            friend.send(b"hi")
            assert await ears.messages.get() == b"echo hi"

    run(talk)


def test_an_end_in_the_middle_is_counted() -> None:
    async def talk() -> None:
        async with house() as there:
            _, writer = await asyncio.open_connection(*there.address)
            writer.write(said(pair().dialer)[:50])
            writer.close()
            await there.refused("truncated")
            assert there.refusals == {"truncated": 1}

    run(talk)


def test_who_takes_too_long_is_refused() -> None:
    async def talk() -> None:
        async with house(handshake_s=0.01) as there:
            assert await knock(there.address) == b""
            assert there.refusals == {"slow": 1}

    run(talk)


def test_a_crowd_of_strangers_keeps_nobody_out() -> None:
    async def talk() -> None:
        async with house(most_strangers=8) as there:
            idle = [await asyncio.open_connection(*there.address) for _ in range(50)]
            await there.dial()
            assert there.refusals["crowd"] >= 50 - 8
            for _, writer in idle:
                writer.close()

    run(talk)


def test_there_is_room_for_so_many_and_no_more() -> None:
    async def talk() -> None:
        async with house(most=3) as there:
            inside = [await there.dial() for _ in range(3)]
            outside = await there.dial()
            await outside.is_closed
            assert there.refusals == {"crowd": 1}
            inside[0].close()
            await there.ears.closed_.get()
            again = await there.dial()
            again.send(b"hi")
            assert await there.ears.messages.get() == b"hi"

    run(talk)


def test_a_client_is_known_for_one() -> None:
    async def talk() -> None:
        async with house() as there:
            await there.dial(own=CLIENT)
            assert (await there.ears.opened_.get()).peer == CLIENT

    run(talk)


def test_a_key_that_left_the_ring_ends_what_it_opened() -> None:
    async def talk() -> None:
        rings = [RING]
        async with house(ring=lambda: rings[-1]) as there:
            server, client = await there.dial(), await there.dial(own=CLIENT)
            rings.append(KeyRing([CLIENTS, Key(5, "server", b"5" * 32, frozenset((1, 2)))]))
            there.door.close_revoked()
            await server.is_closed
            assert there.refusals == {"key": 1}
            assert not client.is_closed.done()
            with pytest.raises(ConnectionError, match="did not prove"):
                await there.dial(ring=KeyRing([SERVERS]))
            await there.dial(ring=rings[-1])

    run(talk)


def test_nobody_there_and_no_key_are_errors() -> None:
    async def talk() -> None:
        async with house() as there:
            with pytest.raises(ConnectionError, match="no key for a server"):
                await there.dial(ring=KeyRing([CLIENTS]))
            address = there.address
        with pytest.raises(ConnectionError):
            await dial(Target(ANN, address, 0), lambda: RING, Ears(), Refusals())

    run(talk)


def test_whoever_could_not_be_reached_was_not_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some loops, such as that of uvloop, want the connection before anybody is reached."""

    async def talk() -> None:
        made: list[Connection] = []

        async def unreached(factory: Callable[[], Connection], *_: object, **__: object) -> None:
            made.append(factory())
            raise ConnectionRefusedError

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", unreached)
        with pytest.raises(ConnectionRefusedError):
            await dial(Target(ANN, Address("127.0.0.1", 1), BOB.number), lambda: RING, Ears(), Refusals())
        assert [one._patience.cancelled() for one in made] == [True]

    run(talk)


def test_whoever_was_refused_before_there_was_a_connection_gets_none() -> None:
    """TLS takes its time: the connection comes when nobody waits for it any more, and would stay open for ever."""

    class Wire(asyncio.Transport):
        is_aborted = False

        def abort(self) -> None:
            self.is_aborted = True

    async def talk() -> None:
        refusals, wire = Refusals(), Wire()
        late = Door(lambda: RING, BOB.number, Ears(), refusals).enter()
        late.refuse("slow")
        late.connection_made(wire)
        assert wire.is_aborted
        assert refusals == {"slow": 1}

    run(talk)


def test_whoever_is_not_reached_is_dialled_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> int:
        dialled = 0

        async def unreached(*_: object) -> None:
            nonlocal dialled
            dialled += 1
            raise ConnectionRefusedError

        monkeypatch.setattr(dialing, "dial", unreached)
        with suppress(TimeoutError):
            async with asyncio.timeout(60.0):
                await keep_dialing(Target(ANN, Address("127.0.0.1", 1), 0), lambda: RING, Ears(), Refusals())
        return dialled

    assert 60 <= virtual_time.run(talk()) <= 240, "of windows of a second at most, half is waited for on average"


def test_who_does_not_read_is_not_read_either() -> None:
    """A client that does not read its answers may not ask more; servers read on, or two could wait for each other."""

    class Wire(asyncio.Transport):
        is_paused = False

        def pause_reading(self) -> None:
            self.is_paused = True

        def resume_reading(self) -> None:
            self.is_paused = False

        def is_closing(self) -> bool:
            return False

        def write(self, data: bytes | bytearray | memoryview) -> None:
            assert data

    async def talk() -> None:
        async with house() as there:
            for own, waits in ((CLIENT, True), (ANN, False)):
                connection = await there.dial(own)
                listener = await there.ears.opened_.get()
                real, listener._transport = listener._transport, (wire := Wire())
                listener.pause_writing()
                assert (wire.is_paused, listener.is_behind) == (waits, True)
                listener.resume_writing()
                assert (wire.is_paused, listener.is_behind) == (False, False)
                listener._transport = real
                connection.abort()

    run(talk)


def test_whoever_keeps_dialing_is_back_after_the_server_is() -> None:
    async def talk() -> None:
        ears = Ears()
        async with house() as there:
            target = Target(ANN, there.address, BOB.number)
            task = asyncio.create_task(keep_dialing(target, lambda: RING, ears, Refusals()))
            first = await ears.opened_.get()
        await first.is_closed
        async with house(port=there.address.port) as again:
            second = await ears.opened_.get()
            second.send(b"back")
            assert await again.ears.messages.get() == b"back"
            task.cancel()
            await second.is_closed
        with pytest.raises(asyncio.CancelledError):
            await task

    run(talk)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:7400", Address("127.0.0.1", 7400)),
        ("[::1]:0", Address("::1", 0)),
        ("a.b:65535", Address("a.b", 65535)),
    ],
)
def test_an_address_is_read_and_written(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:x", "host:65536", "host:-1", "host:²"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        Address.parse(text)
