"""Cells that move from server to server: real processes; and one server that is asked what it must not do (R11)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.colonies.disks import judge
from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from physalia.client import AsyncClient, Operator, found
from physalia.client.moving import CannotMove, Mover, look, plan
from physalia.host import Gone, Waiting
from physalia.journal import NodeKey
from physalia.model import Founding, House, Join, Left, Moved, Release, Seek, Traffic
from physalia.model.value import evolve
from physalia.server import create, read_settings
from physalia.transport import Party
from tests import PATIENCE_S
from tests.physalia.server.colonies import Colony, colony, create_now
from tests.physalia.server.test_server import Alone, alone, run

CELL = 7
QUICK = "ping_every_s = 0.05\nsuspect_after_s = 0.4\nlog_slots = 16\n"


@pytest.fixture
def four(tmp_path: Path) -> Iterator[Colony]:
    """Four servers, and no cell yet."""
    with colony(tmp_path, size=4, cells=0, extra=QUICK) as made:
        made.start(*made.servers)
        yield made


def with_king(made: Colony, work: Callable[[Operator], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Operator(dict(zip(made.servers, made.addresses, strict=True)), made.ring, PATIENCE_S) as king:
            await work(king)

    asyncio.run(main())


async def founded(king: Operator, servers: list[int]) -> Founding:
    founding = found(CELL, servers)
    assert await create_now(king, founding) == dict.fromkeys(servers, "")
    return founding


async def move(king: Operator, leaves_from: int, to: int) -> None:
    await Mover(king).move(await plan(king, CELL, leaves_from, to))


def ended(made: Colony) -> None:
    """All servers end, and their journals are judged."""
    for server in made.servers:
        assert made.end(server) == 0
    assert judge(read_settings(made.config(server), {}) for server in made.servers).slots > 0


def test_a_cell_moves_away_from_all_its_servers_while_it_is_written_to(four: Colony) -> None:
    """A client goes on without an error; another that knows but one old server reaches the cell by its pointer."""

    async def work(king: Operator) -> None:
        await founded(king, [1, 2, 3])
        done, stop = 0, asyncio.Event()

        async def write() -> None:
            nonlocal done
            async with AsyncClient([four.addresses[0]], four.ring, PATIENCE_S) as client:
                while not stop.is_set():
                    done += 1
                    assert (await client.partition(CELL).put("n", done)).value == done

        writing = asyncio.create_task(write())
        for leaves_from, to in ((1, 4), (2, 1), (3, 2), (4, 3), (1, 4)):
            await move(king, leaves_from, to)
        stop.set()
        await writing
        view = await look(king, CELL)
        assert sorted(view.homes[node] for node in view.members) == [2, 3, 4]
        assert (view.version, view.alpha) == (5, 3)
        states = {server: one["life_state"] for server, one in view.nodes.items()}
        assert states == {1: "gone", 2: "member", 3: "member", 4: "member"}
        async with AsyncClient([four.addresses[0]], four.ring, PATIENCE_S) as client:
            item = await client.partition(CELL).get("n")
            assert item is not None
            assert item.value == done
            assert (await client.partition(CELL).peek("n"))[0] is not None
            assert client.places.known(CELL) is not None

    with_king(four, work)
    ended(four)


def test_pointers_and_new_nodes_are_there_after_a_kill_of_everybody(four: Colony) -> None:
    async def work(king: Operator) -> None:
        await founded(king, [1, 2, 3])
        async with AsyncClient(four.addresses, four.ring, PATIENCE_S) as client:
            await client.partition(CELL).put("n", 1)
        for leaves_from, to in ((1, 4), (2, 1), (1, 2)):  # server 1 has two nodes that left, server 2 one and a new one
            await move(king, leaves_from, to)

    async def after(_: Operator) -> None:
        async with AsyncClient([four.addresses[0]], four.ring, PATIENCE_S) as client:
            await client.partition(CELL).put("n", 2)
            whereabouts = client.places.known(CELL)
            assert whereabouts is not None
            assert {address for _, address in whereabouts.members} == set(four.addresses[1:])

    with_king(four, work)
    for server in four.servers:
        four.kill(server)
    four.start(*four.servers)
    with_king(four, after)
    ended(four)


def test_a_server_that_was_away_while_its_cell_moved_finds_it_again(four: Colony) -> None:
    """Server 3 is killed; 1 moves to 4, then 2 to 1. Server 3 knew neither of the new nodes, and is a member."""

    async def work(king: Operator) -> None:
        await founded(king, [1, 2, 3])
        async with AsyncClient(four.addresses, four.ring, PATIENCE_S) as client:
            part = client.partition(CELL)
            await part.put("n", 1)
            four.kill(3)
            await move(king, 1, 4)
            await move(king, 2, 1)
            for number in range(40):
                await part.put("n", number)
            four.start(3)
            await part.put("n", 40)
            while (await look(king, CELL)).nodes[3].get("prefix", 0) < part.seen:
                await part.put("n", 41)
        async with AsyncClient([four.addresses[2]], four.ring, PATIENCE_S) as late:
            late.partition(CELL).seen = part.seen
            assert (await late.partition(CELL).peek("n"))[0] is not None

    with_king(four, work)
    ended(four)


def test_a_server_that_lost_its_disk_comes_back_as_a_new_incarnation(four: Colony) -> None:
    """What was meant for the lost disk makes nothing there; the old node is replaced, and nobody waits for it."""

    async def work(king: Operator) -> None:
        await founded(king, [1, 2, 3])
        async with AsyncClient(four.addresses, four.ring, PATIENCE_S) as client:
            await client.partition(CELL).put("n", 1)
            late = await plan(king, CELL, 1, 3 + 1)
            old = (await look(king, CELL)).nodes[2]["node"]
            four.kill(2)
            disk = read_settings(four.config(2), {}).directory
            disk.rename(disk.with_name("lost"))
            create(read_settings(four.config(2), {}))
            four.start(2)
            with pytest.raises(CannotMove, match="another disk"):
                await Mover(king).move(evolve(late, to=2))
            the = await plan(king, CELL, 2, 2)
            assert str(the.leaves) == old
            with pytest.raises(CannotMove, match="lives on server 3: only a node that lost its disk is replaced there"):
                await plan(king, CELL, 3, 3)
            await Mover(king).move(the, is_lost=True)
            four.kill(1)  # the new node is needed from now on
            await client.partition(CELL).put("n", 2)
            four.start(1)
            view = await look(king, CELL)
            assert (view.nodes[2]["life_state"], view.nodes[2]["node"]) == ("member", str(the.joins))

    with_king(four, work)
    ended(four)


def test_a_lost_disk_of_whoever_is_next_in_line_is_replaced(four: Colony) -> None:
    """The leader moved away, and the cell is at rest: the server of the next one is there, and its node is not."""

    async def work(king: Operator) -> None:
        await founded(king, [1, 2, 3])
        async with AsyncClient(four.addresses, four.ring, PATIENCE_S) as client:
            part = client.partition(CELL)
            await part.put("n", 1)
            view = await look(king, CELL)
            assert any(one.get("leads") for one in view.nodes.values())
            while leaders := [server for server, one in view.nodes.items() if one.get("leads")]:  # another took over
                taken = {view.homes.get(member) for member in view.members}
                free = next(one for one in four.servers if one not in taken)
                await move(king, leaders[0], free)
                view = await look(king, CELL)
            server = view.homes[sorted(view.members)[CELL % len(view.members)]]
            four.kill(server)
            disk = read_settings(four.config(server), {}).directory
            disk.rename(disk.with_name("lost"))
            create(read_settings(four.config(server), {}))
            others = [one for one in four.servers if one != server]
            while any(four.last_of(one, server) != "suspected" for one in others):
                await asyncio.sleep(0.05)
            four.start(server)
            while any(four.last_of(one, server) == "suspected" for one in others):
                await asyncio.sleep(0.05)
            await Mover(king).move(await plan(king, CELL, server, server), is_lost=True)
            await part.put("n", 2)

    with_king(four, work)
    ended(four)


# One server alone, and what must not be done


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


async def refused(one: Alone, king: Operator, make: Callable[[int], Traffic], why: str) -> None:
    """It is refused with these words, and nothing changed."""
    before, nodes = one.memory(), sorted(one.server.nodes.host.journal.nodes())
    assert why in await king.ask(1, make)
    assert one.memory() == before
    assert sorted(one.server.nodes.host.journal.nodes()) == nodes


FIRST = Founding(1, 101, 3, ((11, 1),), frozenset({11}))
"""Cell 1 of the settings."""


def test_what_makes_no_sense_is_refused_and_counted_and_changes_nothing(tmp_path: Path, vfs: SimulatedVfs) -> None:
    def join(number: int, **others: Any) -> Join:
        return evolve(Join(number, FIRST, 99, disk, ((11, 1),)), **others)

    disk = b""

    async def work() -> None:
        nonlocal disk
        async with alone(tmp_path, vfs) as one, Operator({1: str(one.address)}, one.colony.ring, PATIENCE_S) as king:
            disk = one.server.nodes.host.journal.name
            steward, foundry = one.server.steward, one.server.foundry
            asked: list[tuple[Callable[[int], Traffic], str]] = [
                (lambda n: join(n, disk=bytes(8)), "another disk"),
                (lambda n: join(n, node=11), "as old as cell 1"),
                (join, "has a node on this server"),
                (lambda n: join(n, founding=evolve(FIRST, life=9)), "has a node on this server"),
                (lambda n: join(n, founding=evolve(FIRST, cell=5), homes=((11, 9),)), "server 9 is neither"),
                (lambda n: join(n, founding=evolve(FIRST, cell=5, members=frozenset({4}))), "cannot be"),
                (lambda n: join(n, founding=evolve(FIRST, cell=5, alpha=9999)), "cannot be"),
                (lambda n: join(n, founding=evolve(FIRST, cell=5), homes=()), "cannot be"),
                (lambda n: House(n, 1, 102, ((12, 1),)), "no such node"),
                (lambda n: House(n, 2, 101, ((12, 1),)), "no such node"),
                (lambda n: House(n, 1, 101, ((12, 9),)), "server 9 is neither"),
                (lambda n: Release(n, 1, 101, 12), "no such node"),
                (lambda n: Release(n, 1, 102, 11), "no such node"),
                (lambda n: Release(n, 1, 101, 11), "is a member of cell 1"),
            ]
            for make, why in asked:
                await refused(one, king, make, why)
            assert foundry.refused == {"another disk": 1}
            assert steward.refused == {"unknown": 5, "a member": 1}

    run(work)


def test_a_newcomer_is_born_once_and_does_not_leave(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, Operator({1: str(one.address)}, one.colony.ring, PATIENCE_S) as king:
            disk, founding = one.server.nodes.host.journal.name, evolve(FIRST, cell=5)
            for _ in range(2):
                assert await king.ask(1, lambda n: Join(n, founding, 99, disk, ((11, 1),))) == ""
            assert NodeKey(5, 101, 99) in list(one.server.nodes.host.journal.nodes())
            assert "two of them would fail together" in await king.ask(
                1, lambda n: Join(n, founding, 98, disk, ((11, 1),))
            )
            await refused(one, king, lambda n: Release(n, 5, 101, 99), "never a member")
            told = await king.inspect(1, 5)
            assert isinstance(told, dict)
            assert (told["life_state"], told["homes"]) == ("created", {"11": 1, "99": 1})

    run(work)


def test_late_duplicates_of_a_birth_make_nothing_once_the_node_left(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """Of a founding, and of a join: before and after a restart of the host."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, Operator({1: str(one.address)}, one.colony.ring, PATIENCE_S) as king:
            host = one.server.nodes.host
            founding = found(CELL, [1])
            (old,) = founding.members
            assert await create_now(king, founding) == {1: ""}
            joining = Join(0, founding, 99, host.journal.name, ((old, 1),))
            key = NodeKey(CELL, founding.life, old)
            hosted = host.hosted(key)
            while hosted is None:
                await asyncio.sleep(0.01)
                hosted = host.hosted(key)

            left = Left(1, frozenset({99}))
            hosted.node._pointer = left
            hosted.homes[99] = 1
            host._waiting.append(Waiting(key, [left], [Gone(key)], True))
            hosted.awaited, hosted.queued, host._awaited = 1, 1, 1
            one.server._look_around()
            while key not in host.pointers:
                await asyncio.sleep(0.01)
            assert "left this server" in (await create_now(king, founding))[1]
            assert await king.ask(1, lambda n: Release(n, CELL, founding.life, old)) == "", "it has left"
            assert await king.ask(1, lambda n: evolve(joining, number=n)) == "", "another node may come"
            assert "never made anew" in await king.ask(
                1,
                lambda n: evolve(
                    joining, number=n, node=old, founding=evolve(founding, nodes=((5, 1),), members=frozenset({5}))
                ),
            )
            assert one.server.foundry.refused == {"left": 2}
            assert one.server.atlas.here(CELL) == NodeKey(CELL, founding.life, 99)

    run(work)


