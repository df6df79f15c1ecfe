"""Clients that are closed, and those of another event loop or another process: nobody waits for ever for them."""

import asyncio
import os
import signal
import threading
from concurrent.futures import CancelledError

import pytest

from physalia.client import AsyncClient, Client, Closed, OutcomeUnknown, Unavailable, blocking
from physalia.client.sessions import Session, Sessions
from physalia.model import Execute, Opened, StoreReply
from tests import PATIENCE_S
from tests.physalia.transport.pairs import RING

SOON_S = 0.2


def test_a_client_that_was_closed_can_be_entered_again_in_another_event_loop() -> None:
    """What was waited for in the first loop belongs to that: the second one raised `RuntimeError`."""
    client = AsyncClient(["127.0.0.1:1"], lambda: RING, SOON_S)

    async def main() -> None:
        async with client:
            with pytest.raises(Unavailable, match="no leader"):
                await client.read(1)
        with pytest.raises(Closed, match="before the client was closed"):
            await client.read(1)

    for _ in range(2):
        asyncio.run(main())


def test_a_client_that_is_in_use_in_another_event_loop_says_so() -> None:
    client = AsyncClient(["127.0.0.1:1"], lambda: RING, SOON_S)

    async def ask() -> None:
        await client.read(1)

    async def close_and_ask() -> None:
        await client.close()
        async with client:
            await client.read(1)

    with pytest.raises(Unavailable, match="no leader"):
        asyncio.run(ask())
    with pytest.raises(Closed, match="in another event loop, and nothing was done"):
        asyncio.run(ask())
    with pytest.raises(Unavailable, match="no leader"):
        asyncio.run(close_and_ask())


def test_a_forked_process_is_told_that_the_client_is_not_its_own() -> None:
    """The thread of the client is not there: whoever asked waited for ever."""
    with Client(["127.0.0.1:1"], lambda: RING, SOON_S) as client:
        forked = os.fork()
        if not forked:  # whatever happens here, nothing of the tests may go on in this process
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(round(PATIENCE_S))
            code = 1
            try:
                client.read(1)
            except Closed:
                client.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
        with pytest.raises(Unavailable, match="no leader"):
            client.read(1)


def test_nothing_is_begun_while_a_blocking_client_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came between the end of all work and the end of the loop was never done, and waited for, for ever."""
    client = Client(["127.0.0.1:1"], lambda: RING, SOON_S)
    ends, may_end = threading.Event(), threading.Event()

    async def end() -> None:
        ends.set()
        await asyncio.to_thread(may_end.wait)

    monkeypatch.setattr(client, "_end", end)
    closes = threading.Thread(target=client.close)
    closes.start()
    try:
        assert ends.wait(PATIENCE_S)
        with pytest.raises(Closed, match="this client was closed"):
            client.read(1)
    finally:
        may_end.set()
        closes.join()


def test_who_is_sent_away_late_is_told_so_in_words_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a lock that somebody has, sleeps: it was told `CancelledError`."""
    monkeypatch.setattr(blocking, "LATE_S", 0.0)
    client = Client(["127.0.0.1:1"], lambda: RING, SOON_S)
    told: list[Exception] = []
    sleeps = threading.Event()

    async def sleep() -> None:
        sleeps.set()
        await asyncio.Event().wait()

    def wait() -> None:
        try:
            client._wait(sleep())
        except (OutcomeUnknown, CancelledError) as error:
            told.append(error)

    waits = threading.Thread(target=wait)
    waits.start()
    assert sleeps.wait(PATIENCE_S)
    client.close()
    waits.join()
    assert [type(error) for error in told] == [OutcomeUnknown]


def test_a_lease_that_is_left_after_its_client_was_closed_hides_nothing() -> None:
    client = Client(["127.0.0.1:1"], lambda: RING, SOON_S)
    lease = client.partition(1).lease("lock", 1.0)
    client.close()
    lease.__exit__()


def test_sessions_are_waited_for_in_whatever_event_loop_the_client_is() -> None:
    async def ask(_command: Execute, _left_s: float) -> tuple[StoreReply, bool]:
        return Opened(7), True

    async def main() -> None:
        async def hold() -> None:
            async with sessions.one(lambda: SOON_S) as session:
                assert isinstance(session, Session)
                await asyncio.sleep(0)

        await asyncio.gather(hold(), hold())

    sessions = Sessions(ask, lambda: "me", most=1)
    for _ in range(2):
        asyncio.run(main())
