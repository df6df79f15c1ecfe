"""Schedules by priority: a fault that needs few orders is met as often as its bound says, and by FIFO never."""

import asyncio

import pytest
from attrs import evolve

from conformance.links import BadInput
from conformance.shell import campaign
from conformance.shell.clients import Client
from conformance.shell.colony import Colony
from conformance.shell.drawing import draw
from conformance.shell.script import Event, read
from conformance.shell.tried.itself import Program, meets, twice
from conformance.shell.unrest.priorities import MOST_PASSED, Priorities


async def there_and_back(saw: list[str]) -> None:
    """Three tasks, depth 3: somebody comes while it is looked twice who is there, and is about to go again."""
    members = {"a", "b"}

    async def look() -> None:
        before = frozenset(members)
        await asyncio.sleep(0)
        if before != frozenset(members):
            saw.append("somebody came")

    async def come_and_go() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        members.add("c")
        await asyncio.sleep(0)
        members.discard("c")

    async def something_else() -> None:
        await asyncio.sleep(0)

    await asyncio.gather(*map(asyncio.create_task, (look(), come_and_go(), something_else())))


def steps_of(program: Program) -> int:
    """How many steps a run of a program takes at most."""
    counted = [Priorities(str(seed), 1, 1) for seed in range(20)]
    for one in counted:
        meets(program, one)
    return max(one.taken for one in counted)


@pytest.mark.parametrize(("program", "tasks", "depth", "most"), [(twice, 4, 2, 80), (there_and_back, 5, 3, 5_000)])
def test_a_planted_fault_is_met_as_often_as_the_bound_says(program: Program, tasks: int, depth: int, most: int) -> None:
    steps = steps_of(program)
    bound = tasks * steps ** (depth - 1)
    assert bound <= most
    met = sum(meets(program, Priorities(str(seed), depth, steps))[0] for seed in range(4 * bound))
    assert met >= 4, f"{met} times in {4 * bound} runs"


@pytest.mark.parametrize("program", [twice, there_and_back])
def test_in_the_order_of_asyncio_it_is_never_met(program: Program) -> None:
    assert not meets(program, None)[0]


@pytest.mark.parametrize(("program", "depth"), [(twice, 1), (there_and_back, 2)])
def test_with_fewer_preemptions_than_it_needs_it_is_never_met(program: Program, depth: int) -> None:
    steps = steps_of(program)
    assert not any(meets(program, Priorities(str(seed), depth, steps))[0] for seed in range(400))


def test_one_seed_is_one_order() -> None:
    def order(seed: str) -> list[str]:
        said: list[str] = []

        async def program(_: list[str]) -> None:
            async def say(name: str) -> None:
                for _ in range(4):
                    said.append(name)
                    await asyncio.sleep(0)

            await asyncio.gather(*map(asyncio.create_task, map(say, "abc")))

        meets(program, Priorities(seed, 3, 20))
        return said

    assert order("1") == order("1")
    assert len({tuple(order(str(seed))) for seed in range(20)}) > 5


def test_nobody_is_passed_over_for_ever() -> None:
    async def program(_: list[str]) -> None:
        over = False

        async def go_round() -> None:
            while not over:
                await asyncio.sleep(0)

        async def end() -> None:
            nonlocal over
            over = True

        await asyncio.gather(*map(asyncio.create_task, (go_round(), end())))

    taken = []
    for seed in range(20):
        priorities = Priorities(str(seed), 1, 1)
        meets(program, priorities)
        taken.append(priorities.taken)
    assert MOST_PASSED < max(taken) < 3 * MOST_PASSED


def test_what_is_no_step_of_a_task_keeps_its_order() -> None:
    async def program(saw: list[str]) -> None:
        said: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(9):
            loop.call_soon(said.append, number)
        while len(said) < 9:
            await asyncio.sleep(0)
        if said != sorted(said):
            saw.append("callbacks overtook each other")

    assert not any(meets(program, Priorities(str(seed), 4, 30))[0] for seed in range(100))


def test_when_it_is_over_what_was_passed_goes_on(colony: Colony, client: Client) -> None:
    colony.simulator.priorities = Priorities("some", 3, 200)
    calls = [client.asks.put("k", b"%d" % number) for number in range(8)]
    colony.run(0.0008)
    colony.simulator.priorities = None
    for call in calls:
        call.answer()


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_a_colony_bears_any_order_of_its_tasks(colony: Colony, client: Client, depth: int) -> None:
    colony.simulator.priorities = priorities = Priorities(str(depth), depth, 300)
    client.put("n", 0)
    calls = [colony.client().asks.add("n") for _ in range(6)]
    for call in calls:
        call.answer()
    assert client.get("n") == 6
    colony.kill(colony.leader())
    assert client.get("n") == 6
    assert priorities.taken > 300
    assert priorities.changes == depth - 1


def test_runs_are_drawn_with_priorities_and_are_replayed_to_the_byte() -> None:
    drawn = [draw(str(seed)) for seed in range(60)]
    with_them = [one for one in drawn if any(event.words[0] == "priorities" for event in one.events)]
    assert 10 < len(with_them) < 40
    asked = "".join(f"0.1 client{number} put k v cell 1\n" for number in (1, 1, 1, 2, 2, 2))
    small = read(f"colony seed s servers 3 cells 1\n0.0 priorities 3 300\n{asked}1.0 client1 get k - cell 1", "it")
    first = campaign.run(small)
    assert first.refuted is None
    assert first.marks["tasks went on by priority"] > 1
    assert first.marks["a task was preempted"] > 0
    assert campaign.run(read(small.text(), "it")).digest == first.digest
    other = evolve(small, events=(Event(0.0, ("priorities", "2", "300")), *small.events[1:]))
    assert campaign.run(other).digest != first.digest


def test_what_is_no_schedule_is_refused() -> None:
    for wrong in ("0 5", "3 2", "x 5"):
        with pytest.raises(BadInput, match="line 2"):
            read(f"colony seed 1 servers 3\n1.0 priorities {wrong}", "it")
