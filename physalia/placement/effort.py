"""How long something may take, and who hears how far it is: asked before every piece of work, by whoever does it.

One effort goes through everything that answers one question, so that a time limit holds for the search, the
explanation and the availability together, and so that none of them is silent for long.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from attrs import frozen


class OutOfTime(Exception):
    """The time allowed is over; whoever set the limit says what is known so far."""


def _untold(_what: str) -> None:
    """Nobody listens."""


@frozen
class Effort:
    """A deadline by ``clock`` in seconds, or none; ``told`` hears of every piece of work before it is done."""

    deadline: float | None = None
    told: Callable[[str], None] = _untold
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def within(
        cls,
        limit_s: float | None,
        told: Callable[[str], None] = _untold,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Effort":
        """An effort of so many seconds from now on."""
        return cls(None if limit_s is None else clock() + limit_s, told, clock)

    @property
    def is_over(self) -> bool:
        """Whether the time allowed is over."""
        return self.deadline is not None and self.clock() >= self.deadline

    @property
    def left_s(self) -> float | None:
        """The seconds that are left, at least 0; None if there is no limit."""
        return None if self.deadline is None else max(0.0, self.deadline - self.clock())

    def grace(self, seconds: float) -> "Effort":
        """A little more time, for what is worth telling although time is over."""
        return Effort(None if self.deadline is None else self.clock() + seconds, self.told, self.clock)

    def spend(self, what: str) -> None:
        """Tell of a piece of work that is about to be done; OutOfTime if there is no time left for it."""
        if self.is_over:
            self.stop()
        self.told(what)

    def stop(self) -> NoReturn:
        """Say that time is over."""
        raise OutOfTime("the time allowed is over.")


@contextmanager
def no_collection() -> Iterator[None]:
    """Hold the garbage collector back: it would walk hundreds of thousands of objects again and again, for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
