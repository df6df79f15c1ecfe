"""An interrupt is heard whichever thread the system gives it to, and ends the work that is under way."""

import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from conformance.parallel import completed, workers
from tests import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED_ELSEWHERE = """
import signal, sys, threading
from conformance.parallel import completed, workers

submitted, release = threading.Event(), threading.Event()

def work():
    submitted.wait()
    while sys._current_frames()[threading.main_thread().ident].f_code is not threading.Condition.wait.__code__:
        pass  # the main thread does not sleep yet
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    return release.wait(30)

try:
    with workers(1, release.set) as pool:
        futures = [pool.submit(work)]
        submitted.set()
        for future in completed(futures):
            print("the work ended first")
except KeyboardInterrupt:
    print("interrupted; the work was told to end:", futures[0].result())
"""


def test_an_interrupt_that_another_thread_was_given_is_heard() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_ELSEWHERE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stdout == "interrupted; the work was told to end: True\n"


def test_every_result_is_given() -> None:
    with workers(3, lambda: None) as pool:
        futures = {pool.submit(pow, 2, number): number for number in range(20)}
        results = {futures[future]: future.result() for future in completed(futures)}
    assert results == {number: 2**number for number in range(20)}


def test_what_breaks_ends_the_rest() -> None:
    stopped = threading.Event()
    started = []

    def wait_for_the_end(number: int) -> None:
        started.append(number)
        stopped.wait(30)

    def work() -> None:
        with workers(2, stopped.set) as pool:
            futures: list[Future[Any]] = [pool.submit(divmod, 1, 0)]
            futures += [pool.submit(wait_for_the_end, number) for number in range(9)]
            for future in completed(futures):
                future.result()

    with pytest.raises(ZeroDivisionError):
        work()
    assert stopped.is_set()
    assert len(started) < 9
