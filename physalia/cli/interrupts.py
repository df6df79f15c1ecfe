"""An interrupt is never lost.

Python raises it wherever the program happens to be. In a destructor it is reported and dropped, and provers, whose
every formula has one, spend much of their time there: then the command would go on as if nothing had been asked.
"""

import ctypes
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
        if _is_no_moment(frame):
            _later()
        else:
            raise KeyboardInterrupt

    def again(lost: "UnraisableHookArgs") -> None:
        if _is_interrupt(lost):
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


def _is_no_moment(frame: FrameType | None) -> bool:
    """Whether an interrupt would do harm here, or be dropped.

    While what was dropped is dealt with, it would be dropped too. While a formula of z3 is being made, the formula
    would be let go of without ever having been counted: others that share it lose what they are made of.
    """
    while frame is not None:
        module, name = frame.f_globals.get("__name__"), frame.f_code.co_name
        if (module, name) in ((__name__, "again"), ("z3.z3", "__init__")):
            return True
        frame = frame.f_back
    return False


def _is_interrupt(lost: "UnraisableHookArgs") -> bool:
    """Whether what was dropped is an interrupt. If it strikes while C is given its arguments, ctypes renames it."""
    return issubclass(lost.exc_type, KeyboardInterrupt) or (
        issubclass(lost.exc_type, ctypes.ArgumentError) and KeyboardInterrupt.__name__ in str(lost.exc_value)
    )


def _is_half_made(lost: "UnraisableHookArgs") -> bool:
    """Whether a formula of z3 complains that it was interrupted while it was being made."""
    return isinstance(lost.exc_value, AttributeError) and getattr(lost.object, "__module__", "") == "z3.z3"
