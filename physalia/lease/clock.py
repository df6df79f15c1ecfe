"""The clock of leases. It must go on while the machine sleeps (design rule R13).

A holder whose clock stood still would wake up and believe in a lease that ended long ago. What the clock shows means
nothing on another machine or after a restart; only durations are used.
"""

import sys
import time


class NoClock(Exception):
    """There is no clock here that is known to count the time in suspend, so nobody can hold a lease."""


def boottime_ns() -> int:
    """Nanoseconds by a clock that never goes back, and that counts the time in suspend. Raises `NoClock`."""
    if sys.platform == "darwin":
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)  # there it counts the time in suspend, elsewhere not
    try:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    except AttributeError:
        raise NoClock(f"no clock of {sys.platform} is known to count the time in suspend: leases need one") from None
