"""From numbers to places on a picture, and which numbers stand at an axis."""

from collections.abc import Sequence
from math import ceil, floor, log10

from attrs import frozen

_NICE = (1, 2, 2.5, 5, 10)
_MOST_TICKS = 6


@frozen
class Scale:
    """An axis from ``low`` to ``high`` over so many pixels, beginning at one; by factors if ``logarithmic``."""

    low: float
    high: float
    start: float
    length: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value."""
        low, high, one = self.low, self.high, value
        if self.logarithmic:
            low, high, one = log10(low), log10(high), log10(value)
        return self.start + (one - low) / (high - low) * self.length

    def shows(self, value: float) -> bool:
        """Whether a value is on the axis at all."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> Sequence[float]:
        """The numbers at the axis: round ones, and on a logarithmic one the powers of ten."""
        if self.logarithmic:
            powers = range(ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9) + 1)
            every = -(-len(powers) // _MOST_TICKS)
            return [10.0**power for power in powers if power % every == 0]
        step = nice_step((self.high - self.low) / _MOST_TICKS)
        first = ceil(self.low / step - 1e-9)
        return [at * step for at in range(first, floor(self.high / step + 1e-9) + 1)]


def scale(values: Sequence[float], start: float, length: float, *, logarithmic: bool = False) -> Scale:
    """An axis that has all of these values: from nought if none is below, and on a logarithmic one by whole powers."""
    if logarithmic:
        above = [one for one in values if one > 0] or [1.0, 10.0]
        low, high = floor(log10(min(above))), ceil(log10(max(above)))
        return Scale(10.0**low, 10.0 ** max(high, low + 1), start, length, logarithmic=True)
    least, most = min(0.0, *values), max(0.0, *values)
    if least == most:
        most = 1.0
    step = nice_step((most - least) / _MOST_TICKS)
    return Scale(floor(least / step + 1e-9) * step, ceil(most / step - 1e-9) * step, start, length)


def nice_step(least: float) -> float:
    """The smallest round number that is not below one."""
    power = 10.0 ** floor(log10(least))
    return next(one * power for one in _NICE if one * power >= least * (1 - 1e-9))


def number(value: float) -> str:
    """A number as it stands at an axis or in a table: short, and without noise in its last places."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-3:  # noqa: PLR2004  # beyond that zeros are counted, not read
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    if size >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}"
