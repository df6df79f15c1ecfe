"""Reads of real servers: they take no slot, see all that anybody was told, and a scan is of one moment (rule R7)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from physalia.client import AsyncClient
from physalia.colony import Colony, Processes, lay_out
from physalia.colony.faults import Fault, Faults
from physalia.errors import Unavailable
from physalia.model import Put
from tests.physalia.server.test_server import run

CELL = 1
SHORT_S = 1.5
"""How long a client tries where nothing may answer it. One attempt takes a second."""


def between(folder: Path, work: Callable[[Colony, Faults], Awaitable[None]]) -> None:
    """Three servers, whose network can be split while something works."""
    colony = lay_out(folder / "colony", 3, has_network=True, extra="ping_every_s = 0.05\nsuspect_after_s = 0.4\n")
    processes = Processes(colony)
    try:
        processes.start_network()
        for server in colony.settings:
            processes.start(server)
        run(lambda: work(colony, Faults(colony, processes)))
    finally:
        processes.kill_all()
        processes.end_network()


def test_who_leads_no_more_answers_no_strict_read(tmp_path: Path) -> None:
    """A leader cut off from the others does not know that they decided more, and is not to say what it knows."""

    async def work(colony: Colony, faults: Faults) -> None:
        async with (
            AsyncClient(colony.addresses, colony.ring) as everywhere,
            AsyncClient(colony.addresses, colony.ring) as elsewhere,
        ):
            await everywhere.partition(CELL).put("a", 1)
            leader = str(everywhere.places.address(CELL))
            number = 1 + colony.addresses.index(leader)
            await faults.break_(number, Fault.SPLIT)
            others = [one for one in colony.addresses if one != leader]
            async with (
                AsyncClient(others, colony.ring) as newer,
                AsyncClient([leader], colony.ring, SHORT_S) as older,
            ):
                second = await newer.partition(CELL).put("a", 2)
                old = await older.partition(CELL).get("a", consistency="eventual")
                assert old is not None
                assert old.value == 1, "it does not know better"
                with pytest.raises(Unavailable):
                    await older.partition(CELL).get("a")
                with pytest.raises(Unavailable):
                    _ = [one async for one in older.partition(CELL).scan()]
                await faults.heal(number)
                assert await elsewhere.partition(CELL).get("a") == second
                assert [one.value async for one in elsewhere.partition(CELL).scan()] == [2]

    between(tmp_path, work)


def test_reads_take_no_slot_and_a_scan_is_of_one_moment(tmp_path: Path) -> None:
    """Whatever is decided meanwhile, and whatever server this client is turned to between two pages."""

    async def work(colony: Colony, _: Faults) -> None:
        async with (
            AsyncClient(colony.addresses, colony.ring) as writer,
            AsyncClient(colony.addresses, colony.ring) as reader,
        ):
            written, read = writer.partition(CELL), reader.partition(CELL)
            outcome = await written.transact(then=[Put(f"k{number}", number) for number in range(6)])
            assert await read.look("k0", "k9") == (outcome.results[0], None)
            assert (await written.put("k0", -1)).version == outcome.version + 1
            for consistency in ("strict", "eventual"):
                seen = []
                async for item in read.scan("k", page_items=2, consistency=consistency):
                    seen.append(item.value)
                    await written.put("k5", 5)
                    reader.places.turn_away(CELL)
                assert seen == [-1, 1, 2, 3, 4, 5]
            slot = (await written.put("k0", 0)).version
            found = await asyncio.gather(*(read.get("k0") for _ in range(100)))
            assert [one.value for one in found if one is not None] == [0] * 100
            assert (await written.put("k0", 0)).version == slot + 1

    between(tmp_path, work)
