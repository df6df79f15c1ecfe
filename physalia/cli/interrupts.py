"""An interrupt is never lost.

Python raises it wherever the program happens to be. In a destructor it is reported and dropped, and provers, whose
every formula has one, spend much of their time there: then the command would go on as if nothing had been asked.
"""

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_S = 0.01
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
Handler = Callable[[int, FrameType | None], None]


@contextmanager
def kept() -> Iterator[Callable[[], bool]]:
    """Interrupt again, a moment later, what was interrupted in a destructor; gives whether an interrupt struck.

    Signals are the main thread's; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield bool
        return
    reported = sys.unraisablehook
    struck: list[int] = []

    def strike(number: int, frame: FrameType | None) -> None:
        struck.append(number)
        if _is_inside(frame, again):
            _later()  # this is still a part of what drops it
        else:
            raise KeyboardInterrupt

    def again(lost: "UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            _later()
        elif not _is_half_made(lost):
            reported(lost)

    sys.unraisablehook = again
    try:
        with _handled_by(strike):
            yield lambda: bool(struck)
    except KeyboardInterrupt as interrupt:
        # What was half made goes now, and complains to the hook that knows of it.
        traceback.clear_frames(interrupt.__traceback__)
        raise
    except Exception as made_of_it:
        if struck:  # a binding may call by another name what strikes inside of a call
            raise KeyboardInterrupt from made_of_it
        raise
    finally:
        sys.unraisablehook = reported


@contextmanager
def _handled_by(strike: Handler) -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in _SIGNALS]
    try:
        for number in _SIGNALS:
            signal.signal(number, strike)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before:
            signal.signal(number, handler)


def _later() -> None:
    """Strike in a moment. A timer of the system needs no thread, whose locks may be what is interrupted."""
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _is_inside(frame: FrameType | None, function: Callable[..., None]) -> bool:
    """Whether a frame is a part of a call of a function."""
    while frame is not None:
        if frame.f_code is function.__code__:
            return True
        frame = frame.f_back
    return False


def _is_half_made(lost: "UnraisableHookArgs") -> bool:
    """Whether a formula of z3 complains that it was interrupted while it was being made."""
    return isinstance(lost.exc_value, AttributeError) and getattr(lost.object, "__module__", "") == "z3.z3"
