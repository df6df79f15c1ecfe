"""A quick disk is waited for in the loop, a slow one in the thread of the journal, and either may become the other."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import Factory, define

from physalia.server.disk import QUICK_S, Disk


@define
class Work:
    """Batches that take as long as the test says, and the threads that wrote them."""

    now_s: float = 0.0
    takes_s: float = 0.0
    threads: list[threading.Thread] = Factory(list)

    def write(self, _journal: object) -> None:
        self.now_s += self.takes_s
        self.threads.append(threading.current_thread())


def written(work: Work, disk: Disk, times: int) -> list[bool]:
    """Write so many batches; return which of them were written in the loop."""

    async def all_of_them() -> None:
        for _ in range(times):
            await disk.write(work, None)  # type: ignore[arg-type]

    work.threads.clear()
    asyncio.run(all_of_them())
    return [thread is threading.main_thread() for thread in work.threads]


def test_the_loop_waits_for_a_quick_disk_alone() -> None:
    work = Work()
    with ThreadPoolExecutor(1) as thread:
        disk = Disk(thread, lambda: work.now_s)
        work.takes_s = QUICK_S
        assert written(work, disk, 50) == [True] * 50
        work.takes_s = 100 * QUICK_S
        assert written(work, disk, 3) == [True, False, False]
        work.takes_s = 0.0
        back = written(work, disk, 100)
        assert back[0] is False
        assert back[-1] is True
        assert sorted(back) == back, "it goes back and forth on a disk that does not"


def test_what_fails_in_the_thread_fails_for_who_waits() -> None:
    def fail() -> None:
        raise OSError("no disk")

    async def ask() -> None:
        with ThreadPoolExecutor(1) as thread:
            await Disk(thread, lambda: 0.0).call(fail)

    with pytest.raises(OSError, match="no disk"):
        asyncio.run(ask())
