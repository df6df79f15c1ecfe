"""Work in a few threads that an interrupt ends at once."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

LISTEN_EVERY_S = 0.5


@contextmanager
def workers(threads: int, stop: Callable[[], None]) -> Iterator[ThreadPoolExecutor]:
    """Threads for the time of the context. An exception, such as an interrupt, calls ``stop`` to end what they do."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def completed(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """The futures, each once it is completed; in between the main thread wakes up.

    The system gives Ctrl-C to any thread, and Python acts on it in the main thread: if that slept until a model is
    finished, which may take hours, so would the interrupt.
    """
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=LISTEN_EVERY_S, return_when=FIRST_COMPLETED)
        yield from done
