"""Where a server waits for its disk: in its loop as long as the disk is quick, in the thread of the journal otherwise.

To hand a batch to another thread and to be told that it is done takes longer, and more processor time, than a quick
disk takes for the flush; the two threads also take Python's lock from each other at every call of SQLite. While the
loop waits, what comes is kept by the operating system, and is the next batch. That is right for milliseconds. A disk
that usually takes longer holds up nobody but those who wait for it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from physalia.host import Batch
from physalia.journal import Journal

QUICK_S = 0.03
WEIGHT = 0.2
"""How much the last batch counts in what is usual. So one that took a second is followed by a dozen in the thread."""


class Disk:
    """The disk of a server, whose `thread` is the one of the journal. It begins as a quick one."""

    def __init__(self, thread: Executor, clock: Callable[[], float]) -> None:
        self._thread, self._clock = thread, clock
        self._usual_s = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether the next batch is written without another thread."""
        return self._usual_s <= QUICK_S

    async def write(self, batch: Batch, journal: Journal) -> None:
        """Carry a batch to the disk."""
        begin_s = self._clock()
        if self.is_quick:
            batch.write(journal)
        else:
            await self.call(batch.write, journal)
        self._usual_s += WEIGHT * (self._clock() - begin_s - self._usual_s)

    async def call(self, work: Callable[..., object], *arguments: Any) -> None:
        """Let the thread of the journal do something else that has to wait for the disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
