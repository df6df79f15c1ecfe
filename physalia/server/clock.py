"""The clock of a server, whose rate can be changed: so a colony shows that nothing but waiting depends on it."""

import time
from collections.abc import Callable

SLOWEST, FASTEST = 0.1, 10.0


class Clock:
    """Seconds that never go back, `rate` of them for each second of `source`."""

    def __init__(self, source: Callable[[], float] = time.monotonic) -> None:
        self.rate = 1.0
        self._source = source
        self._shown_s = self._changed_s = source()

    def __call__(self) -> float:
        """What it shows, in seconds."""
        return self._shown_s + self.rate * (self._source() - self._changed_s)

    def set_rate(self, rate: float) -> None:
        """Go on from here at another rate. Raises `ValueError`."""
        if not SLOWEST <= rate <= FASTEST:
            raise ValueError(f"a clock's rate is from {SLOWEST} to {FASTEST}")
        now_s = self._source()
        self._shown_s += self.rate * (now_s - self._changed_s)
        self._changed_s, self.rate = now_s, rate

    def waits_s(self, seconds: float) -> float:
        """How long to wait by the true clock until so many seconds have passed on this one."""
        return seconds / self.rate
