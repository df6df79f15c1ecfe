"""What a run of TLC may use, and what cuts it short.

No limit is a number of seconds that some machine was quick enough for: a run goes on as long as TLC says a word now and
then, and has not generated far more states than the manifest says. Whoever wants it cut by the clock says so.

One limit says something about the specification: a run that should find exactly so many distinct states, and has found
more while others wait to be explored, differs already. It is stopped there, since it may have no end.
"""

import subprocess
import threading
import time
from enum import StrEnum

from attrs import evolve, frozen

from conformance.links import Settings
from conformance.tlc.messages import Counts

MEMORY_MIB = 4096
SILENCE_S = 900.0
"""A run that says nothing for so long is cut. TLC tells its progress every minute, so that a slow machine, or one with
much else to do, never comes near it."""
ENOUGH = 10
SPARE_STATES = 200_000
"""A run is cut beyond so many times the states that it should generate, and so many more: it has no end."""


class Outcome(StrEnum):
    """How a run ended."""

    PASSED = "passed"
    VIOLATED = "violated"
    BROKEN = "broken"  # the specification does not parse, or cannot be evaluated
    OUT_OF_MEMORY = "out of memory"
    OUT_OF_TIME = "out of time"
    OUT_OF_BOUNDS = "out of bounds"  # far more states than it should have
    EXCEEDED = "exceeded"  # more distinct states than the exact number that it should have


CUT = frozenset({Outcome.OUT_OF_MEMORY, Outcome.OUT_OF_TIME, Outcome.OUT_OF_BOUNDS})
"""The outcomes of runs that were not finished: they say nothing about the specification."""


@frozen(kw_only=True)
class Limits:
    """What a run may use; beyond it the run is cut, and says nothing. None is no limit.

    ``memory_mib`` is TLC's heap, ``time_s`` all the time that it has, ``silence_s`` the time in which it must say a
    word, ``states`` how many states it may generate. ``distinct`` is how many distinct ones it has as it should be: a
    run with more is stopped too, and that does say something.
    """

    memory_mib: int = MEMORY_MIB
    time_s: float | None = None
    silence_s: float | None = SILENCE_S
    states: int | None = None
    distinct: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """What the user asks for, and else what follows the machine: no time, but a word now and then."""
        return cls(memory_mib=settings.tlc_heap_mib or MEMORY_MIB, time_s=settings.tlc_time_s)

    def for_states(self, generated: int, distinct: int = 0) -> "Limits":
        """The same for a run that should generate so many states; without end if that is not known yet, as 0 says.

        ``distinct`` is the exact number of its distinct states, or 0 where nobody knows it, as of a twin.
        """
        return evolve(self, states=ENOUGH * generated + SPARE_STATES if generated else None, distinct=distinct or None)

    def sentence(self, outcome: Outcome) -> str:
        """Which limit a run that was cut has come to, and what can be done about it."""
        if outcome is Outcome.OUT_OF_MEMORY:
            return (
                f"TLC's heap of {self.memory_mib:,} MiB was full, or the machine had no more: "
                f"give it more with --tlc-heap MIB or PHYSALIA_TLC_HEAP."
            )
        if outcome is Outcome.OUT_OF_BOUNDS:
            return f"TLC was cut beyond {self.states:,} generated states: the model seems to have no end."
        if outcome is Outcome.EXCEEDED:
            return f"TLC was stopped beyond {self.distinct:,} distinct states, which are all that there should be."
        if self.time_s is not None:
            return (
                f"TLC was cut after the {self.time_s:g} s that it had, or {self.silence_s or 0:g} s without a word: "
                f"give it more with --tlc-time S or PHYSALIA_TLC_TIME."
            )
        return f"TLC was cut: it had said nothing for {self.silence_s:g} s."


class Watch:
    """Kills a process that comes to a limit, and keeps which one it was."""

    def __init__(self, process: "subprocess.Popen[str]", limits: Limits) -> None:
        self.cut: Outcome | None = None
        self._process = process
        self._limits = limits
        self._heard = self._started = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def heard(self) -> None:
        """Note that the process has said a word."""
        self._heard = time.monotonic()

    def counted(self, counts: Counts) -> None:
        """Note how many states there are so far in a run that still explores."""
        limits = self._limits
        if limits.distinct is not None and counts.distinct > limits.distinct:
            self._kill(Outcome.EXCEEDED)
        elif limits.states is not None and counts.generated > limits.states:
            self._kill(Outcome.OUT_OF_BOUNDS)

    def _look(self) -> None:
        while not self._over.wait(max(0.0, self._left())):
            if self._left() <= 0:
                self._kill(Outcome.OUT_OF_TIME)
                return

    def _left(self) -> float:
        """The seconds until the next limit in time, if nothing is heard before."""
        limits = ((self._limits.time_s, self._started), (self._limits.silence_s, self._heard))
        now = time.monotonic()
        return min((limit + since - now for limit, since in limits if limit is not None), default=threading.TIMEOUT_MAX)

    def _kill(self, outcome: Outcome) -> None:
        self.cut = self.cut or outcome
        self._process.kill()
