"""Partitions and leases as a client uses them, on a real store, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from attrs import Factory, define

from physalia.client import (
    Closed,
    ConditionFailed,
    Lease,
    LimitExceeded,
    Malformed,
    OutcomeUnknown,
    Partition,
    SessionExpired,
    Unavailable,
)
from physalia.client.session import Session
from physalia.model import Execute, HasVersion, Look, Put, RequestId, Seen, StoreReply, Traffic, Transact, Transaction
from physalia.store import LIMITS, Store, refusal
from physalia.transport import Address
from tests.physalia.client.virtual_time import run

CELL = 7
TRIP_S = 0.01


@define
class Colony:
    """A cell that answers after `TRIP_S`. `fail` may raise instead, before or after the command is carried out."""

    store: Store = Factory(Store)
    slot: int = 0
    fail: Callable[[str, Execute], None] = lambda _when, _command: None

    def client(self, name: str) -> "OfColony":
        return OfColony(self, name)


@define
class OfColony:
    colony: Colony
    name: str
    number: int = 0
    deadline_s: float = 10.0

    def request(self) -> RequestId:
        self.number += 1
        return RequestId(self.name, self.number)

    def session_name(self) -> str:
        self.number += 1
        return f"{self.name}/{self.number}"

    async def told(self, cell: int, command: Execute, deadline_s: float | None = None) -> tuple[StoreReply, bool]:
        return await self.execute(cell, command, deadline_s), True

    async def look(
        self, cell: int, make: Callable[[int], Traffic], answer: type[Any], _at: object = None
    ) -> tuple[Any, Address]:
        asked = make(1)
        assert (cell, answer) == (CELL, Seen)
        assert isinstance(asked, Look)
        await asyncio.sleep(TRIP_S)
        now = self.colony.store.items.now
        return Seen(1, self.colony.slot, tuple(map(now.get, asked.keys))), Address("127.0.0.1", 1)

    async def execute(self, cell: int, command: Execute, deadline_s: float | None = None) -> StoreReply:
        assert cell == CELL
        await asyncio.sleep(TRIP_S)
        refused = refusal(command, LIMITS)
        if refused is not None:
            return refused
        self.colony.fail("before", command)
        self.colony.slot += 1
        reply = self.colony.store.apply(self.colony.slot, command)
        self.colony.fail("after", command)
        return reply


def clock(rate: float = 1.0, start_s: float = 5.0) -> Callable[[], int]:
    """A clock that goes at this rate."""
    return lambda: round((start_s + asyncio.get_running_loop().time() * rate) * 10**9)


def lease(colony: Colony, name: str, duration_s: float, rate: float = 1.0, wait_s: float | None = None) -> Lease:
    return Lease(Session(colony.client(name), CELL), "attach", duration_s, wait_s, clock(rate))


def test_items_of_a_partition() -> None:
    async def main() -> None:
        volume = Partition(Colony().client("a"), CELL)
        assert await volume.get("primary") is None
        put = await volume.put("primary", b"node-a")
        assert await volume.get("primary") == put
        await volume.put("primary", b"node-b", if_=[HasVersion("primary", put.version)])
        with pytest.raises(ConditionFailed) as failed:
            await volume.put("primary", b"node-c", if_=[HasVersion("primary", put.version)])
        saw = failed.value.failed[0].saw
        assert saw is not None
        assert saw.value == b"node-b"
        with pytest.raises(Malformed):
            await volume.increment("epoch")
        await volume.put("epoch", 10**400)
        assert (await volume.increment("epoch", 2)).value == 10**400 + 2
        with pytest.raises(LimitExceeded) as beyond:
            await volume.put("primary", bytes(LIMITS.value_bytes + 1))
        assert (beyond.value.limit, beyond.value.size) == ("value_bytes", LIMITS.value_bytes + 1)
        await volume.delete("primary")
        assert await volume.get("primary") is None

    run(main())


def test_what_may_be_done_is_done_once_and_told_when_asked_again() -> None:
    async def main() -> None:
        colony = Colony()
        volume = Partition(colony.client("a"), CELL)
        await volume.put("epoch", 1)

        def lose(when: str, _command: Execute) -> None:
            if when == "after":
                raise OutcomeUnknown("no answer")

        colony.fail = lose
        with pytest.raises(OutcomeUnknown) as unknown:
            await volume.increment("epoch")
        colony.fail = lambda _when, _command: None
        done = await volume.again(unknown.value)
        assert done.results[0] is not None
        assert done.results[0].value == 2
        now = await volume.get("epoch")
        assert now is not None
        assert now.value == 2

    run(main())


def test_an_expired_session_is_told_and_the_next_call_opens_another() -> None:
    async def main() -> None:
        colony = Colony()
        session = Session(colony.client("a"), CELL)
        await session.ask(Transaction(then=(Put("epoch", 1),)))
        colony.store = Store()
        with pytest.raises(SessionExpired):
            await session.ask(Transaction(then=(Put("epoch", 2),)))
        await session.ask(Transaction(then=(Put("epoch", 3),)))

    run(main())


def test_a_lease_is_held_renewed_and_given_back() -> None:
    async def main() -> None:
        colony = Colony()
        one, two = lease(colony, "a", 10), lease(colony, "b", 10)
        async with one:
            first = one.holds()
            await asyncio.sleep(60)
            assert one.left_s > 3
            assert one.holds() != first, "it was renewed"
            volume = Partition(colony.client("c"), CELL)
            await volume.put("primary", b"x", if_=[one.holds()])
            with pytest.raises(ConditionFailed):
                await volume.put("primary", b"y", if_=[first])
        assert one.left_s == 0
        before_s = asyncio.get_running_loop().time()
        async with two:
            assert asyncio.get_running_loop().time() < before_s + 1, "nobody waits for what was given back"

    run(main())


@pytest.mark.parametrize(("holders_clock", "waiters_clock"), [(1.0, 1.0), (1 / 3, 1.0), (1.0, 3.0)])
def test_no_two_hold_it_when_the_holder_is_gone(holders_clock: float, waiters_clock: float) -> None:
    """The holder's renewals do not arrive any more. The waiter has it when the holder knows that it has lost it."""

    async def main() -> float:
        colony = Colony()
        one, two = lease(colony, "a", 10, holders_clock), lease(colony, "b", 10, waiters_clock)

        def cut_off(_when: str, command: Execute) -> None:
            if command.request.client == "a":
                raise Unavailable("cut off")

        async with one:
            colony.fail = cut_off
            async with two:
                assert one.left_s == 0
                return asyncio.get_running_loop().time()

    took_s = run(main())
    assert 30 / waiters_clock <= took_s < 30 / waiters_clock + 10


