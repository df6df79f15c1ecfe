"""Stories of clients: many at a time, retries, cancellation, conditions, leases, and what they are told."""

import asyncio

import pytest

from conformance.shell.clients import Client
from conformance.shell.colony import Colony
from physalia.client import LimitExceeded, OutcomeUnknown, Unavailable
from physalia.errors import InvalidRequest
from physalia.model import Add, Equals, Get, Put


def test_many_clients_count_together(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    calls = [colony.client().asks.add("n") for _ in range(6) for _ in range(2)]
    for call in calls:
        call.answer()
    assert client.get("n") == 12


def test_of_two_that_swap_one_wins(colony: Colony, client: Client) -> None:
    other = colony.client()
    calls = [each.asks.put("k", what, if_=(Equals("k", b"first"),)) for each, what in ((client, b"a"), (other, b"b"))]
    won = [call.answer() is not None for call in calls]
    assert sorted(won) == [False, True]
    assert client.get("k") == (b"a" if won[0] else b"b")


def test_a_condition_that_fails_changes_nothing(colony: Colony, client: Client) -> None:
    assert client.asks.transact(Put("k", b"x"), if_=(Equals("k", b"other"),), else_=(Get("k"),)).answer() is None
    assert client.get("k") == b"first"


def test_a_transaction_is_whole(colony: Colony, client: Client) -> None:
    client.put("n", 1)
    assert client.asks.transact(Put("k", b"x"), Add("n", 4), Get("k")).answer() == [b"x", 5, b"x"]


def test_a_transaction_that_cannot_be_done_does_nothing(colony: Colony, client: Client) -> None:
    with pytest.raises(InvalidRequest):
        client.asks.transact(Put("k", b"x"), Add("k", 1)).answer()
    assert client.get("k") == b"first"


def test_what_is_too_large_is_refused(colony: Colony, client: Client) -> None:
    with pytest.raises(LimitExceeded):
        client.put("k", b"x" * (1 << 22))
    assert client.get("k") == b"first"


def test_who_gives_up_leaves_no_half(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    call = client.asks.add("n")
    colony.run(0.0005)
    call.cancel()
    colony.run(0.5)
    assert call.said == "cancelled"
    assert client.get("n") in (0, 1)


@pytest.mark.parametrize("moment_ms", [0, 1, 2, 5])
def test_others_go_on_when_one_gives_up(colony: Colony, client: Client, moment_ms: int) -> None:
    client.put("n", 0)
    calls = [client.asks.add("n") for _ in range(5)]
    colony.run(moment_ms / 1000)
    calls[2].cancel()
    done = sum(call.said == "done" for call in calls)
    for call in calls:
        if call is not calls[2]:
            call.answer()
            done += 1
    assert client.get("n") in (4, 5)


def test_a_client_gives_up_all_the_time(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    for number in range(10):
        call = client.asks.add("n")
        colony.run(0.0003 * number)
        call.cancel()
    assert 0 <= client.get("n") <= 10


def test_a_retry_after_a_lost_answer_is_not_done_twice(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    leader = colony.leader()
    call = client.asks.add("n")
    colony.run(0.0008)
    colony.net.cut(leader, "client1", both_ways=False)
    colony.run(2.5)
    colony.heal()
    call.answer()
    assert client.get("n") == 1
    assert colony.mirrors[1].coverage.marks["a client asked again for what it had asked for"]


def test_a_retry_at_another_server_is_not_done_twice(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    call = client.asks.add("n")
    colony.run(0.0012)
    colony.kill(colony.leader() or "b")
    call.answer()
    assert client.get("n") == 1


def test_whoever_is_not_answered_does_not_know(colony: Colony, client: Client) -> None:
    hasty, late = colony.client(deadline_s=0.8), colony.client(deadline_s=0.8)
    hasty.put("k", b"first")
    late.get("k")
    for name in colony.followers():
        colony.pause(name)
    with pytest.raises(OutcomeUnknown):
        hasty.put("k", b"second")
    with pytest.raises(Unavailable):
        late.put("k", b"third")


def test_whoever_reaches_nobody_knows_that_nothing_was_done(colony: Colony, client: Client) -> None:
    hasty = colony.client(deadline_s=0.8)
    for name in "abc":
        colony.net.cut("client2", name)
    with pytest.raises(Unavailable):
        hasty.put("k", b"second")
    assert client.get("k") == b"first"


def test_a_client_asks_again_in_its_session(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    partition = client.asks.client.partition(1)
    leader = colony.leader()

    async def add() -> int:
        session = partition._sessions
        async with session.one(lambda: 1.0) as one:
            return one.number

    before = client.asks.do(add()).answer()
    client.add("n")
    assert client.asks.do(add()).answer() == before + 1
    assert colony.leader() == leader


def test_many_at_once_wait_for_their_sessions(colony: Colony, client: Client) -> None:
    client.put("n", 0)
    calls = [client.asks.add("n") for _ in range(20)]
    for call in calls:
        call.answer()
    assert client.get("n") == 20


def test_a_stale_read_is_never_older_than_what_was_seen(colony: Colony, client: Client) -> None:
    for number in range(5):
        client.put("k", b"%d" % number)
        assert client.peek("k") == b"%d" % number


def test_a_stale_read_works_without_a_majority(colony: Colony, client: Client) -> None:
    reader = colony.client(servers="a")
    colony.kill("b")
    colony.kill("c")
    assert reader.peek("k") == b"first"


def test_a_lease_is_held_by_one(colony: Colony, client: Client) -> None:
    other = colony.client()
    held: list[str] = []

    async def hold(each: Client, name: str) -> None:
        async with each.asks.client.partition(1).lease("lock", duration_s=1.0):
            held.append(name)
            await asyncio.sleep(0.2)
            held.append(name)

    calls = [each.asks.do(hold(each, name)) for each, name in ((client, "one"), (other, "other"))]
    for call in calls:
        call.answer()
    assert held[0] == held[1]
    assert held[2] == held[3]
    assert len(held) == 4


def test_a_lease_survives_a_new_leader(colony: Colony, client: Client) -> None:
    async def hold() -> float:
        async with client.asks.client.partition(1).lease("lock", duration_s=10.0) as lease:
            colony.kill(colony.leader())
            await asyncio.sleep(6.0)
            return float(lease.left_s)

    assert client.asks.do(hold()).answer() > 0


def test_a_client_that_was_killed_leaves_its_lease(colony: Colony, client: Client) -> None:
    async def hold(each: Client) -> str:
        async with each.asks.client.partition(1).lease("lock", duration_s=1.0):
            if each is client:
                await asyncio.sleep(1000.0)
            return "held"

    client.asks.do(hold(client))
    colony.run(0.5)
    client.asks.process.kill()
    colony.net.ended(client.asks.process)
    other = colony.client()
    assert other.asks.do(hold(other)).answer() == "held"


def test_a_client_that_knows_one_server_finds_the_leader(colony: Colony, client: Client) -> None:
    for name in "abc":
        assert colony.client(servers=name).get("k") == b"first"


def test_a_client_that_knows_one_dead_server_is_told(colony: Colony, client: Client) -> None:
    colony.kill("a")
    with pytest.raises(Unavailable):
        colony.client(servers="a", deadline_s=2.0).get("k")


def test_cells_do_not_wait_for_each_other() -> None:
    with Colony(cells=3) as colony:
        client = colony.client()
        calls = [client.asks.put("k", b"%d" % cell, cell=cell) for cell in (1, 2, 3)]
        for call in calls:
            call.answer()
        assert {colony.leader(cell) for cell in (1, 2, 3)} == set("abc")
        assert [client.get("k", cell=cell) for cell in (1, 2, 3)] == [b"1", b"2", b"3"]
        colony.settle()
