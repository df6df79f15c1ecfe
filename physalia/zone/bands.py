"""How far a number of a simulation can be trusted: bands of 95 % around means and around shares.

The band of a mean is Student's, whose quantile is found here by halving, on the distribution that is summed by
Simpson's rule; the band of a share is Wilson's.
"""

from collections.abc import Sequence
from functools import cache
from math import exp, lgamma, pi, sqrt

from attrs import frozen

NORMAL_95 = 1.959963984540054
"""The quantile 0.975 of the normal distribution."""

_STEPS, _HALVINGS = 2000, 60


@frozen
class Band:
    """A value, and between what the truth lies in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def holds(self, truth: float) -> bool:
        """Whether the truth is inside."""
        return self.low <= truth <= self.high


def mean(values: Sequence[float]) -> Band:
    """The mean of independent runs; of one run nothing is known but itself, so that its band has no end."""
    count = len(values)
    middle = sum(values) / count
    if count == 1:
        return Band(middle, float("-inf"), float("inf"))
    spread = sqrt(sum((one - middle) ** 2 for one in values) / (count - 1) / count)
    reach = student_95(count - 1) * spread
    return Band(middle, middle - reach, middle + reach)


def share(happened: int, of: int, quantile: float = NORMAL_95) -> Band:
    """The share of independent cases in which something happened (Wilson 1927)."""
    found, square = happened / of, quantile**2
    middle = (found + square / (2 * of)) / (1 + square / of)
    reach = quantile * sqrt(found * (1 - found) / of + square / (4 * of * of)) / (1 + square / of)
    low, high = middle - reach, middle + reach
    return Band(found, low if happened else 0.0, high if happened < of else 1.0)


@cache
def student_95(degrees: int) -> float:
    """The quantile 0.975 of Student's distribution."""
    low, high = 0.0, 16.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _inside(middle, degrees) < 0.475 else (low, middle)  # noqa: PLR2004  # 0.975 - 0.5
    return low


def _inside(to: float, degrees: int) -> float:
    """The probability between 0 and ``to``."""
    scale = exp(lgamma((degrees + 1) / 2) - lgamma(degrees / 2)) / sqrt(degrees * pi)
    width = to / _STEPS
    total = 0.0
    for at in range(_STEPS + 1):
        weight = 1 if at in {0, _STEPS} else 4 if at % 2 else 2
        total += weight * (1 + (at * width) ** 2 / degrees) ** (-(degrees + 1) / 2)
    return scale * total * width / 3
