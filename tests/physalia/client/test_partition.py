"""The database as its clients use it: conditions, transactions, retries, and reads that may be old."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from physalia.client import AsyncClient, OutcomeUnknown, Partition, absent, exists, has_type, value, version
from physalia.client.blocking import BlockingPartition
from physalia.client.partition import Consistency
from physalia.client.sessions import MOST_SESSIONS, Session, Sessions
from physalia.errors import ConditionFailed, InvalidRequest, LimitExceeded, Unavailable
from physalia.model import (
    Add,
    Condition,
    Delete,
    Execute,
    Failed,
    Get,
    HasVersion,
    Opened,
    OpenSession,
    Put,
    Refused,
    StoreReply,
    Transact,
    Transaction,
    cell_of,
)
from physalia.store import LIMITS, VERSION, Store
from tests.physalia.server.test_server import alone, run

CELL = 1


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


@pytest.fixture
def use(tmp_path: Path, vfs: SimulatedVfs) -> Callable[[Callable[[Partition], Awaitable[None]]], None]:
    """Let a test use the only partition of a real server."""

    def used(work: Callable[[Partition], Awaitable[None]]) -> None:
        async def main() -> None:
            async with alone(tmp_path, vfs) as one, one.client() as client:
                await work(client.partition(CELL))

        run(main)

    return used


Use = Callable[[Callable[[Partition], Awaitable[None]]], None]


def test_items_are_put_got_added_to_and_deleted(use: Use) -> None:
    async def work(db: Partition) -> None:
        assert await db.get("primary") is None
        put = await db.put("primary", b"node-a")
        assert await db.get("primary") == put
        assert (put.key, put.value) == ("primary", b"node-a")
        await db.put("epoch", 1)
        assert (await db.increment("epoch", 10**40)).value == 10**40 + 1
        assert (await db.put("is_solo", True)).value is True
        await db.delete("primary")
        assert await db.get("primary") is None

    use(work)


def test_a_condition_that_fails_says_what_was_there_and_changes_nothing(use: Use) -> None:
    async def work(db: Partition) -> None:
        item = await db.put("primary", b"a")
        with pytest.raises(ConditionFailed) as caught:
            await db.put("primary", b"b", if_=version("primary") == item.version + 1)
        (failed,) = caught.value.failed
        assert failed.condition == HasVersion("primary", item.version + 1)
        assert failed.saw is not None
        assert (failed.saw.value, failed.saw.version) == (b"a", item.version)
        assert await db.get("primary") == item
        await db.put("primary", b"b", if_=version("primary") == item.version)
        with pytest.raises(ConditionFailed):
            await db.delete("primary", if_=[exists("primary"), value("primary") == b"a"])

    use(work)


def test_a_transaction_does_one_side_or_the_other(use: Use) -> None:
    async def work(db: Partition) -> None:
        move = {
            "if_": [absent("primary")],
            "then": [Put("primary", b"a"), Put("epoch", 1)],
            "else_": [Get("primary"), Add("epoch", 1), Delete("gone")],
        }
        first = await db.transact(**move)  # type: ignore[arg-type]
        assert first.succeeded
        assert [item and item.value for item in first.results] == [b"a", 1]
        second = await db.transact(**move)  # type: ignore[arg-type]
        assert not second.succeeded
        assert [item and item.value for item in second.results] == [b"a", 2, None]
        assert [type(one) for one in second.failed] == [Failed]
        with pytest.raises(InvalidRequest, match="wrong type"):
            await db.increment("primary")
        with pytest.raises(InvalidRequest, match="no such key"):
            await db.increment("nobody")

    use(work)


class Declines:
    """A colony that does not know what became of a request, then declines it, then has forgotten its session."""

    deadline_s = 10.0

    def __init__(self) -> None:
        self.said: list[StoreReply | Exception] = [
            Opened(1), OutcomeUnknown("no answer"), Unavailable("nobody is there"), Refused("session expired", size=1)
        ]  # fmt: skip

    def session_name(self) -> str:
        return "a"

    async def told(self, _cell: int, _command: Execute, _deadline_s: float | None = None) -> tuple[StoreReply, bool]:
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said, True


def test_what_was_unknown_is_not_undone_because_asking_again_came_to_nothing() -> None:
    """`Unavailable` would say that nothing was changed, and so would a session that is opened anew."""

    async def main() -> None:
        db = Partition(Declines(), CELL)  # type: ignore[arg-type]
        with pytest.raises(OutcomeUnknown) as first:
            await db.put("a", 1)
        with pytest.raises(OutcomeUnknown, match="nobody is there") as second:
            await db.again(first.value)
        assert second.value.command == first.value.command is not None
        with pytest.raises(OutcomeUnknown, match="may have done it before") as third:
            await db.again(second.value)
        assert third.value.command is None

    asyncio.run(main())


def test_what_is_too_large_or_nothing_is_refused_before_anybody_is_asked(use: Use) -> None:
    async def work(db: Partition) -> None:
        slot = (await db.put("a", 1)).version
        with pytest.raises(LimitExceeded, match="value_bytes"):
            await db.put("a", bytes(LIMITS.value_bytes + 1))
        with pytest.raises(LimitExceeded, match="key_bytes"):
            await db.get("k" * (LIMITS.key_bytes + 1))
        with pytest.raises(LimitExceeded, match="transaction_steps"):
            await db.transact()
        with pytest.raises(LimitExceeded, match="transaction_steps"):
            await db.transact(then=[Get("a")] * (LIMITS.transaction_steps + 1))
        for wrong in (1.5, "text", None):
            with pytest.raises(InvalidRequest):
                await db.put("a", wrong)  # type: ignore[arg-type]
        for key in ("", "\ud800"):
            for consistency in ("strict", "eventual"):
                with pytest.raises(InvalidRequest if key else LimitExceeded):
                    await db.get(key, consistency=consistency)
        assert (await db.put("a", 2)).version == slot + 1, "nothing of this took a place in the log"

    use(work)


def test_many_at_a_time_use_few_sessions_and_lose_nothing(use: Use) -> None:
    async def work(db: Partition) -> None:
        await db.put("n", 0)
        await asyncio.gather(*(db.increment("n") for _ in range(40)))
        item = await db.get("n")
        assert item is not None
        assert item.value == 40
        assert 1 < len(db._sessions._idle) <= MOST_SESSIONS

    use(work)


def test_an_eventual_read_shows_at_least_what_was_seen_before(use: Use) -> None:
    async def work(db: Partition) -> None:
        item = await db.put("a", 1)
        assert await db.get("a", consistency="eventual") == item
        assert db.seen >= item.version
        assert await db.peek("a", "b") == (item, None)
        seen = db.seen
        assert (await db.put("b", 2)).version > seen
        assert db.seen > seen, "what was just done here was seen here"
        db.seen += 1000  # of a state that this node does not have
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await db.get("a", consistency="eventual")

    use(work)


@pytest.mark.parametrize("consistency", ["strict", "eventual"])
@pytest.mark.parametrize("page_items", [1, 3, 9])
def test_whoever_scanned_sees_nothing_older_afterwards(use: Use, consistency: Consistency, page_items: int) -> None:
    """Also if all of it was on one page, and if nothing is there any more: that was seen, too."""

    async def work(db: Partition) -> None:
        def somebody_else() -> Partition:
            return Partition(db._colony, CELL)

        for version_of in (await db.put("k1", 1), await db.put("k2", 2)):
            newest = version_of.version
        scanner = somebody_else()
        assert len([item async for item in scanner.scan("k", page_items=page_items, consistency=consistency)]) == 2
        assert scanner.seen >= newest
        await db.delete("k1")
        await db.delete("k2")
        late = somebody_else()
        assert [item async for item in late.scan("k", page_items=page_items, consistency=consistency)] == []
        assert late.seen >= db.seen > newest

    use(work)


@pytest.mark.parametrize("word", ["Strict", "strong", "", None, True])
def test_a_read_of_another_kind_is_refused_and_not_taken_for_one_that_may_be_old(use: Use, word: Any) -> None:
    async def work(db: Partition) -> None:
        for reading in (db.get("a", word), db.look("a", consistency=word), anext(db.scan(consistency=word))):
            with pytest.raises(InvalidRequest, match="a read is strict or eventual, and not "):
                await reading

    use(work)


def test_a_scan_is_of_one_moment_whatever_happens_meanwhile(use: Use) -> None:
    async def work(db: Partition) -> None:
        await db.transact(then=[Put(f"k{number:02}", number) for number in range(10)])
        seen = []
        async for item in db.scan("k", page_items=3):
            seen.append((item.key, item.value))
            await db.put("k09", -1)
            await db.delete("k08")
        assert seen == [(f"k{number:02}", number) for number in range(10)]
        assert [item.value async for item in db.scan("k09")] == [-1]
        assert [item async for item in db.scan("nothing")] == []

    use(work)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (value("n") == 5, True),
        (value("n") == True, False),  # noqa: E712  # the type is part of what is equal
        (value("n") != 5, False),
        (value("n") < 6, True),
        (value("n") <= 5, True),
        (value("n") > 5, False),
        (value("n") >= 5, True),
        (value("n") < b"6", False),
        (version("n") == 0, False),
        (version("gone") == 0, True),
        (exists("gone"), False),
        (absent("gone"), True),
        (has_type("n", "integer"), True),
        (has_type("n", "boolean"), False),
    ],
)
def test_conditions_are_written_as_they_are_read(use: Use, condition: Condition, holds: bool) -> None:
    async def work(db: Partition) -> None:
        await db.put("n", 5)
        assert (await db.transact(if_=condition, then=[Get("n")])).succeeded is holds

    use(work)


class Cell:
    """A store that is asked directly, and forgets a session when the test wants it."""

    def __init__(self) -> None:
        self.store, self.slot, self.opened, self.is_only = Store(), 0, 0, True

    deadline_s = 10.0

    async def ask(self, command: Execute, _left_s: float) -> tuple[StoreReply, bool]:
        return await self.told(CELL, command)

    async def told(self, cell: int, command: Execute, deadline_s: float | None = None) -> tuple[StoreReply, bool]:
        self.slot += 1
        self.opened += type(command.body) is OpenSession
        return self.store.apply(self.slot, command), self.is_only

    def forget(self) -> None:
        self.store.sessions.table.clear()
        self.store.sessions.opened.clear()

    def partition(self) -> Partition:
        return Partition(self, CELL)  # type: ignore[arg-type]

    def session_name(self) -> str:
        return f"me/{self.opened}"


def test_a_session_that_was_forgotten_is_renewed_if_nothing_can_have_been_done() -> None:
    async def work() -> None:
        cell = Cell()
        db = cell.partition()
        await db.put("a", 1)
        cell.forget()
        await db.increment("a")
        assert cell.store.items.now["a"].value == 2
        assert cell.opened == 2

    asyncio.run(work())


def test_a_session_that_was_forgotten_after_another_attempt_leaves_the_outcome_open() -> None:
    """The earlier attempt may have been done before the session was evicted: doing it anew could do it twice."""

    async def work() -> None:
        cell = Cell()
        db = cell.partition()
        await db.put("a", 1)
        cell.forget()
        cell.is_only = False
        with pytest.raises(OutcomeUnknown):
            await db.increment("a")
        assert cell.store.items.now["a"].value == 1

    asyncio.run(work())


def test_a_request_that_ended_badly_leaves_its_session_behind() -> None:
    async def work() -> None:
        cell = Cell()
        sessions = Sessions(cell.ask, iter(["me/1", "me/2"]).__next__)
        kept: list[Session] = []

        async def fail() -> None:
            async with sessions.one(lambda: 1.0) as session:
                kept.append(session)
                raise OSError("gone")

        with pytest.raises(OSError, match="gone"):
            await fail()
        async with sessions.one(lambda: 1.0) as session:
            assert session is not kept[0]

    asyncio.run(work())


def test_a_request_of_a_session_is_done_once_however_often_it_comes() -> None:
    store = Store()
    opened = store.apply(1, Execute(Session("me", 0, 0).request(), VERSION, OpenSession()))
    assert isinstance(opened, Opened)
    session = Session("me", opened.session, 1)
    command = Execute(session.request(), VERSION, Transact(session.slot, Transaction(then=(Put("a", 1),))))
    assert store.apply(2, command) == store.apply(3, command)
    assert not isinstance(store.apply(4, command), Refused)
    assert store.items.now["a"].version == 2


def test_a_partition_key_names_one_cell() -> None:
    assert cell_of(7) == 7
    assert cell_of("vol-0123") == cell_of("vol-0123") != cell_of("vol-0124")
    assert 1 <= cell_of("vol-0123") < 2**63
    assert cell_of("7") != 7
    for wrong in (0, -1, 2**63, True, "", "\ud800"):
        with pytest.raises(ValueError, match=r"cell|partition"):
            cell_of(wrong)


def test_the_blocking_partition_has_all_that_the_other_has() -> None:
    def public(cls: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(one).parameters)
            for name, one in vars(cls).items()
            if not name.startswith("_") and callable(one) and name != "peek"
        }

    assert public(BlockingPartition) == public(Partition)


def test_a_client_without_keys_says_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHYSALIA_KEYS", raising=False)
    with pytest.raises(ValueError, match="PHYSALIA_KEYS"):
        AsyncClient("physalia://127.0.0.1:7400")


def test_clients_stand_at_the_top_and_cost_nothing_until_then() -> None:
    import physalia  # noqa: PLC0415

    assert physalia.AsyncClient is AsyncClient
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        physalia.Nothing  # noqa: B018
    quiet = "import sys, physalia; sys.exit('physalia.client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", quiet], check=False).returncode == 0
