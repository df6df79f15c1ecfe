"""Stories of cancellation: whatever is asked is given up at every await of its life, and nothing is left behind."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from conformance.refutation import Refuted
from conformance.shell.clients import Call, Client
from conformance.shell.colony import Colony
from conformance.shell.unrest.cancelling import ends_at
from conformance.shell.unrest.leaks import leaks, open_to
from physalia.client.session import Session
from physalia.errors import OutcomeUnknown, Unavailable
from physalia.model import Add, Get, Put, Transaction

MOST = 80
Ask = Callable[[Client], Call]
AT_ONCE_AND_LATE = pytest.mark.parametrize("is_late", [False, True])


def every(
    colony: Colony, ask: Ask, *, is_late: bool, before: Ask | None = None, after: float = 0.0
) -> Iterator[tuple[Client, Call]]:
    """A client for each await of what it asks, which is cancelled there; up to the one whose request ends before."""
    for at in range(1, MOST):
        client = colony.client(deadline_s=4.0)
        if before is not None:
            before(client).answer()
        client.asks.gives_up(at, is_late=is_late)
        call = ask(client)
        assert colony.run(30.0, call.task.done)
        if not call.was_cancelled:
            assert call.said == "done"
            assert at > 1
            return
        assert call.said == "cancelled"
        colony.run(after)
        yield client, call
    pytest.fail("it never ends")


def transaction(client: Client) -> Call:
    return client.asks.transact(Put("k", b"x"), Add("n", 1), Get("k"))


ASKED: dict[str, Ask] = {
    "put": lambda client: client.asks.put("k", b"x"),
    "transaction": transaction,
    "read": lambda client: client.asks.get("k"),
    "stale read": lambda client: client.asks.peek("k"),
    "scan": lambda client: client.asks.do(scanned(client)),
    "record": lambda client: client.asks.record(),
    "one session": lambda client: client.asks.do(twice(client)),
}


async def scanned(client: Client) -> None:
    async for _ in client.asks.client.partition(1).scan(page_items=1):
        pass


async def twice(client: Client) -> None:
    session = Session(client.asks.client, 1)
    for _ in range(2):
        await session.ask(Transaction(then=(Put("in no history", b"x"),)))


@AT_ONCE_AND_LATE
@pytest.mark.parametrize("what", ASKED)
def test_whatever_is_asked_may_be_given_up_at_every_await(
    colony: Colony, client: Client, what: str, is_late: bool
) -> None:
    client.put("n", 0)
    given_up = [one for one, _ in every(colony, ASKED[what], is_late=is_late)]
    for one in given_up:
        one.put("k", b"y")
    colony.run(1.0)
    assert not list(leaks(colony))
    assert 0 <= client.get("n") <= len(given_up) + 2


@AT_ONCE_AND_LATE
def test_who_has_a_session_gives_up_and_has_another(colony: Colony, client: Client, is_late: bool) -> None:
    first: Ask = lambda one: one.asks.put("k", b"first")  # noqa: E731
    for one, _ in every(colony, ASKED["put"], is_late=is_late, before=first):
        one.put("k", b"y")
        assert len(one.asks.client.partition(1)._sessions._idle) == 1


@AT_ONCE_AND_LATE
def test_who_asks_a_cache_gives_up(cached: Colony, is_late: bool) -> None:
    cached.client().put("k", b"x")
    cached.run(1.0)
    for one, _ in every(cached, ASKED["read"], is_late=is_late):
        one.put("k", b"y")


@AT_ONCE_AND_LATE
def test_who_waits_for_a_session_gives_up(colony: Colony, client: Client, is_late: bool) -> None:
    def crowd(one: Client) -> Call:
        """Nine are before it, of whom eight have a session each."""
        given_up = one.asks.process.loop.interruptions.pop()
        calls = [one.asks.put("k", b"%d" % number) for number in range(9)]
        one.asks.process.loop.interruptions.append(given_up)
        last = one.asks.put("k", b"last")
        for call in calls:
            call.answer()
        return last

    for one, _ in every(colony, crowd, is_late=is_late):
        for number in range(9):
            one.put("k", b"%d" % number)


@AT_ONCE_AND_LATE
def test_who_tries_again_and_again_gives_up(colony: Colony, client: Client, is_late: bool) -> None:
    def across_a_cut(one: Client) -> Call:
        name, leader = one.asks.process.name, colony.leader()
        colony.net.cut(leader, name)
        call = one.asks.put("k", b"x")
        colony.run(2.5)
        colony.net.mend(leader, name)
        return call

    first: Ask = lambda one: one.asks.put("k", b"first")  # noqa: E731
    for one, _ in every(colony, across_a_cut, is_late=is_late, before=first):
        one.put("k", b"y")


async def hold(client: Client, seconds: float) -> None:
    async with client.asks.client.partition(1).lease("lock", duration_s=1.0):
        await asyncio.sleep(seconds)


@AT_ONCE_AND_LATE
def test_who_holds_a_lease_gives_up_and_another_has_it_soon(colony: Colony, client: Client, is_late: bool) -> None:
    for one, _ in every(colony, lambda one: one.asks.do(hold(one, 0.5)), is_late=is_late, after=0.1):
        assert not list(leaks(colony)), one.asks.process.name
        other = colony.client()
        other.asks.do(hold(other, 0.1)).answer(within_s=6.0)


def test_who_leaves_a_lease_in_a_hurry_renews_it_no_more(colony: Colony, client: Client) -> None:
    """Nobody answers a renewal, and who leaves does not wait for it: the task that asks for it must end as well."""
    one = colony.client(deadline_s=4.0)
    call = one.asks.do(hold(one, 0.6))
    colony.run(0.3)
    for name in colony.machines:
        colony.net.cut(name, one.asks.process.name)
    colony.run(0.5)
    call.cancel()
    colony.run(0.1)
    assert call.said == "cancelled"
    assert [task for task in one.asks.process.loop.tasks if not task.done()] == []
    colony.heal()


@pytest.mark.parametrize("moment_s", [0.0, 0.0004, 0.0012, 0.002, 0.003, 0.005])
def test_who_closes_a_client_ends_what_is_asked(colony: Colony, client: Client, moment_s: float) -> None:
    """Whoever asked is told what is known, is not taken for cancelled, and nothing is dialled behind one's back."""
    one = colony.client(deadline_s=8.0)
    calls = [one.asks.put("k", b"%d" % number) for number in range(3)]
    colony.run(moment_s)
    one.asks.do(one.asks.client.close()).answer()
    colony.run(0.1)
    assert {call.said for call in calls} <= {"Closed", "Unavailable", "OutcomeUnknown", "done"}
    colony.run(3.0)
    assert open_to(one.asks.process, colony.net) == []
    with pytest.raises(Unavailable, match="before the client was closed"):
        one.get("k")


