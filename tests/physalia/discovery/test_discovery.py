"""Caches on real processes: they help who knows nothing, nobody needs them who knows, and a wrong one costs a hop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from physalia.cli import run
from physalia.client import AsyncClient, Operator, Unavailable, found
from physalia.colony import Colony, Processes, lay_out
from physalia.discovery import BadCache, Cache, read_cache_settings
from physalia.discovery.serving import Serving
from physalia.model import Push, Read, Request, RequestId, Traffic, Whereabouts
from physalia.transport import CLIENT, Address, Door, Party, Refusals, Target, dial
from physalia.wire import encode_command, encode_traffic
from tests import PATIENCE_S
from tests.physalia.server.colonies import create_now
from tests.physalia.transport.houses import Ears
from tests.physalia.transport.pairs import RING

CELL = 77
QUICK = "ping_every_s = 0.05\nsuspect_after_s = 0.5"


@pytest.fixture
def colony(tmp_path: Path) -> Iterator[Colony]:
    """Three servers and a cache; the cell lives on servers 1 and 2 alone."""
    made = lay_out(tmp_path / "colony", cells=0, extra=QUICK, caches=1)
    processes = Processes(made)
    processes.start(*made.settings)

    async def create() -> None:
        async with Operator(made.by_server, made.operator_ring, PATIENCE_S) as operator:
            assert set((await create_now(operator, found(CELL, [1, 2]))).values()) == {""}

    asyncio.run(create())
    yield made
    processes.kill_all()


def stranger(colony: Colony, deadline_s: float = PATIENCE_S, *, cached: bool = True) -> AsyncClient:
    """A client that knows server 3 alone, on which the cell does not live."""
    caches = colony.caches if cached else ()
    return AsyncClient([colony.by_server[3]], colony.ring, deadline_s, caches=caches)


def test_a_cache_leads_to_the_cell_and_is_not_needed_by_who_knows_it(colony: Colony) -> None:
    processes = Processes(colony)

    async def work() -> None:
        async with stranger(colony, 0.5, cached=False) as lost:
            with pytest.raises(Unavailable):
                await lost.partition(CELL).get("a")
        async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:
            await client.partition(CELL).put("a", 1)  # somebody speaks to it: it tells the cache
        async with stranger(colony) as client:
            assert (await client.partition(CELL).put("a", 2)).value == 2
            known = client.places.known(CELL)
            assert known is not None
            assert {address for _, address in known.members} == {colony.by_server[1], colony.by_server[2]}
            for number in colony.cache_settings:
                processes.kill_cache(number)
            for value in range(3, 8):
                assert (await client.partition(CELL).put("a", value)).value == value
            async with stranger(colony, 0.5) as lost:
                with pytest.raises(Unavailable):
                    await lost.partition(CELL).get("a")

    asyncio.run(work())


def test_a_cache_that_lost_everything_is_told_again_of_cells_at_rest_too(colony: Colony) -> None:
    processes = Processes(colony)
    for server in (1, 2):  # when they come back nobody has spoken to any node
        processes.kill(server)
    for number in colony.cache_settings:
        processes.kill_cache(number)
    processes.start(1, 2, 3)

    async def work() -> None:
        async with stranger(colony) as client:
            assert (await client.partition(CELL).put("a", 1)).value == 1

    asyncio.run(work())


@asynccontextmanager
async def serving(cache: Cache) -> AsyncIterator[tuple[Address, Refusals]]:
    refusals = Refusals()
    door = Door(lambda: RING, 2, Serving(cache), refusals)
    async with await asyncio.get_running_loop().create_server(door.enter, "127.0.0.1", 0) as server:
        yield Address(*server.sockets[0].getsockname()), refusals
        door.close()


def test_a_cache_that_is_wrong_in_every_way_costs_a_hop_and_never_an_answer(colony: Colony) -> None:
    """Nobody there, a server that has not the cell, another life, nonsense: the client finds the cell all the same."""
    wrong = (
        ((1, "127.0.0.1:1"), (2, colony.by_server[3])),
        ((1, "nonsense"),),
        (),
        ((1, colony.by_server[3]),),
    )

    async def work() -> None:
        for version, members in enumerate(wrong, start=5):
            cache = Cache()
            cache.take(Whereabouts(CELL, 1, version, members))
            async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:
                client.places.learn(Whereabouts(CELL, 1, version, members))
                assert (await client.partition(CELL).put("a", version)).value == version

    asyncio.run(work())


SAYS = [
    (Party("client"), Push((Whereabouts(CELL, 1, 1, ()),)), "role"),
    (Party("client"), Request(1, 1, encode_command(Read(RequestId("c", 1)))), "role"),
    (Party("server", 1), Request(1, 1, encode_command(Read(RequestId("c", 1)))), "role"),
    (Party("client"), b"\xc1", "malformed"),
]


@pytest.mark.parametrize(("own", "said", "kind"), SAYS)
def test_only_servers_tell_a_cache_anything(own: Party, said: Traffic | bytes, kind: str) -> None:
    async def work() -> None:
        cache = Cache()
        async with serving(cache) as (address, refusals):
            connection = await dial(Target(own, address, 2), lambda: RING, Ears(), Refusals())
            connection.send(said if isinstance(said, bytes) else encode_traffic(said))
            await connection.is_closed
            assert refusals == {kind: 1}
            assert len(cache) == 0

    asyncio.run(work())


def test_what_a_server_tells_anybody_with_a_key_can_ask() -> None:
    async def work() -> None:
        cache, known = Cache(), Whereabouts(CELL, 1, 3, ((5, "h:1"),))
        async with serving(cache) as (address, _):
            teller = await dial(Target(Party("server", 1), address, 2), lambda: RING, Ears(), Refusals())
            teller.send(encode_traffic(Push((known, Whereabouts(CELL, 1, 2, ())))))
            while not len(cache):
                await asyncio.sleep(0.01)
            async with AsyncClient(["127.0.0.1:1"], lambda: RING, 0.3, caches=[str(address)]) as client:
                await client._look_up(CELL)
                assert client.places.known(CELL) == known
            teller.abort()
            assert CLIENT.role == "client"

    asyncio.run(work())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cache = 1\nkeys = 'k'\ncolour = 3", "unknown field `colour`"),
        ("keys = 'k'", "missing required field `cache`"),
        ("cache = 0\nkeys = 'k'", "a number from 1 on"),
        ("cache = 1\nkeys = 'k'\nlisten = 'here'", "expected host:port"),
        ("cache = ", "cannot be used"),
        ("cache = " + "[" * 5_000, "nested too deep"),
        ("cache = 1\nkeys = '\\u0000'".replace("'", '"'), "no path has a zero byte"),
    ],
)
def test_settings_that_cannot_be_used_are_a_sentence(
    tmp_path: Path, text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cache.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadCache, match=why):
        read_cache_settings(file)
    assert run(["cache", str(file)]) == 2
    assert why in capsys.readouterr().err


def test_settings_of_a_cache_without_an_end_are_refused() -> None:
    with pytest.raises(BadCache, match="has more than 65536 bytes"):
        read_cache_settings(Path("/dev/zero"))
