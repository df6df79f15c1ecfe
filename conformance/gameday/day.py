"""The day itself: servers that record, clients at work, one blow after the other, and peace at the end.

Beside the clients whose histories are judged there is a probe for each of some cells, which writes all the time and
says whether it was answered: that is the availability over time. What servers take of memory, files, threads and tasks
is looked at before anybody works, and again when everything has calmed down.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import Factory, define, frozen

from conformance.gameday.changes import END_S, Changes
from conformance.gameday.faults import MIXED, MOVE, REPLACE, RESTART, Blow
from physalia.client import AsyncClient, ClientError
from physalia.colony import Colony, Processes
from physalia.colony.faults import Fault, Faults
from physalia.colony.health import page
from physalia.colony.trouble import settle
from physalia.colony.work import Saw, read_all, work

PROBED = 8
"""So many cells are probed."""
PROBE_EVERY_S = 0.2
PROBE_PATIENCE_S = 1.0


@frozen
class Band:
    """A fault that was, from when to when, in seconds of the day."""

    blow: Blow
    begin_s: float
    end_s: float


@frozen
class Probe:
    """Whether one cell answered a write, asked for at this second of the day."""

    cell: int
    at_s: float
    is_answered: bool


@frozen
class Taken:
    """What the process of a server takes."""

    pid: int
    memory_bytes: int
    files: int
    threads: int
    tasks: int | None
    """Of its event loop, as it says itself; None if it did not."""


@define
class Day:
    """What became of it. `wanted` are the faults that it was to have, and `left_out` says why one was not had."""

    wanted: frozenset[str] = frozenset()
    bands: list[Band] = Factory(list)
    probes: list[Probe] = Factory(list)
    left_out: dict[str, str] = Factory(dict)
    saw: Saw = Factory(Saw)
    before: dict[int, Taken] = Factory(dict)
    """What servers took before anybody worked; of one that was started anew, what it took soon after."""
    after: dict[int, Taken] = Factory(dict)
    settled: bool = False
    seconds: float = 0.0
    moved: int = 0
    """How many members of cells went to another server."""
    lost: int = 0
    """How many servers lost their disks."""
    replaced: int = 0
    """How many nodes came in the place of those that were lost."""
    spoken: Counter[int] = Factory(Counter)
    """Between how many pairs of servers each older version of the protocol was spoken."""
    unfinished: bool = False
    """Whether a move did not come to its end."""
    died: tuple[int, ...] = ()
    """The servers that ended, and nobody had ended them. The day is over then."""

    @property
    def missing(self) -> list[str]:
        """What was to come, could, and did not."""
        had = {band.blow.fault for band in self.bands}
        return sorted(self.wanted - self.left_out.keys() - had)

    @property
    def operations(self) -> int:
        """How many operations clients began."""
        events = (*self.saw.registers, *self.saw.transactions)
        return sum(bool(event["type"] == "invoke") for event in events) + len(self.saw.looks) + len(self.probes)


async def live(
    colony: Colony,
    processes: Processes,
    *,
    clients: int,
    seconds: float,
    seed: int,
    wanted: frozenset[str],
    next_blow: Callable[[], Blow],
    left_out: Mapping[str, str],
    told: Callable[[str], None],
) -> Day:
    """Live through the day, which does not end before each fault came once.

    Raises `ServerFailed`, `NoNetwork` and what clients raise at the end.
    """
    day, until = Day(wanted=wanted, left_out=dict(left_out)), asyncio.Event()
    hands, changes = Faults(colony, processes), Changes(colony, processes)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await settle(colony)
    day.before = await _taken(colony, processes)
    working = asyncio.create_task(work(colony, day.saw, clients, until, seed))
    probing = asyncio.create_task(_probe(colony, day, begin, until))
    moving: list[asyncio.Task[None]] = []
    came: set[str] = set()
    try:
        while loop.time() < begin + seconds or wanted - day.left_out.keys() - came:
            day.died = tuple(server for server in colony.settings if processes.pid(server) is None)
            if day.died:
                break
            blow = next_blow()
            came.add(blow.fault)
            if blow.fault == MOVE:
                moving.append(asyncio.create_task(_move(blow, changes, day, begin, told)))
            elif blow.fault not in day.left_out:
                await _strike(blow, colony, processes, hands, changes, day, begin, told)
            await asyncio.sleep(min(blow.peace_s, max(0.0, begin + seconds - loop.time())))
        day.unfinished |= not day.died and not await _all_moved(moving)
    finally:
        for move in moving:
            move.cancel()
        until.set()
        await asyncio.gather(working, probing)
    day.seconds = loop.time() - begin
    day.moved, day.lost, day.replaced, day.spoken = changes.moved, changes.lost, changes.replaced, changes.spoken
    if day.died:
        return day
    told("all is healed; everything is read once more")
    await read_all(colony, day.saw)
    day.settled = await settle(colony)
    day.after = await _taken(colony, processes)
    return day


async def _move(blow: Blow, changes: Changes, day: Day, begin: float, told: Callable[[str], None]) -> None:
    """Cells move, while others strike."""
    loop = asyncio.get_running_loop()
    at_s = loop.time() - begin
    told(blow.words)
    await changes.move(blow)
    day.bands.append(Band(blow, at_s, loop.time() - begin))


async def _in_time(change: Coroutine[None, None, None], day: Day) -> None:
    """While nothing else is wrong, a change comes to its end."""
    try:
        async with asyncio.timeout(END_S):
            await change
    except TimeoutError:
        day.unfinished = True


async def _all_moved(moving: Iterable["asyncio.Task[None]"]) -> bool:
    """Whether all moves came to their ends, now that nothing is wrong any more. Raises what they raised."""
    try:
        async with asyncio.timeout(END_S):
            await asyncio.gather(*moving)
    except TimeoutError:
        return False
    return True


async def _strike(
    blow: Blow,
    colony: Colony,
    processes: Processes,
    hands: Faults,
    changes: Changes,
    day: Day,
    begin: float,
    told: Callable[[str], None],
) -> None:
    """One fault, from its beginning to its end. What is not permitted is left out from now on."""
    loop = asyncio.get_running_loop()
    at_s = loop.time() - begin
    day.saw.generation += 1
    pids = {server: processes.pid(server) for server in colony.settings}
    try:
        told(blow.words)
        if blow.fault == RESTART:
            for server in blow.servers:
                await asyncio.to_thread(processes.end, server)
        elif blow.fault == REPLACE:
            await _in_time(changes.replace(blow.servers[0]), day)
        elif blow.fault == MIXED:
            await changes.go_back(blow)
        else:
            await asyncio.gather(*(hands.break_(server, Fault(blow.fault)) for server in blow.servers))
        await asyncio.sleep(blow.lasts_s)
        if blow.fault == MIXED:
            await changes.come_forward(blow)
    except PermissionError as error:
        day.left_out[blow.fault] = f"this machine does not permit it ({error.strerror})"
        told(f"{blow.fault} is left out: {day.left_out[blow.fault]}")
    finally:
        for server in blow.servers:
            await hands.heal(server)
    if blow.fault not in day.left_out:
        day.bands.append(Band(blow, at_s, loop.time() - begin))
    for server, pid in pids.items():
        if processes.pid(server) != pid:
            with suppress(OSError):
                day.before[server] = await taken(colony, processes, server)


async def _probe(colony: Colony, day: Day, begin: float, until: asyncio.Event) -> None:
    """Write to some cells all the time, each on its own, and note whether that was answered."""
    loop = asyncio.get_running_loop()

    async def one(client: AsyncClient, cell: int) -> None:
        part = client.partition(cell)
        while not until.is_set():
            at = loop.time()
            try:
                async with asyncio.timeout(PROBE_PATIENCE_S):
                    await part.put("probe", b"here")
            except (ClientError, TimeoutError):
                is_answered = False
            else:
                is_answered = True
            day.probes.append(Probe(cell, at - begin, is_answered))
            await asyncio.sleep(max(0.0, PROBE_EVERY_S - (loop.time() - at)))

    async with (
        AsyncClient(colony.addresses, colony.ring, PROBE_PATIENCE_S, caches=colony.caches) as client,
        asyncio.TaskGroup() as group,
    ):
        for cell in colony.cells[:PROBED]:
            group.create_task(one(client, cell))


async def _taken(colony: Colony, processes: Processes) -> dict[int, Taken]:
    return {server: await taken(colony, processes, server) for server in colony.settings}


async def taken(colony: Colony, processes: Processes, server: int) -> Taken:
    """What a server's process takes now. Raises `OSError` if it does not run."""
    pid = processes.pid(server)
    if pid is None:
        raise ProcessLookupError(f"server {server} does not run")
    of = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (of / "status").read_text(encoding="utf-8").splitlines())
    memory_kib = int(status["VmRSS"].split()[0])
    files, threads = sum(1 for _ in (of / "fd").iterdir()), int(status["Threads"])
    health = await asyncio.to_thread(page, colony, server, "/health") or {}
    return Taken(pid, 1024 * memory_kib, files, threads, health.get("tasks"))
