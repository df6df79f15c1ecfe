"""What a client concludes from what servers say, and from what they do not say."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from attrs import Factory, define
from tenacity import RetryCallState

from physalia.client import AsyncClient, Client, Malformed, OutcomeUnknown, Overloaded, Unavailable, asynchronous
from physalia.model import Decline, DeclineReason, Read, Reply, Request, RequestId, Verdict, Volume
from physalia.transport import Address, Connection, Door, Refusals
from physalia.wire import decode_command, decode_traffic, encode_traffic, encode_verdict
from tests import PATIENCE_S
from tests.physalia.transport.pairs import RING

VERDICT = Verdict(True, Volume(3, "a", "b"))
SOON_S = 2.0
ATTEMPTS = 6


@define
class Stage:
    """Servers that say what the test wants, and the requests that each of them heard."""

    answers: list[Callable[[Request], Reply | Decline | None]] = Factory(list)
    heard: list[list[Request]] = Factory(list)
    addresses: list[str] = Factory(list)

    def client(self, deadline_s: float = PATIENCE_S) -> AsyncClient:
        made = AsyncClient(self.addresses, lambda: RING, deadline_s)
        made.places.next = 0
        return made


@define
class Actor:
    """The owner of a server's connections."""

    stage: Stage
    number: int

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def heard(self, connection: Connection, messages: list[bytes]) -> None:
        for message in messages:
            request = decode_traffic(message)
            assert isinstance(request, Request)
            self.stage.heard[self.number].append(request)
            said = self.stage.answers[self.number](request)
            if said is not None:
                connection.send(encode_traffic(said))


def play(work: Callable[[Stage], Awaitable[None]], *answers: Callable[[Request], Reply | Decline | None]) -> None:
    """Start servers that answer so, and let the test speak to them."""

    async def main() -> None:
        loop, stage = asyncio.get_running_loop(), Stage()
        async with asyncio.timeout(PATIENCE_S), AsyncExitStack() as stack:
            for number, answer in enumerate(answers):
                door = Door(lambda: RING, number + 1, Actor(stage, number), Refusals())
                server = await stack.enter_async_context(await loop.create_server(door.enter, "127.0.0.1", 0))
                stack.callback(door.close)
                stage.answers.append(answer)
                stage.heard.append([])
                stage.addresses.append(str(Address(*server.sockets[0].getsockname())))
            await work(stage)

    asyncio.run(main())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asynchronous, "ATTEMPT_S", 0.1)
    monkeypatch.setattr(asynchronous, "LAST_WINDOW_S", 0.02)


def yes(request: Request) -> Reply:
    return Reply(request.number, encode_verdict(VERDICT))


def silence(_request: Request) -> None:
    return None


def no(reason: DeclineReason, leader: str = "") -> Callable[[Request], Decline]:
    return lambda request: Decline(request.number, reason, leader)


def test_an_answer_is_an_answer_and_the_way_is_remembered() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client() as client:
            assert await client.read(7) == VERDICT
            assert await client.read(7) == VERDICT
        assert [len(heard) for heard in stage.heard] == [2, 0]
        first, second = (decode_command(request.command) for request in stage.heard[0])
        assert first == Read(RequestId(client.name, 1))
        assert second == Read(RequestId(client.name, 2))

    play(work, yes, yes)


def test_a_hint_is_followed_at_once() -> None:
    async def work(stage: Stage) -> None:
        stage.answers[0] = no("not the proposer", stage.addresses[2])
        async with stage.client() as client:
            await client.read(7)
            await client.read(7)
        assert [len(heard) for heard in stage.heard] == [1, 0, 2]

    play(work, silence, silence, yes)


def test_hints_in_a_circle_are_left_after_a_wait() -> None:
    async def work(stage: Stage) -> None:
        said = 0

        def circle(request: Request) -> Decline | Reply:
            nonlocal said
            said += 1
            return yes(request) if said > 10 else no("not the proposer", stage.addresses[said % 2])(request)

        stage.answers[:] = [circle, circle]
        async with stage.client() as client:
            assert await client.read(7) == VERDICT
        assert said == 11

    play(work, silence, silence)


def test_silence_leads_elsewhere_with_the_very_same_command() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client() as client:
            assert await client.read(7) == VERDICT
        (unanswered,), (answered,) = stage.heard
        assert unanswered.command == answered.command

    play(work, silence, yes)


