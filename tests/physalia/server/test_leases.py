"""Leases in a cell of real servers: held through the loss of a leader, taken over from a process that is gone (R13)."""

import subprocess
import sys
from pathlib import Path

import pytest

from physalia.client import AsyncClient
from physalia.colony import Colony
from physalia.colony.faults import Fault, Faults
from physalia.errors import ConditionFailed, Unavailable
from physalia.lease import boottime_ns
from physalia.model import HasVersion
from tests.physalia.server.test_reads import CELL, between

LONG_S = 600.0
"""Nobody waits for the end of such a lease."""
SHORT_S = 0.5
NS = 10**9

HOLDER = """
import asyncio, sys
from physalia.client import AsyncClient

async def hold(addresses, keys):
    async with AsyncClient(addresses, keys) as client:
        async with client.partition(1).lease("attach", duration_s=0.5) as lease:
            print(lease.holds().version, flush=True)
            await asyncio.Event().wait()

asyncio.run(hold(*sys.argv[1:]))
"""


def test_a_lease_survives_the_loss_of_a_leader_and_is_given_back(tmp_path: Path) -> None:
    async def work(colony: Colony, faults: Faults) -> None:
        async with AsyncClient(colony.addresses, colony.ring) as one, AsyncClient(colony.addresses, colony.ring) as two:
            mine, yours = one.partition(CELL), two.partition(CELL)
            async with mine.lease("attach", LONG_S) as lease:
                await mine.put("primary", b"a", if_=[lease.holds()])
                leader = 1 + colony.addresses.index(str(one.places.address(CELL)))
                await faults.break_(leader, Fault.KILL)
                assert lease.left_s > 0
                await mine.put("primary", b"b", if_=[lease.holds()])
                with pytest.raises(Unavailable, match="was not to be had"):
                    await yours.lease("attach", LONG_S, wait_s=0.5).__aenter__()
                held = lease.holds()
            async with yours.lease("attach", LONG_S) as other:  # at once: it was given back
                assert other.left_s > 0
                with pytest.raises(ConditionFailed):
                    await mine.put("primary", b"c", if_=[held])
                await yours.put("primary", b"d", if_=[other.holds()])

    between(tmp_path, work)


def test_a_lease_is_taken_over_from_a_process_that_is_gone(tmp_path: Path) -> None:
    """Whoever waits for it waits for three times its length, from when it saw the record first."""

    async def work(colony: Colony, _: Faults) -> None:
        command = [sys.executable, "-c", HOLDER, ",".join(colony.addresses), str(colony.folder / "keys.toml")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            first = int(holder.stdout.readline())
            async with AsyncClient(colony.addresses, colony.ring) as client:
                volume = client.partition(CELL)
                holder.kill()
                begun_ns = boottime_ns()
                async with volume.lease("attach", SHORT_S) as lease:
                    assert boottime_ns() - begun_ns >= 3 * SHORT_S * NS
                    with pytest.raises(ConditionFailed):
                        await volume.put("primary", b"a", if_=[HasVersion("attach", first)])
                    await volume.put("primary", b"b", if_=[lease.holds()])

    between(tmp_path, work)
