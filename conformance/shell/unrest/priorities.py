"""Which of several tasks that are ready goes on: by priority, with few preemptions (PCT).

Asyncio takes what is ready in the order in which it became so, and real time shuffles that order: an answer comes a
little later, a disk is a little slower. An order at random hardly ever meets a fault that needs one task to stand still
for long. So each task has a priority at random, and the ready task with the highest goes on; at `depth` - 1 moments,
drawn from the next `steps` steps, the one that would go on falls below all others. A fault that needs `depth` orders
among n tasks is met with a probability of at least 1 / (n * steps ** (depth - 1)), whatever else the program does
(Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010).

Callbacks that are no steps of a task, such as bytes that came and timers, keep their order among each other, which
asyncio promises; together they count as one more task of their loop. Nothing waits for ever, which a real loop does not
allow either: whatever was passed over `MOST_PASSED` times is next.
"""

import asyncio
from collections.abc import Callable
from random import Random
from zlib import crc32

from attrs import define

MOST_PASSED = 400
_THE_LOOP = 0
"""The number under which a loop goes on with what is no step of a task."""

Name = tuple[str, int]
"""A task: the process, and the number of the task in it."""


@define
class Ready:
    """Something that is ready, whose it is, and how many steps were taken when it became so."""

    handle: asyncio.Handle
    name: Name
    since: int


class Priorities:
    """The priorities of all tasks of a run. `taken` counts the steps so far, and `changes` the preemptions.

    `order` is a number made of all the choices so far. `saw` is told, in words, when a choice was another one than
    that of asyncio, and when a preemption made it another one than it was.
    """

    def __init__(self, seed: str, depth: int, steps: int, saw: Callable[[str], object] = lambda _: None) -> None:
        if depth < 1 or steps < depth:
            raise ValueError("a schedule has a depth of 1 or more, and at least as many steps")
        self._rng = Random(f"{seed}/priorities")  # noqa: S311  # repeatable, no secret
        self._depth = depth
        self._points = {step: rank for rank, step in enumerate(self._rng.sample(range(1, steps + 1), depth - 1), 1)}
        self._of: dict[Name, float] = {}
        self._saw = saw
        self.taken = 0
        self.changes = 0
        self.order = 0

    def ready(self, process: str, handle: asyncio.Handle) -> Ready:
        """Something became ready in a process."""
        owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
        number = getattr(owner, "number", _THE_LOOP) if isinstance(owner, asyncio.Task) else _THE_LOOP
        return Ready(handle, (process, number), self.taken)

    def take(self, waiting: list[Ready]) -> Ready:
        """Take out of what is ready, of which there is something, whatever goes on now."""
        self.taken += 1
        chosen = self._next(waiting)
        rank = self._points.get(self.taken)
        if rank is not None:
            self._of[chosen.name] = float(rank)
            self.changes += 1
            before, chosen = chosen, self._next(waiting)
            if chosen is not before:
                self._saw("a task was preempted")
        if chosen is not waiting[0]:
            self._saw("tasks went on by priority")
        waiting.remove(chosen)
        self.order = crc32(f"{chosen.name}".encode(), self.order)
        return chosen

    def _next(self, waiting: list[Ready]) -> Ready:
        first = min(waiting, key=lambda one: one.since)
        if self.taken - first.since > MOST_PASSED:
            return first
        return max(waiting, key=lambda one: self._priority(one.name))  # of equals the first: those of one task in order

    def _priority(self, name: Name) -> float:
        known = self._of.get(name)
        if known is None:
            known = self._of[name] = self._depth + self._rng.random()
        return known
