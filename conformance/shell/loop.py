"""The event loop of one simulated process: asyncio's own, whose time, sockets, threads and signals are simulated.

Tasks, futures and timers are asyncio's, not ours, and so is the order of callbacks unless a run has priorities: what is
replaced is what a loop asks of the operating system. A loop never waits. Whoever drives it gives it one turn after the
other, and says what time it is.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Protocol

from conformance.shell.unrest.cancelling import Interrupted, Interruption
from conformance.shell.unrest.priorities import Priorities, Ready


class System(Protocol):
    """What a loop asks of the operating system, which is its process."""

    name: str

    @property
    def priorities(self) -> Priorities | None:
        """By which tasks go on that are ready; None if they do in the order in which they became so."""

    def clock_s(self) -> float:
        """What the clock of the machine shows, in seconds."""

    async def listen(self, protocol: Callable[[], asyncio.Protocol], address: Any) -> Any:
        """Accept whoever comes to an address, until the server that is returned is closed."""

    async def connect(self, protocol: Callable[[], asyncio.Protocol], address: tuple[str, int]) -> Any:
        """The transport and the protocol of a new connection. Raises `OSError`."""

    def in_thread(self, thread: object, work: Callable[[], object], done: "asyncio.Future[Any]") -> None:
        """Do a piece of work in a thread, after what that thread has to do already."""

    def failed(self, context: dict[str, Any]) -> None:
        """Something failed for which nobody waits."""


class NumberedTask(asyncio.Task[Any]):
    """A task that stands in sets by a number, not by where it lies in memory: so two runs go through a set alike."""

    number = 0

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class _Nothing:
    """In place of the selector: there are no real sockets, so nothing ever comes from there."""

    def select(self, _timeout: float | None) -> list[Any]:
        return []

    def close(self) -> None:
        """There is nothing to close."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """The loop of one process. `signals` has what the process does about each."""

    _ready: Any
    _scheduled: list[asyncio.TimerHandle]
    _timer_cancelled_count: int

    def __init__(self, system: System) -> None:
        self._system = system
        super().__init__()
        self._selector = _Nothing()
        self._clock_resolution = 1e-9  # the clock of a process never shows less than what it waits for
        self.signals: dict[int, Callable[[], object]] = {}
        self.tasks: list[asyncio.Task[Any]] = []
        """Every task that was ever begun here, so that none is thrown away before the run is over."""
        self.interruptions: list[Interruption] = []
        """Which tasks that are still to be begun are cancelled, and when."""
        self._numbers = count(1)
        self._passed: list[Ready] = []
        """What is ready, and waits since something else has a higher priority."""
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(lambda _, context: system.failed(context))

    @property
    def is_ready(self) -> bool:
        """Whether there is something to do in the next turn, timers aside."""
        return bool(self._ready or self._passed)

    @property
    def next_timer_s(self) -> float | None:
        """When the next timer is due, by the clock of the machine; None if there is none."""
        while self._scheduled and self._scheduled[0].cancelled():
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False  # type: ignore[attr-defined]
            self._timer_cancelled_count -= 1
        return self._scheduled[0].when() if self._scheduled else None

    def turn(self) -> None:
        """Call what is ready and what is due; what these make ready waits for the next turn."""
        asyncio._set_running_loop(self)
        try:
            if self._system.priorities is None:
                self._ready.extendleft(one.handle for one in reversed(self._passed))
                self._passed.clear()
                self._run_once()  # type: ignore[attr-defined]
            else:
                self._run_by(self._system.priorities)
        finally:
            asyncio._set_running_loop(None)

    def _run_by(self, priorities: Priorities) -> None:
        """As asyncio does, and as many callbacks as it would call, but by priority."""
        end_s = self.time() + self._clock_resolution
        while (when_s := self.next_timer_s) is not None and when_s < end_s:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]
            self._ready.append(timer)
        for _ in range(len(self._ready) + len(self._passed)):
            while self._ready:
                self._passed.append(priorities.ready(self._system.name, self._ready.popleft()))
            self._passed = [one for one in self._passed if not one.handle.cancelled()]
            if not self._passed:
                return
            priorities.take(self._passed).handle._run()

    def time(self) -> float:
        """What the clock of the machine shows."""
        return self._system.clock_s()

    def _make_task(self, _loop: Any, work: Coroutine[Any, Any, Any], **options: Any) -> "asyncio.Task[Any]":
        interruption = next((one for one in self.interruptions if one.is_for(work)), None)
        if interruption is not None:
            self.interruptions.remove(interruption)
            work = Interrupted(work, interruption)
        task = NumberedTask(work, loop=self, **options)
        if isinstance(work, Interrupted):
            work.task = task
        task.number = next(self._numbers)
        self.tasks.append(task)
        return task

    def _write_to_self(self) -> None:
        """Nobody sleeps here who would have to be woken."""

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., object], *args: Any
    ) -> "asyncio.Future[Any]":
        """Let a thread do it, at a simulated moment."""
        done = self.create_future()
        self._system.in_thread(executor, lambda: func(*args), done)
        return done

    def add_signal_handler(  # type: ignore[override]
        self, sig: int, callback: Callable[..., object], *args: Any
    ) -> None:
        """Call this when the process gets the signal."""
        self.signals[sig] = lambda: callback(*args)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """Listen on a bound socket, or at an address of this machine."""
        return await self._system.listen(protocol_factory, options.get("sock") or (host, port))

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        """Connect."""
        return await self._system.connect(protocol_factory, (host, port))
