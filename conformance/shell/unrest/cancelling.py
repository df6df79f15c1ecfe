"""Cancellation at any await: a task whose awaits are counted, and which is cancelled at one of them.

Whoever waits may be told to stop at every place at which it waits: a program gives a request up, a deadline ends it, an
operator has no patience with a server that drains. It is told while it waits, or `late`: at the very moment at which it
would go on, so that what it waited for is there, and nobody takes it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from attrs import define


@define
class Interruption:
    """The next task with this name, or any if it is empty, is cancelled at its `at`th await; 0 is never."""

    at: int = 0
    is_late: bool = False
    name: str = ""

    def is_for(self, work: object) -> bool:
        """Whether it is about this piece of work."""
        return self.name in getattr(work, "__qualname__", "")


class Interrupted(Coroutine[Any, Any, Any]):
    """A piece of work that a task does. `awaits` counts how often it waited so far; `was` tells if it was cancelled.

    `told` is called when it is.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], interruption: Interruption) -> None:
        self.work, self.interruption = work, interruption
        self.awaits = 0
        self.was = False
        self.told: Callable[[], object] = lambda: None
        self.task: asyncio.Task[Any] | None = None

    def arm(self, awaits: int, *, is_late: bool = False) -> None:
        """Cancel it when it has waited so many times more."""
        self.interruption = Interruption(self.awaits + awaits, is_late)

    def send(self, value: Any) -> Any:
        """It goes on."""
        return self._waits_for(self.work.send(value))

    def throw(self, *error: Any) -> Any:
        """It goes on with an error."""
        return self._waits_for(self.work.throw(*error))

    def close(self) -> None:
        """It does not go on."""
        self.work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """As the work."""
        return self.work.__await__()

    def _waits_for(self, what: Any) -> Any:
        self.awaits += 1
        if self.awaits == self.interruption.at:
            if self.interruption.is_late and what is not None:
                what.add_done_callback(self._cancel)  # before its task asks to be told
            else:
                asyncio.get_running_loop().call_soon(self._cancel)
        return what

    def _cancel(self, _: object = None) -> None:
        if self.task is not None:
            self.was = self.task.cancel()
            if self.was:
                self.told()


SERVES = Interruption(name="Server.run")
"""The task of a server that serves: a second signal cancels it."""


def ends_at(process: Any, awaits: int, *, is_late: bool) -> Interrupted:
    """Let the server of a process be told by a second signal to end, when it has waited so many times more."""
    running = next(work for work in map(asyncio.Task.get_coro, process.loop.tasks) if isinstance(work, Interrupted))
    running.arm(awaits, is_late=is_late)
    return running