def test_news_of_a_move_is_believed_only_from_a_server_of_the_cell_and_never_if_it_is_old(
    tmp_path: Path, vfs: SimulatedVfs
) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            moving = one.server.moving
            before = one.memory()
            moving.told(2, Moved(1, 101, 5, (11, 12), ((11, 1), (12, 1))))
            assert moving.refused == {"not of this cell": 1}
            moving.told(1, Moved(1, 102, 5, (12,), ((12, 1),)))
            moving.told(1, Moved(9, 101, 5, (12,), ((12, 1),)))
            moving.asked(1, Seek(1, 102, 12))
            assert moving.refused["another cell or life"] == 3
            hosted = one.server.nodes.host.hosted(NodeKey(1, 101, 11))
            assert hosted is not None
            jury = hosted.node.jury
            hosted.node._learner.state.jury = evolve(jury, version=6)
            moving.told(1, Moved(1, 101, 5, (11, 12), ((11, 1), (12, 1))))
            hosted.node._learner.state.jury = jury
            assert moving.refused["older than what is known"] == 1
            assert hosted.homes == {11: 1}
            assert one.memory() == before
            moving.told(1, Moved(1, 101, 0, (11,), ((12, 1), (13, 9))))
            assert hosted.homes == {11: 1, 12: 1}, "of a server that nobody knows nothing is noted"

    run(work)


def test_only_servers_tell_of_moves(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            await one.say(Party("client", 0), Moved(1, 101, 5, (11,), ((11, 1),)))
            assert one.server.refusals == {"role": 1}
            assert not one.server.moving.refused

    run(work)
