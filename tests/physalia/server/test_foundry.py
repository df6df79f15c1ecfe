"""Cells come into being once, because somebody who may says so, and are there after any crash."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from physalia.client import AsyncClient, Malformed, Operator, Unavailable, found
from physalia.journal import NodeKey
from physalia.model import (
    Ask,
    Bundle,
    Cap,
    Carry,
    Change,
    Create,
    Decline,
    Denied,
    Elsewhere,
    Envelope,
    Find,
    Founding,
    Granted,
    House,
    Inspect,
    Inspected,
    Join,
    Look,
    Moved,
    Origin,
    Pace,
    Page,
    Ping,
    Pong,
    Push,
    Release,
    Reply,
    Request,
    RequestId,
    Scan,
    Scanned,
    ScannedAt,
    Seek,
    Seen,
    Traffic,
    Where,
    Whereabouts,
)
from physalia.model.value import evolve
from physalia.transport import CLIENT, OPERATOR, Party
from physalia.wire import encode_command
from tests import PATIENCE_S
from tests.physalia.server.colonies import Colony, colony, create_now
from tests.physalia.server.test_server import Alone, alone, run


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


def operator(one: Alone, deadline_s: float = PATIENCE_S) -> Operator:
    return Operator({1: str(one.address)}, one.colony.ring, deadline_s)


def test_a_cell_is_founded_and_serves_at_once(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, operator(one) as king, one.client() as client:
            founding = found(7, [1])
            assert await create_now(king, founding) == {1: ""}
            assert (await client.partition(7).put("a", 1)).value == 1
            assert await create_now(king, founding) == {1: ""}, "the same again is granted again"
            assert await client.partition(7).get("a") is not None

    run(work)


def test_a_cell_is_founded_once(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """Other names for a cell that is there are refused, also while the first founding waits for the disk."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, operator(one) as king:
            first, second = found(7, [1]), found(7, [1])
            answers = await asyncio.gather(create_now(king, first), create_now(king, first), create_now(king, second))
            assert list(answers[:2]) == [{1: ""}, {1: ""}]
            assert "created before" in answers[2][1]
            assert "created before" in (await create_now(king, second))[1]
            assert "created before" in (await create_now(king, found(1, [1])))[1], "it stands in the settings"
            records = one.server.nodes.host.journal.nodes()
            assert sorted(key.cell for key in records) == [1, 7]

    run(work)


def test_a_founding_that_was_meant_for_a_lost_disk_bears_nothing(tmp_path: Path, vfs: SimulatedVfs) -> None:
    """The node would be there under its old name, and know nothing of what it promised."""

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, operator(one) as king:
            founding = found(7, [1])
            assert "another disk" in (await king.create(founding, {1: "00" * 8}))[1]
            assert one.server.foundry.refused == {"another disk": 1}
            assert [key.cell for key in one.server.nodes.host.journal.nodes()] == [1]
            disk = one.server.nodes.host.journal.name.hex()
            assert await king.create(founding, {1: disk}) == {1: ""}

    run(work)


