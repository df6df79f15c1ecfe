"""Who is not reached is dialled again and again, and whoever dials hears what became of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from physalia.transport import (
    Address,
    Connection,
    KeyRing,
    Refusals,
    Target,
    dial,
    dialing,
    keep_dialing,
)
from tests.physalia.client import virtual_time
from tests.physalia.transport.houses import Ears, house, run
from tests.physalia.transport.pairs import ANN, BOB, CLIENTS, RING


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


def test_whoever_keeps_dialing_says_once_that_nobody_listens_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before anybody was reached there, and not of a machine that does not answer."""
    ends, said = iter(["refused", "reached", "silent", "refused", "refused", "reached", "refused"]), list[str]()

    class Reached:
        def __init__(self) -> None:
            self.is_closed = asyncio.get_running_loop().create_future()
            self.is_closed.set_result(None)

    async def dial(*_: object) -> Reached:
        said.append(end := next(ends))
        if end == "reached":
            return Reached()
        raise ConnectionRefusedError if end == "refused" else TimeoutError

    async def talk() -> None:
        target = Target(ANN, Address("127.0.0.1", 1), 0)
        await keep_dialing(target, lambda: RING, Ears(), Refusals(), lambda: said.append("gone"))

    monkeypatch.setattr(dialing, "dial", dial)
    with pytest.raises(RuntimeError, match="StopIteration"):
        virtual_time.run(talk())
    assert said == ["refused", "reached", "silent", "refused", "gone", "refused", "reached", "refused", "gone"]


def test_whoever_is_heard_of_is_dialled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled_s: list[float] = []

    async def unreached(*_: object) -> None:
        dialled_s.append(asyncio.get_running_loop().time())
        raise ConnectionRefusedError

    async def talk() -> None:
        back, target = asyncio.Event(), Target(ANN, Address("127.0.0.1", 1), 0)
        task = asyncio.create_task(keep_dialing(target, lambda: RING, Ears(), Refusals(), back=back))
        for _ in range(20):
            await asyncio.sleep(10.0)
            now_s = asyncio.get_running_loop().time()
            assert now_s not in dialled_s
            back.set()
            await asyncio.sleep(1e-6)
            assert now_s in dialled_s, "and not when its turn came"
        task.cancel()

    monkeypatch.setattr(dialing, "dial", unreached)
    virtual_time.run(talk())


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
