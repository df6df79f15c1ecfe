"""What happens next: one true time, events that wait for theirs, and processes that take turns.

Everything follows from the seed and from what is done to the simulation, and nothing from the machine that it runs on:
no real time, no memory address, no hash of a text. Two runs of one seed are the same bytes, which `digest` shows.

A process that is ready takes its next turn when its last one is over; of several the one that was started first. At a
few turns, drawn by the run, whoever is next is held back for a while, as any operating system may do to any process.
Which task goes on in a turn is asyncio's order, or that of the run's `priorities`.
"""

import heapq
from collections.abc import Callable
from hashlib import sha256
from random import Random

from conformance.refutation import How, Refuted
from conformance.shell.process import Process
from conformance.shell.unrest.priorities import Priorities

TURN_S = 20e-6
"""How long a turn of a process takes at least, so that time goes on whatever it does."""


class Endless(Exception):
    """Too many turns were taken in no time: somebody goes round and round."""


class Simulator:
    """Runs processes. `refuted` is the first fault that a judge saw; `step` raises it after the turn that showed it."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.rng = Random(f"{seed}/world")  # noqa: S311  # repeatable, no secret
        self.now_s = 0.0
        self.turns = 0
        self.processes: list[Process] = []
        self.current: Process | None = None
        self.refuted: Refuted | None = None
        self.held_back: dict[int, float] = {}
        """At which turns whoever is next is held back, and for how many seconds."""
        self.priorities: Priorities | None = None
        """By which the tasks of all processes go on; None if each loop takes what is ready in the order of asyncio."""
        self.entering: Callable[[Process], None] = lambda _: None
        """Called with a process before anything of it runs."""
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._trace = sha256()
        self.kept: list[str] | None = None
        """The lines of the trace, if somebody wants them."""

    @property
    def digest(self) -> str:
        """Of all that happened so far."""
        return self._trace.hexdigest()

    def note(self, line: str) -> None:
        """A line of the trace."""
        line = f"{self.now_s:.6f} {line}\n"
        self._trace.update(line.encode())
        if self.kept is not None:
            self.kept.append(line)

    def after(self, delay_s: float, call: Callable[[], object]) -> None:
        """Let this happen later, outside of any process."""
        self._number += 1
        heapq.heappush(self._events, (self.now_s + delay_s, self._number, call))

    def refute(self, refuted: Refuted) -> None:
        """A judge saw a fault."""
        if self.refuted is None:
            self.refuted = refuted

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let so much true time pass, or less if `until` is so after a step; return whether it was."""
        end_s = self.now_s + seconds
        while not until():
            if not self._step(end_s):
                self.now_s = max(self.now_s, end_s)
                return until()
        return True

    def enter(self, process: Process, work: Callable[[], object]) -> None:
        """Run something in a process, as if it were the only one on the machine."""
        before, self.current = self.current, process
        self.entering(process)
        try:
            work()
        finally:
            self.current = before
            if before is not None:
                self.entering(before)

    def _step(self, end_s: float) -> bool:
        """The next event, or the next turn of a process, if there is one by then."""
        when_s = self._events[0][0] if self._events else None
        chosen: Process | None = None
        for process in self.processes:
            ready_s = process.next_s(self.now_s)
            if ready_s is not None and (when_s is None or ready_s < when_s):
                when_s, chosen = ready_s, process
        if when_s is None or when_s > end_s:
            return False
        self.now_s = max(self.now_s, when_s)
        if chosen is None:
            heapq.heappop(self._events)[2]()
        else:
            self._turn(chosen)
        if self.refuted is not None:
            raise self.refuted
        return True

    def _turn(self, process: Process) -> None:
        self.turns += 1
        hold_s = self.held_back.pop(self.turns, 0.0)
        if hold_s:
            process.hold(hold_s)
            self.note(f"{process.name} held back")
            return
        try:
            self.enter(process, process.turn)
        except Refuted as refuted:
            self.refute(refuted)
        except Exception as error:  # noqa: BLE001  # whatever it is, the run shows it
            self.refute(Refuted(f"{process.name} broke its loop: {type(error).__name__}: {error}", how=How.RAISED))
        process.free_s = self.now_s + process.take_lag() + TURN_S
        order = "" if self.priorities is None else f" {self.priorities.order}"
        self.note(f"{process.name} turn{order}")
