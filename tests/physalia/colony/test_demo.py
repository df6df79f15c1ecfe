"""What the demo shows can be wrong: a colony whose disks fall back unnoticed loses what it acknowledged."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.refutation import Refuted
from conformance.registers import Operation, judge
from physalia.cell.state import FIRST_VOLUME
from physalia.client import AsyncClient
from physalia.colony import Colony, Processes, lay_out
from physalia.model import Read, Write


@pytest.fixture
def colony(tmp_path: Path) -> Iterator[Colony]:
    made = lay_out(tmp_path / "colony", extra="ping_every_s = 0.05\nsuspect_after_s = 0.4")
    yield made
    for server in made.settings:
        Processes(made).kill(server)


def talk(colony: Colony, writes: range) -> list[Operation]:
    """Write so many versions, one after the other, and read the last."""

    async def main() -> list[Operation]:
        history = []
        async with AsyncClient(colony.addresses, colony.ring, 600.0) as client:
            commands: list[Write | Read] = [Write(client.request(), version, "x", "y") for version in writes]
            for command in [*commands, Read(client.request())]:
                since_s = time.monotonic()
                verdict = await client.submit(1, command)
                history.append(Operation(1, command, since_s, time.monotonic(), verdict))
        return history

    return asyncio.run(main())


def test_what_a_majority_of_disks_forgot_is_seen_by_the_judge(colony: Colony) -> None:
    """Beyond what a cell survives: two of three disks become older copies of themselves, and the third is gone."""
    processes, copies = Processes(colony), colony.folder / "copies"
    processes.start(1, 2, 3)
    history = talk(colony, range(3))
    processes.end(1, 2, 3)
    for server in (1, 2):
        shutil.copytree(colony.settings[server].directory, copies / str(server))
    processes.start(1, 2, 3)
    history += talk(colony, range(3, 6))
    assert judge(history, FIRST_VOLUME) == 8
    for server in (1, 2, 3):
        processes.kill(server)
    for server in (1, 2):
        shutil.rmtree(colony.settings[server].directory)
        shutil.copytree(copies / str(server), colony.settings[server].directory)
    processes.start(1, 2)
    history += talk(colony, range(0))
    with pytest.raises(Refuted, match="happened after it"):
        judge(history, FIRST_VOLUME)