@pytest.mark.parametrize(
    ("founding", "why"),
    [
        (found(7, [2]), "server 2 is neither this one nor among its peers"),
        (evolve(found(7, [1]), members=frozenset()), ""),
        (evolve(found(7, [1]), members=frozenset([5])), "nodes does not say on which server"),
        (evolve(found(7, [1]), alpha=2000), "alpha is from 1"),
        (evolve(found(7, [1]), nodes=((3, 1), (4, 1)), members=frozenset([3])), "two of its nodes live on one server"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_and_nothing_is_born(
    tmp_path: Path, vfs: SimulatedVfs, founding: Founding, why: str
) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, operator(one) as king:
            if not why:  # it cannot even be said
                with pytest.raises(ValueError, match="at least one member"):
                    await create_now(king, founding)
            else:
                assert why in "".join((await create_now(_telling(king), founding)).values())
            assert [key.cell for key in one.server.nodes.host.journal.nodes()] == [1]

    run(work)


def _telling(king: Operator) -> Operator:
    """The same operator, who asks server 1 whatever the founding says."""
    king._addresses = dict.fromkeys(range(1, 8), king._addresses[1])
    return king


@pytest.mark.parametrize("own", [CLIENT, Party("server", 2)])
@pytest.mark.parametrize("asked", [Create(1, found(7, [1]), bytes(8)), Cap(1, 1)])
def test_who_has_no_operators_key_founds_nothing(
    tmp_path: Path, vfs: SimulatedVfs, own: Party, asked: Create | Cap
) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            await one.say(own, asked)
            assert one.server.refusals == {"role": 1}
            assert [key.cell for key in one.server.nodes.host.journal.nodes()] == [1]

    run(work)


def test_a_client_changes_no_members(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            before = (await client.read(1)).saw
            with pytest.raises(Malformed, match="does not let a client"):
                await client.ask(1, encode_command(Change(RequestId("c", 1), 0, frozenset([99]))))
            assert (await client.read(1)).saw == before
            node = one.server.nodes.host.node(NodeKey(1, 101, 11))
            assert node is not None
            assert node.jury.version == 0

    run(work)


def test_a_journal_that_may_not_grow_founds_nothing_and_goes_on_when_it_may(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, operator(one) as king, one.client() as client:
            assert await king.cap(1, 1) == ""
            writing = asyncio.ensure_future(_write_on(client))
            while "refused by the journal" not in one.log.getvalue():
                await asyncio.sleep(0.01)
                assert not writing.done()
            for cell in range(7, 1000):  # a few find room in the last page
                founding = found(cell, [1])
                if why := (await create_now(king, founding))[1]:
                    break
            assert "no room" in why
            assert await king.cap(1, 0) == ""
            assert await create_now(king, founding) == {1: ""}
            writing.cancel()
            assert (await client.partition(1).put("n", 1)).value == 1
            assert not one.running.done()

    run(work)


async def _write_on(client: AsyncClient) -> None:
    number = 0
    while True:
        number += 1
        await client.partition(1).put(f"k{number % 7}", bytes(4000))


def test_what_was_founded_is_there_after_a_kill(tmp_path: Path) -> None:
    with colony(tmp_path) as made:
        made.start(*made.servers)
        servers = dict(zip(made.servers, made.addresses, strict=True))
        founding = found(7, made.servers)

        async def work() -> None:
            async with Operator(servers, made.ring, PATIENCE_S) as king:
                assert await create_now(king, founding) == dict.fromkeys(made.servers, "")
            await put(made, 1)
            for server in made.servers:
                made.kill(server)
            made.start(*made.servers)
            await put(made, 2)

        asyncio.run(work())
        for server in made.servers:
            assert '"founded"' in made.log(server)


async def put(made: Colony, value: int) -> None:
    async with AsyncClient(made.addresses, made.ring, PATIENCE_S) as client:
        if value > 1:
            before = await client.partition(7).get("a")
            assert before is not None
            assert before.value == value - 1
        await client.partition(7).put("a", value)


def test_nobody_there_is_said(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            async with Operator({1: "127.0.0.1:1"}, one.colony.ring, 0.2) as king:
                assert "did not say which disk" in (await create_now(king, found(7, [1])))[1]
                assert "did not answer" in (await king.create(found(7, [1]), {1: "00" * 8}))[1]
                assert "nobody said where" in (await king.create(found(7, [2]), {2: "00" * 8}))[2]
            async with one.client() as client:
                client.deadline_s = 0.3
                with pytest.raises(Unavailable):
                    await client.partition(7).get("a")

    run(work)


OF_NOBODY: list[Traffic] = [
    Seen(1, 1, ()), Scanned(1, Page((), None)), ScannedAt(1, Page((), None), 1),
    Granted(1), Denied(1, ""), Where(1, None), Find(1, 1), Push(()),
    Reply(1, b""), Decline(1, "busy", ""), Pong(1), Inspected(1, b"{}"), Elsewhere(1, Whereabouts(1, 101, 1, ())),
]  # fmt: skip
"""What no server is ever to hear, whoever says it."""
OF_CLIENTS: list[Traffic] = [Look(1, 1, 0, ("a",), False), Scan(1, 1, 0, "", 10, None, True), Request(1, 1, b"")]
OF_SERVERS: list[Traffic] = [
    Bundle(()), Carry(Envelope(Origin(1, 101, 11), 11, Ask(0))), Seek(1, 101, 11),
    Moved(1, 101, 9, (11, 12), ((11, 1), (12, 1))),
]  # fmt: skip
OF_OPERATORS: list[Traffic] = [
    Create(1, found(7, [1]), bytes(8)), Cap(1, 0), Request(1, 1, b""), Pace(1, 1000),
    Join(1, found(7, [1]), 99, bytes(8), ((98, 1),)),
    House(1, 1, 101, ((12, 1),)), Release(1, 1, 101, 11), Inspect(1, 1),
]  # fmt: skip
MAY = {"client": OF_CLIENTS, "server": OF_SERVERS, "operator": OF_OPERATORS}


@pytest.mark.parametrize("own", [CLIENT, OPERATOR, Party("server", 2)])
def test_who_has_a_key_is_cut_off_for_everything_that_is_not_its_to_say(
    tmp_path: Path, vfs: SimulatedVfs, own: Party
) -> None:
    """Every kind of traffic that there is, from each role, authentic: nothing of a node changes, nothing is born."""
    every: list[Traffic] = [*OF_NOBODY, *OF_CLIENTS, *OF_SERVERS, *OF_OPERATORS]
    assert {type(one) for one in every} | {Ping} == set(get_args(Traffic))

    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            before, count = one.memory(), 0
            for said in every:
                if said in MAY[own.role]:
                    continue
                count += 1
                await one.say(own, said)
                assert one.server.refusals == {"role": count}, said
            assert one.memory() == before
            assert [key.cell for key in one.server.nodes.host.journal.nodes()] == [1]
            assert not one.running.done()

    run(work)
