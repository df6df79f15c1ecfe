"""The part `itself` of the link: whether what disturbs the runs disturbs them.

Schedules that pass nobody over, cancellation that spares an await, clocks that all go alike and moves that move nothing
refute nothing: runs hold, and nothing was shown by them. So each is tried on a program that is made for it, and must do
there what it says. What it did in the runs themselves is told by their marks.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from conformance.refutation import Refuted
from conformance.shell.clocks import Clock
from conformance.shell.colony import Colony
from conformance.shell.network import Network
from conformance.shell.process import Process
from conformance.shell.simulator import Simulator
from conformance.shell.unrest.cancelling import Interruption
from conformance.shell.unrest.priorities import Priorities

Program = Callable[[list[str]], Coroutine[Any, Any, None]]

AWAITS = 6
RATES = (0.25, 1.0, 3.0)
SCHEDULES = 320
"""Four times as many as the bound of PCT says that the fault of `twice` needs: 4 tasks, 20 steps, depth 2."""
STEPS = 20


async def twice(saw: list[str]) -> None:
    """Two tasks, depth 2: a ballot is read again after a wait. The other one needs six steps to change it."""
    ballot = [1]

    async def lead() -> None:
        before = ballot[0]
        await asyncio.sleep(0)
        if ballot[0] != before:
            saw.append("a ballot is not what it was")

    async def promise() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        ballot[0] = 2

    await asyncio.gather(asyncio.create_task(lead()), asyncio.create_task(promise()))


def meets(program: Program, priorities: Priorities | None) -> tuple[bool, int]:
    """Whether a run of a program meets its fault, and how many turns that took."""
    simulator = Simulator("tiny")
    simulator.priorities = priorities
    process = alone(simulator, Clock())
    saw: list[str] = []
    task = process.start(program(saw))
    if not simulator.run(1.0, task.done):
        raise Refuted("a program of a few steps does not come to its end")
    task.result()
    process.dispose()
    return bool(saw), simulator.turns


def alone(simulator: Simulator, clock: Clock) -> Process:
    """The only process of a simulation."""
    process = Process("tiny", "tiny", clock, simulator, Network(simulator))
    simulator.processes.append(process)
    return process


def order() -> str:
    """A planted fault is met by priorities with one preemption; not without one, and not in the order of asyncio."""
    if meets(twice, None)[0]:
        return "a fault that needs a preemption is met in the order of asyncio"
    if any(meets(twice, Priorities(str(seed), 1, STEPS))[0] for seed in range(SCHEDULES)):
        return "a fault that needs a preemption is met without one"
    if not any(meets(twice, Priorities(str(seed), 2, STEPS))[0] for seed in range(SCHEDULES)):
        return f"no schedule of {SCHEDULES} by priority meets a fault that needs one preemption"
    return ""


def cancellation() -> str:
    """What waits is cancelled at each of its awaits: while it waits there, and late, when it would go on."""
    for is_late in (False, True):
        for at in range(1, AWAITS + 1):
            passed = _passed_before(at, is_late=is_late)
            if passed != at - 1:
                how = "late at" if is_late else "at"
                return f"what is to be cancelled {how} its await {at} of {AWAITS} went on after {passed} of them"
    return ""


def _passed_before(at: int, *, is_late: bool) -> int:
    """How many awaits a piece of work went on after that is to be cancelled at one of them."""
    simulator = Simulator("tiny")
    process, passed = alone(simulator, Clock()), 0

    async def work() -> None:
        nonlocal passed
        for _ in range(AWAITS):
            await asyncio.sleep(0.1)
            passed += 1

    process.loop.interruptions.append(Interruption(at, is_late))
    simulator.run(1.0, process.start(work()).done)
    process.dispose()
    return passed


def clocks() -> str:
    """A process whose clock goes so many times as fast waits for so much less true time."""
    for rate in RATES:
        simulator, clock = Simulator("tiny"), Clock(shown_s=7.0)
        process = alone(simulator, clock)
        clock.go(0.0, rate)
        simulator.run(60.0, process.start(asyncio.sleep(3.0)).done)
        process.dispose()
        if not 3.0 / rate <= simulator.now_s < 3.0 / rate + 0.01:
            return f"who waits for 3 s by a clock that goes {rate} times as fast waits for {simulator.now_s:.3f} s"
    with Colony() as colony:
        colony.client()
        for name in ("a", "client1"):
            colony.clock.rate(name, 2.0)
        processes = (colony.machines["a"].process, colony.machines["b"].process, colony.clients[0].asks.process)
        before = [process.clock_s() for process in processes if process is not None]
        colony.run(1.0)
        went = [process.clock_s() - was for process, was in zip(processes, before, strict=True) if process is not None]
        if [round(each) for each in went] != [2, 1, 2]:
            return f"clocks of a server and a client that go twice as fast, and of another server, went {went} s in 1 s"
    return ""


def moves() -> str:
    """A node that an operator replaces is replaced."""
    with Colony(servers=4, nodes=3, spares=1) as colony:
        colony.client().put("k", b"v")
        colony.moves.begin(1, "a", "d")
        colony.settle()
        if colony.mirrors[1].departed != {1} or not colony.marks["a cell moved"]:
            return (
                f"an operator replaced node 1, and those that left are {sorted(colony.mirrors[1].departed) or 'none'}"
            )
    return ""


PARTS: dict[str, Callable[[], str]] = {
    "order": order, "cancellation": cancellation, "clocks": clocks, "moves": moves
}  # fmt: skip
"""What is tried, and what is wrong with it, in words; empty if nothing is."""


def faults() -> Iterator[tuple[str, Refuted | None]]:
    """Each of them in turn, with what is wrong with it."""
    for name, tried in PARTS.items():
        try:
            why = tried()
            yield name, Refuted(f"what disturbs the runs does not: {name}: {why}") if why else None
        except Refuted as refuted:
            yield name, refuted
