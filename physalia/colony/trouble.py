"""A colony in trouble: clients at work while servers are broken and healed, for some time, and peace at the end."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

from attrs import Factory, define

from physalia.colony.faults import Fault, Faults
from physalia.colony.layout import Colony
from physalia.colony.moves import Moves, are_settled, operator_of
from physalia.colony.processes import Processes
from physalia.colony.work import Saw, read_all, work

SHORTEST_S, LONGEST_S = 0.5, 2.0
"""How long a fault lasts, and how long there is peace after it, in seconds, where a server need not be started."""
AGREE_S = 60.0
LOOK_EVERY_S = 0.1

Told = Callable[[str], None]
"""Who is told what happens, as a phrase."""


@define
class Trouble:
    """What happened to a colony: each fault so often, what clients saw; `settled` if all members know the same."""

    faults: Counter[str] = Factory(Counter)
    saw: Saw = Factory(Saw)
    settled: bool = False
    moves: int = 0
    """How many members went from one server to another."""


async def make_trouble(
    colony: Colony,
    processes: Processes,
    *,
    clients: int,
    seconds: float,
    faults: Sequence[Fault],
    seed: int,
    told: Told,
    moves: bool = False,
) -> Trouble:
    """Break and heal for so many seconds, each fault in turn at least once if there is time; then let all calm down.

    Meanwhile cells move from server to server, if `moves`.
    """
    trouble, until, hands = Trouble(), asyncio.Event(), Faults(colony, processes)
    working = asyncio.create_task(work(colony, trouble.saw, clients, until, seed))
    rng = random.Random(seed)  # noqa: S311  # repeatable, no secret
    going = Moves(colony, random.Random(f"moves {seed}"))  # noqa: S311  # repeatable, no secret
    moving = asyncio.create_task(going.work(until)) if moves else None
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    try:
        await asyncio.sleep(SHORTEST_S)
        turn = 0
        while loop.time() < ends_at and faults:
            how = faults[turn % len(faults)]
            await _break_some(hands, colony, rng, how, trouble, told)
            turn += 1
        await asyncio.sleep(max(0.0, ends_at - loop.time()))
    finally:
        until.set()
        await working
    if moving is not None:
        await moving
    trouble.moves = going.made
    await read_all(colony, trouble.saw)
    trouble.settled = await settle(colony)
    return trouble


async def _break_some(
    hands: Faults, colony: Colony, rng: random.Random, how: Fault, trouble: Trouble, told: Told
) -> None:
    """Break one server, sometimes two, once in a while all of them; wait; heal them; wait."""
    servers = list(colony.settings)
    rng.shuffle(servers)
    count = rng.choices((1, 2, len(servers)), (6, 2, 1))[0]
    broken = servers[:count]
    names = ", ".join(map(str, sorted(broken)))
    trouble.saw.generation += 1
    await asyncio.gather(*(hands.break_(server, how) for server in broken))
    trouble.faults[how.value] += len(broken)
    told(f"{how.value}: server {names}" if len(broken) == 1 else f"{how.value}: servers {names}")
    await asyncio.sleep(rng.uniform(SHORTEST_S, LONGEST_S))
    for server in broken:
        await hands.heal(server)
    await asyncio.sleep(rng.uniform(0.0, SHORTEST_S))


async def settle(colony: Colony) -> bool:
    """Wait until all members of a cell know the same; whether they do before it takes too long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + AGREE_S
    async with operator_of(colony, AGREE_S) as operator:
        while not await are_settled(operator, colony.cells):
            if loop.time() > until:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
    return True