@pytest.fixture
def a_few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline comes while nobody is asked: in the middle of an attempt the outcome would be unknown."""

    def wait(state: RetryCallState) -> float:
        return 0.0 if state.attempt_number < ATTEMPTS else PATIENCE_S

    monkeypatch.setattr(asynchronous, "wait_random_exponential", lambda **_: wait)
    monkeypatch.setattr(asynchronous, "ATTEMPT_S", PATIENCE_S)


@pytest.mark.usefixtures("a_few_attempts")
def test_if_all_declined_nothing_was_done() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client(SOON_S) as client:
            with pytest.raises(Unavailable, match="nothing was done") as caught:
                await client.read(7)
            assert type(caught.value) is Unavailable
        assert all(stage.heard)

    play(work, no("not the proposer"), no("unknown cell"), no("draining"))


@pytest.mark.usefixtures("a_few_attempts")
def test_a_full_pipeline_is_overload_and_nothing_was_done() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client(SOON_S) as client:
            with pytest.raises(Overloaded, match="nothing was done"):
                await client.read(7)
        assert len(stage.heard[0]) > 1
        assert not stage.heard[1]

    play(work, no("pipeline full"), yes)


@pytest.mark.parametrize("why", ["not the proposer", "no majority"])
def test_one_silence_among_many_declines_makes_the_outcome_unknown(why: DeclineReason) -> None:
    """What an earlier attempt did, no later rejection can tell (R6)."""

    async def work(stage: Stage) -> None:
        asked = 0

        def first_silent(request: Request) -> Decline | None:
            nonlocal asked
            asked += 1
            return None if asked == 1 else no(why)(request)

        stage.answers[0] = first_silent
        async with stage.client(2 * SOON_S) as client:
            with pytest.raises(OutcomeUnknown, match="may have done it"):
                await client.read(7)
        assert asked > 1

    play(work, silence)


def test_where_too_few_are_left_it_is_unavailable_at_once() -> None:
    """All who are known were asked: one says so, one knows no such cell, and one is gone. The deadline is far away."""

    async def work(stage: Stage) -> None:
        stage.addresses.append("127.0.0.1:1")
        async with stage.client() as client:
            with pytest.raises(Unavailable, match="too few of its members are there; nothing was done"):
                await client.read(7)
        assert all(stage.heard)

    play(work, no("no majority"), no("unknown cell"))


def test_as_long_as_anybody_may_know_better_it_is_asked_for_again() -> None:
    async def work(stage: Stage) -> None:
        said = 0

        def at_last(request: Request) -> Reply | Decline:
            nonlocal said
            said += 1
            return yes(request) if said > 3 else no("behind")(request)

        stage.answers[1] = at_last
        async with stage.client() as client:
            assert await client.read(7) == VERDICT

    play(work, no("no majority"), silence)


def test_a_connection_that_ends_makes_the_outcome_unknown() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client(SOON_S) as client:
            with pytest.raises(OutcomeUnknown):
                await client.read(7)

    def hang_up(_request: Request) -> None:
        raise AssertionError("hang up")  # the loop closes the connection

    def quiet(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        assert "hang up" in str(context["exception"])

    async def main(stage: Stage) -> None:
        asyncio.get_running_loop().set_exception_handler(quiet)
        await work(stage)

    play(main, hang_up)


def test_a_command_that_nobody_understands_is_not_tried_again() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client() as client:
            with pytest.raises(Malformed, match="does not understand"):
                await client.ask(7, b"what?")
        assert len(stage.heard[0]) == 1

    play(work, no("malformed"))


def test_nobody_there_is_unavailable() -> None:
    async def work(stage: Stage) -> None:
        stage.addresses[:] = ["127.0.0.1:1"]
        async with stage.client(SOON_S) as client:
            with pytest.raises(Unavailable):
                await client.read(7)

    play(work)


def test_a_server_that_talks_nonsense_is_left() -> None:
    async def work(stage: Stage) -> None:
        async with stage.client() as client:
            assert await client.read(7) == VERDICT
            assert client.refusals == {"malformed": 1}

    play(work, lambda request: request, yes)  # type: ignore[arg-type,return-value]


def test_many_requests_share_a_connection_and_answers_may_come_in_any_order() -> None:
    async def work(stage: Stage) -> None:
        kept: list[Request] = []

        def later(request: Request) -> Reply | None:
            kept.append(request)
            if len(kept) < 20:
                return None
            for one in kept[:-1]:
                stage.answers[0] = yes
                waiting.append(one)
            return yes(request)

        waiting: list[Request] = []
        stage.answers[0] = later
        async with stage.client() as client:
            verdicts = await asyncio.gather(*(client.read(7) for _ in range(20)))
        assert verdicts == [VERDICT] * 20

    play(work, silence)


def test_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs the address"):
        AsyncClient([], lambda: RING)
    with pytest.raises(ValueError, match="expected host:port"):
        Client(["nowhere"], lambda: RING)


def test_a_blocking_client_that_was_closed_says_so_and_is_closed_once() -> None:
    client = Client(["127.0.0.1:1"], lambda: RING, SOON_S)
    partition = client.partition(1)
    client.close()
    client.close()
    for ask in (lambda: partition.get("a"), lambda: partition.put("a", 1), lambda: client.read(1)):
        with pytest.raises(Unavailable, match="this client was closed; nothing was done"):
            ask()


def test_the_blocking_client_raises_the_same() -> None:
    with Client(["127.0.0.1:1"], lambda: RING, SOON_S) as client, pytest.raises(Unavailable):
        client.read(1)


def test_who_waits_in_another_thread_is_told_that_the_client_was_closed() -> None:
    """Somebody listens and never answers. The loop of the client ends, and nobody may wait for it for ever."""
    told: list[Exception] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client([f"127.0.0.1:{listener.getsockname()[1]}"], lambda: RING, deadline_s=PATIENCE_S)

        def wait() -> None:
            try:
                client.read(7)
            except Unavailable as error:
                told.append(error)

        waits = threading.Thread(target=wait, daemon=True)
        waits.start()
        somebody, _ = listener.accept()
        client.close()
        waits.join(PATIENCE_S)
        somebody.close()
    (error,) = told
    assert "before the client was closed" in str(error)
