"""An interrupt is never lost.

Python raises it wherever the program happens to be. In a destructor it is reported and dropped, and provers, whose
every formula has one, spend much of their time there: then the command would go on as if nothing had been asked.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_S = 0.01


@contextmanager
def kept() -> Iterator[Callable[[], bool]]:
    """Interrupt again, a moment later, what was interrupted in a destructor; gives whether an interrupt struck."""
    reported = sys.unraisablehook
    struck = threading.Event()

    def strike(_number: int, _frame: FrameType | None) -> None:
        struck.set()
        raise KeyboardInterrupt

    def again(lost: "UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # Not at once: this is still a part of what drops it.
            threading.Timer(_AGAIN_S, _interrupt).start()
        elif not _is_half_made(lost):
            reported(lost)

    sys.unraisablehook = again
    with _handlers(strike):
        try:
            yield struck.is_set
        finally:
            sys.unraisablehook = reported


@contextmanager
def _handlers(strike: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle both signals, where that is possible: only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, strike) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt() -> None:
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)


def _is_half_made(lost: "UnraisableHookArgs") -> bool:
    """Whether a formula of z3 complains that it was interrupted while it was being made."""
    return isinstance(lost.exc_value, AttributeError) and getattr(lost.object, "__module__", "") == "z3.z3"
