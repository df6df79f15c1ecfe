"""A deadline is for all of a request, and what was never asked for is not in doubt."""

import asyncio
from collections.abc import Callable

import pytest
from attrs import Factory, define

from physalia.client import AsyncClient, Lease, OutcomeUnknown, Overloaded, Partition, Unavailable
from physalia.client.link import Link
from physalia.client.session import Session
from physalia.client.sessions import MOST_SESSIONS
from physalia.model import Execute, Look, Opened, OpenSession, Put, RequestId, Seen, StoreReply, Traffic, Transaction
from physalia.transport import Address
from tests.physalia.client.virtual_time import run
from tests.physalia.transport.pairs import RING

CELL = 7
LIMIT_S = 0.5


@define
class Mute:
    """A colony that opens sessions if it `opens`, and says nothing to anything else until whoever asks gives up."""

    opens: bool
    deadline_s: float = 10.0
    asked: list[Execute] = Factory(list)
    number: int = 0

    def request(self) -> RequestId:
        self.number += 1
        return RequestId("me", self.number)

    def session_name(self) -> str:
        self.number += 1
        return f"me/{self.number}"

    async def told(self, _cell: int, command: Execute, deadline_s: float | None = None) -> tuple[StoreReply, bool]:
        self.asked.append(command)
        if self.opens and type(command.body) is OpenSession:
            return Opened(1), True
        await asyncio.sleep(self.deadline_s if deadline_s is None else deadline_s)
        raise OutcomeUnknown("nobody answers")

    async def execute(self, cell: int, command: Execute, deadline_s: float | None = None) -> StoreReply:
        return (await self.told(cell, command, deadline_s))[0]


@pytest.mark.parametrize("opens", [True, False])
def test_all_of_a_request_ends_by_its_deadline(opens: bool) -> None:
    """Also one that opens a session first, and one that waits until another one of this client is over."""

    async def main() -> None:
        db = Partition(Mute(opens), CELL)  # type: ignore[arg-type]
        now_s = asyncio.get_running_loop().time

        async def one() -> tuple[type[Exception], float]:
            begun_s = now_s()
            with pytest.raises((OutcomeUnknown, Unavailable)) as caught:
                await db.transact(then=[Put("a", 1)], deadline_s=LIMIT_S)
            return caught.type, now_s() - begun_s

        ends = await asyncio.gather(*(one() for _ in range(5 * MOST_SESSIONS)))
        assert max(took_s for _, took_s in ends) == pytest.approx(LIMIT_S)
        kinds = [kind for kind, _ in ends]
        assert kinds.count(Overloaded) == 4 * MOST_SESSIONS, "whoever never had a turn has nothing in doubt"
        assert kinds.count(OutcomeUnknown if opens else Unavailable) == MOST_SESSIONS

    run(main())


def test_without_a_deadline_of_its_own_a_request_has_that_of_the_client() -> None:
    async def main() -> None:
        db = Partition(Mute(opens=True, deadline_s=3.0), CELL)  # type: ignore[arg-type]
        with pytest.raises(OutcomeUnknown) as caught:
            await db.put("a", 1)
        assert caught.value.command is not None
        assert asyncio.get_running_loop().time() == pytest.approx(3.0)

    run(main())


def test_what_was_to_be_done_in_a_session_that_may_be_open_was_not_done() -> None:
    """Nobody was asked for it, so there is nothing to ask again for, and nothing in doubt."""

    async def in_partition(colony: Mute) -> None:
        await Partition(colony, CELL).put("a", 1)  # type: ignore[arg-type]

    async def in_session(colony: Mute) -> None:
        await Session(colony, CELL).ask(Transaction(then=(Put("a", 1),)))

    async def for_a_lease(colony: Mute) -> None:
        async with Lease(Session(colony, CELL), "lock", 1.0):
            pass

    for work in (in_partition, in_session, for_a_lease):
        colony = Mute(opens=False)

        async def main(work: Callable[[Mute], object] = work, colony: Mute = colony) -> None:
            with pytest.raises(Unavailable, match="no session was opened, so nothing was done"):
                await work(colony)  # type: ignore[misc]

        run(main())
        assert [type(command.body) for command in colony.asked] == [OpenSession]


@define
class Shows(Mute):
    """Shows the state of slot `slot`, and does what it is asked in the slot after it."""

    slot: int = 4
    tokens: list[int] = Factory(list)

    async def look(
        self, _cell: int, make: Callable[[int], Traffic], _answer: type[Seen], _at: object = None
    ) -> tuple[Seen, Address]:
        asked = make(1)
        assert isinstance(asked, Look)
        self.tokens.append(asked.token)
        return Seen(1, self.slot, (None,) * len(asked.keys)), Address("127.0.0.1", 1)


def test_whoever_saw_a_state_is_never_shown_an_older_one() -> None:
    async def main() -> None:
        colony = Shows(opens=True)
        db = Partition(colony, CELL)  # type: ignore[arg-type]
        for slot in (4, 9, 7):
            colony.slot = slot
            await db.get("a", consistency="eventual")
        await db.get("a")
        assert colony.tokens == [0, 4, 9, 9]

    run(main())


def test_whoever_is_not_reached_is_asked_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        asked = 0

        async def unreached(*_: object) -> None:
            nonlocal asked
            asked += 1
            raise ConnectionRefusedError

        monkeypatch.setattr(Link, "to", unreached)
        async with AsyncClient("127.0.0.1:1", lambda: RING, 60.0) as client:
            with pytest.raises(Unavailable):
                await client.partition(CELL).get("a")
        return asked

    assert 60 <= run(main()) <= 240, "of windows of a second at most, half is waited for on average"