def test_a_client_that_is_entered_again_asks_again(colony: Colony, client: Client) -> None:
    async def again() -> object:
        async with client.asks.client as same:
            return await same.partition(1).get("k")

    client.asks.do(client.asks.client.close()).answer()
    assert client.asks.do(again()).answer().value == b"first"
    colony.run(0.1)
    assert open_to(client.asks.process, colony.net) == []
    client.asks.do(client.asks.client.__aenter__()).answer()


@AT_ONCE_AND_LATE
def test_who_closes_a_client_may_be_cancelled(colony: Colony, client: Client, is_late: bool) -> None:
    def close(one: Client) -> Call:
        given_up = one.asks.process.loop.interruptions.pop()
        one.asks.put("k", b"x")
        colony.run(0.0005)
        one.asks.process.loop.interruptions.append(given_up)
        return one.asks.do(one.asks.client.close())

    for one, _ in every(colony, close, is_late=is_late, after=0.5):
        assert open_to(one.asks.process, colony.net) == []


@AT_ONCE_AND_LATE
@pytest.mark.parametrize("disk_s", [0.0002, 0.1])
def test_a_server_that_drains_is_ended_at_every_await(is_late: bool, disk_s: float) -> None:
    """An operator has no patience: the second signal comes while it waits for this or that. What it said stays true."""
    with Colony() as colony:
        client = colony.client(deadline_s=20.0)
        client.put("n", 0)
        added, at = 0, 0
        for at in range(1, MOST):
            for each in colony.machines:
                colony.disk.slow(each, disk_s)
            for _ in range(3):  # a server finds out only then that its disk is slow, and waits in a thread
                client.add("n", 0)
            name = colony.leader()
            calls = [client.asks.add("n") for _ in range(2)]
            colony.run(0.003 if disk_s < 0.1 else 0.05)
            process = colony.machines[name].process
            assert process is not None
            colony.stop(name)
            running = ends_at(process, at, is_late=is_late)
            colony.run(10.0)
            colony.restart(name)
            colony.run(1.0)
            added += sum(bool(call.answer()) for call in calls)
            if not running.was:
                break
        assert at > 2
        assert client.get("n") == added
        colony.settle()


def test_who_leaves_a_connection_open_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that forgets whom it has dialled dials again and again."""
    with Colony() as colony:
        client = colony.client()
        client.put("k", b"x")
        client.asks.client._links.clear()
        client.put("k", b"y")
        with pytest.raises(Refuted, match="client1 has 2 connections to"):
            colony.settle()


def test_a_task_that_goes_on_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    with Colony() as colony:
        client = colony.client()
        client.put("k", b"x")
        client.asks.process.loop.create_task(asyncio.sleep(10_000.0))
        with pytest.raises(Refuted, match="client1 has 1 tasks, and waits for nothing"):
            colony.settle()


def test_a_session_that_is_not_given_back_is_refuted() -> None:
    with Colony() as colony:
        client = colony.client()
        client.put("k", b"x")
        client.asks.do(client.asks.client.partition(1)._sessions._room.acquire()).answer()
        with pytest.raises(Refuted, match="sessions of cell 1"):
            colony.settle()


def test_requests_of_a_node_that_was_read_again_are_forgotten(colony: Colony, client: Client) -> None:
    """The disk of the leader is full while it is asked: its node begins anew, and never answers."""
    leader = colony.leader()
    colony.disk.fill(leader)
    call = client.asks.put("k", b"x" * 3000)
    colony.run(3.0)
    colony.disk.free(leader)
    with suppress(OutcomeUnknown):
        call.answer()
    colony.run(1.0)
    assert [len(machine.server.requests) for machine in colony.machines.values() if machine.server] == [0, 0, 0]
