"""A simulated process: a loop, on a machine that has a clock; alive until it ends or is killed.

A process that is killed takes no other turn, ever: no `finally` runs, nothing is closed, as with the real ones.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from conformance.shell.clocks import Clock
from conformance.shell.loop import SimulatedLoop
from conformance.shell.unrest.priorities import Priorities


class Network(Protocol):
    """What a process needs of the network."""

    def listen(self, process: "Process", protocol: Callable[[], asyncio.Protocol], address: Any) -> Any:
        """Accept whoever comes to an address."""

    async def connect(
        self, process: "Process", protocol: Callable[[], asyncio.Protocol], address: tuple[str, int]
    ) -> Any:
        """A connection to an address."""


class Timeline(Protocol):
    """What a process needs of the simulation."""

    now_s: float
    priorities: Priorities | None

    def after(self, delay_s: float, call: Callable[[], object]) -> None:
        """Let something happen later."""

    def enter(self, process: "Process", work: Callable[[], object]) -> None:
        """Run something in a process."""


class Process:
    """`main` is its main task. `thread_s` says how long a piece of work takes that a thread does."""

    def __init__(self, name: str, machine: str, clock: Clock, timeline: Timeline, network: Network) -> None:
        self.name, self.machine, self.clock = name, machine, clock
        self.is_alive = True
        self.free_s = 0.0
        """When its last turn is over."""
        self.paused = False
        self._held_s = self._held_until_s = 0.0
        self.errors: list[str] = []
        self.thread_s: Callable[[], float] = lambda: 0.0
        self.loop = SimulatedLoop(self)
        self.main: asyncio.Task[Any] | None = None
        self._timeline, self._network = timeline, network
        self._lag_s = 0.0
        self._threads: dict[int, float] = {}
        self._thread_objects: list[object] = []

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Begin the main task."""
        self.main = self.loop.create_task(work)
        return self.main

    def kill(self) -> None:
        """It is gone."""
        self.is_alive = False

    def signal(self, number: int) -> None:
        """The process gets a signal."""
        handler = self.loop.signals.get(number)
        if handler is not None and self.is_alive:
            self.loop.call_soon(handler)

    def block(self, seconds: float) -> None:
        """The call that runs now takes so long, and nothing else happens in this process meanwhile."""
        self._lag_s += seconds

    def hold(self, seconds: float) -> None:
        """It has no turn for so long of the true time."""
        self.free_s = self._held_until_s = self._timeline.now_s + seconds
        self._held_s += seconds * self.clock.rate

    def awake_s(self) -> float:
        """What its clock shows, without the time for which it was held back so far."""
        still_s = max(0.0, self._held_until_s - self._timeline.now_s) * self.clock.rate
        return self.clock_s() - (self._held_s - still_s)

    @property
    def lag_s(self) -> float:
        """How long the calls of this turn took so far."""
        return self._lag_s

    def take_lag(self) -> float:
        """How long the calls of this turn took."""
        lag_s, self._lag_s = self._lag_s, 0.0
        return lag_s

    def next_s(self, now_s: float) -> float | None:
        """When it can take its next turn; None if it waits for something to come."""
        if not self.is_alive or self.paused:
            return None
        if self.loop.is_ready:
            return max(now_s, self.free_s)
        timer_s = self.loop.next_timer_s
        return None if timer_s is None else max(now_s, self.free_s, self.clock.true_at_s(timer_s))

    def turn(self) -> None:
        """One turn of the loop."""
        self.loop.turn()

    def dispose(self) -> None:
        """The run is over: throw away what never came to its end, without letting it do anything that counts."""
        self.is_alive = False
        for task in self.loop.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            with suppress(BaseException):
                if not task.done():
                    coroutine.close()
        self.loop.set_exception_handler(lambda *_: None)
        self.loop.close()

    # What its loop asks for

    @property
    def priorities(self) -> Priorities | None:
        """By which its tasks go on."""
        return self._timeline.priorities

    def clock_s(self) -> float:
        """What the clock of its machine shows."""
        return self.clock.shows_s(self._timeline.now_s + self._lag_s)

    async def listen(self, protocol: Callable[[], asyncio.Protocol], address: Any) -> Any:
        """Accept whoever comes."""
        return self._network.listen(self, protocol, address)

    async def connect(self, protocol: Callable[[], asyncio.Protocol], address: tuple[str, int]) -> Any:
        """Connect."""
        return await self._network.connect(self, protocol, address)

    def in_thread(self, thread: object, work: Callable[[], object], done: "asyncio.Future[Any]") -> None:
        """It is done at the end of the time that it takes, in one go."""
        self._thread_objects.append(thread)  # so that no other has its identity
        begin_s = max(self._timeline.now_s, self._threads.get(id(thread), 0.0))
        end_s = begin_s + self.thread_s()
        self._threads[id(thread)] = end_s
        self._timeline.after(end_s - self._timeline.now_s, lambda: self._do(work, done))

    def _do(self, work: Callable[[], object], done: "asyncio.Future[Any]") -> None:
        if self.is_alive:
            self._timeline.enter(self, lambda: self._finish(work, done))
            self.take_lag()

    def _finish(self, work: Callable[[], object], done: "asyncio.Future[Any]") -> None:
        result: object = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001  # as a thread of a pool does
            error = raised
        self.loop.call_soon(_tell, done, result, error)

    def failed(self, context: dict[str, Any]) -> None:
        """Something failed for which nobody waits."""
        error = context.get("exception")
        self.errors.append(f"{context.get('message', '')}: {type(error).__name__}: {error}")


def _tell(done: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
