"""Real sockets: who comes in is known or gone, and service goes on for the others."""

import asyncio
import random
import struct

import pytest

from physalia.transport import (
    CLIENT,
    SPOKEN,
    Door,
    Key,
    KeyRing,
    Refusals,
    Target,
    Versions,
    dial,
)
from physalia.transport.limits import MAX_BODY_BYTES, MAX_MESSAGE_BYTES, MAX_WHOLE_BYTES
from tests.physalia.transport.houses import Ears, house, knock, run
from tests.physalia.transport.pairs import ANN, BOB, CLIENTS, RING, SERVERS, pair, said


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