def test_clocks_that_differ_more_are_beyond_what_is_promised() -> None:
    async def main() -> None:
        colony = Colony()
        one, two = lease(colony, "a", 10, rate=1.0), lease(colony, "b", 10, rate=4.0)

        def cut_off(_when: str, command: Execute) -> None:
            if command.request.client == "a":
                raise Unavailable("cut off")

        async with one:
            colony.fail = cut_off
            async with two:
                assert one.left_s > 0, "two hold it"

    run(main())


def test_whoever_waits_gives_up_in_time_and_three_wait_for_one() -> None:
    async def main() -> None:
        colony = Colony()
        async with lease(colony, "a", 10):
            with pytest.raises(Unavailable, match="attach"):
                async with lease(colony, "b", 10, wait_s=100):
                    pass

        held: list[str] = []

        async def work(name: str) -> None:
            async with lease(colony, name, 5) as mine:
                held.append(name)
                await asyncio.sleep(20)
                assert mine.left_s > 0
                assert held[-1] == name, "nobody else has it meanwhile"

        await asyncio.gather(*map(work, "cde"))
        assert sorted(held) == ["c", "d", "e"]

    run(main())


def test_what_is_no_lease_is_no_lock() -> None:
    async def main() -> None:
        colony = Colony()
        await Partition(colony.client("a"), CELL).put("attach", b"something else")
        with pytest.raises(Malformed, match="no lease"):
            async with lease(colony, "b", 10):
                pass

    run(main())


def test_a_request_that_is_in_doubt_is_asked_again_and_counts_from_the_first_time() -> None:
    async def main() -> None:
        colony = Colony()

        def lose(when: str, command: Execute) -> None:
            if when == "after" and hasattr(command.body, "transaction") and _puts(command):
                colony.fail = delay
                raise OutcomeUnknown("no answer")

        def delay(_when: str, _command: Execute) -> None:
            colony.fail = lambda _when, _command: None

        colony.fail = lose
        async with lease(colony, "a", 10) as mine:
            assert mine.left_s <= 10 - 2 * TRIP_S
            assert colony.slot == 3, "the session, the request, and the same request"

    run(main())


def test_who_is_in_doubt_about_a_lock_when_the_client_is_closed_is_told_so() -> None:
    """It was asked for again without end, and without a pause: the event loop did nothing else any more."""

    async def main() -> None:
        colony = Colony()
        asked: list[Execute] = []

        def close(when: str, command: Execute) -> None:
            if not _puts(command):
                return
            asked.append(command)
            assert len(asked) < 100, "it is asked for without end"
            if when == "before" and len(asked) == 1:
                raise OutcomeUnknown("nobody answered")
            raise Closed("the client was closed")

        colony.fail = close
        with pytest.raises(OutcomeUnknown):
            await lease(colony, "a", 10.0).__aenter__()
        assert len(asked) == 2

    run(main())


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_lock_that_nobody_waits_for_any_more_is_free(is_cancelled: bool) -> None:
    """It was got after whoever asked for it had left, and nobody had it for three times its length."""

    class Slow(OfColony):
        async def execute(self, cell: int, command: Execute, deadline_s: float | None = None) -> StoreReply:
            reply = await super().execute(cell, command, deadline_s)
            await asyncio.sleep(TRIP_S)
            return reply

    async def main(after_s: float) -> None:
        colony = Colony()
        waits_s = None if is_cancelled else after_s
        one = Lease(Session(Slow(colony, "a"), CELL), "attach", 100.0, waits_s, clock())
        entering = asyncio.ensure_future(one.__aenter__())
        await asyncio.sleep(after_s)
        entering.cancel()
        if isinstance((await asyncio.gather(entering, return_exceptions=True))[0], Lease):
            return
        await asyncio.sleep(20 * TRIP_S)
        async with lease(colony, "b", 100.0, wait_s=20.0):
            assert not one.left_s

    for steps in range(12):
        run(main((steps + 0.5) * TRIP_S / 2))


def test_others_of_the_loop_have_their_turn_while_nobody_can_be_asked_for_a_lock() -> None:
    """To be declined takes no time at all, as where no server was ever reached."""

    async def main() -> None:
        one = Lease(Session(AtOnce(Colony(), "a"), CELL), "attach", 10.0, 2.0, clock())
        with pytest.raises(Unavailable, match="not to be had"):
            await one.__aenter__()

    def in_vain(command: Execute) -> None:
        asked.append(command)
        assert len(asked) < 100, "nobody else has a turn"
        raise OutcomeUnknown("nobody answered") if len(asked) == 1 else Unavailable("nobody is there")

    class AtOnce(OfColony):
        async def execute(self, cell: int, command: Execute, deadline_s: float | None = None) -> StoreReply:
            if _puts(command):
                in_vain(command)
            return await super().execute(cell, command, deadline_s)

    asked: list[Execute] = []
    run(main())


def _puts(command: Execute) -> bool:
    body: Any = command.body
    return isinstance(body, Transact) and any(isinstance(one, Put) for one in body.transaction.then)


@pytest.mark.parametrize("duration_s", [0, -1, float("nan"), float("inf"), 10**9])
def test_a_length_that_no_lease_has(duration_s: float) -> None:
    with pytest.raises(ValueError, match="duration_s"):
        lease(Colony(), "a", duration_s)
