"""Why seven nodes: availability (the paper's figure 4), durability, tail latency and cost of cells of each size.

Everything here is exact, from closed forms; each has a simulation beside it, which must agree.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import comb, exp, log
from random import Random
from typing import Final

import numpy as np
from attrs import frozen

from physalia.zone.bands import Band, share

SIZES: Final = (1, 3, 5, 7, 9)
FAILED: Final = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""The shares of failed nodes of figure 4."""

COPIES: Final = 2
"""The copies of a volume's own data, beside whose durability the cell's stands."""

PAUSE_SHARE: Final = 0.01
PAUSE: Final = 50.0
"""One answer in a hundred comes from a node that pauses, 50 times the mean of the others later. Assumed."""


def majority(size: int) -> int:
    """How many nodes are a majority."""
    return size // 2 + 1


def available(size: int, failed: float) -> float:
    """P(a majority is up) where each node is down with this probability, independently."""
    most = size - majority(size)
    return float(sum(comb(size, down) * failed**down * (1 - failed) ** (size - down) for down in range(most + 1)))


def availability_seen(size: int, failed: float, draws: int, random: Random) -> Band:
    """The same, seen in so many draws."""
    up = sum(sum(random.random() >= failed for _ in range(size)) >= majority(size) for _ in range(draws))
    return share(up, draws)


@frozen(kw_only=True)
class Disks:
    """Disks that fail ``per_year`` for ever and are replaced within ``hours`` in the mean, independently."""

    per_year: float
    hours: float
    year_hours: float = 8760.0

    @property
    def failing(self) -> float:
        """Failures in an hour."""
        return self.per_year / self.year_hours

    def hours_to_loss(self, copies: int, needed: int) -> float:
        """The mean hours until fewer than ``needed`` of ``copies`` are there, beginning with all: a birth-death chain.

        Solved from the absorbing state backwards, in fractions: no digit is lost, however rare the loss.
        """
        failing, repair = Fraction(self.failing), Fraction(1 / self.hours)
        total, step = Fraction(0), Fraction(0)
        for lost in range(copies - needed + 1):
            fall, rise = (copies - lost) * failing, lost * repair
            step = (1 + rise * step) / fall  # the mean time from `lost` to `lost + 1`
            total += step
        return float(total)

    def lost_within(self, copies: int, needed: int, hours: float) -> float:
        """P(fewer than ``needed`` are there at some time within so many hours), by uniformisation of the same chain."""
        states = copies - needed + 2
        rate = copies * self.failing + copies / self.hours
        chain = np.eye(states)
        for lost in range(states - 1):
            fall, rise = (copies - lost) * self.failing / rate, lost / self.hours / rate
            chain[lost, lost] -= fall + rise
            chain[lost, lost + 1] += fall
            if lost:
                chain[lost, lost - 1] += rise
        parts = max(1, int(rate * hours / 50) + 1)  # in parts, so that no exponential underflows
        whole = np.linalg.matrix_power(_poisson(chain, rate * hours / parts), parts)
        return float(whole[0, -1])

    def lost_seen(self, copies: int, needed: int, hours: float, draws: int, random: Random) -> Band:
        """The same share, seen in so many histories."""
        return share(sum(self._is_lost(copies, needed, hours, random) for _ in range(draws)), draws)

    def _is_lost(self, copies: int, needed: int, hours: float, random: Random) -> bool:
        now, lost = 0.0, 0
        while copies - lost >= needed:
            fall, rise = (copies - lost) * self.failing, lost / self.hours
            now += random.expovariate(fall + rise)
            if now >= hours:
                return False
            lost += 1 if random.random() * (fall + rise) < fall else -1
        return True


def _poisson(chain: np.ndarray, mean: float) -> np.ndarray:
    """What a chain comes to after a Poisson number of steps."""
    total = term = np.eye(len(chain)) * exp(-mean)
    for at in range(1, int(mean) + 200):
        term = term @ chain * (mean / at)
        total = total + term
    return total


def answered(size: int, within: float) -> float:
    """P(the proposer has a majority within so many mean times): it is its own first vote, and waits for the others."""
    wanted, others = majority(size) - 1, size - 1
    one = _one(within)
    return sum(comb(others, at) * one**at * (1 - one) ** (others - at) for at in range(wanted, others + 1))


def latency(size: int, quantile: float) -> float:
    """The time within which this share of writes has its majority, in mean times of one answer without a pause."""
    if size == 1:
        return 0.0
    low, high = 0.0, 1000.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if answered(size, middle) < quantile else (low, middle)
    return high


def latency_seen(size: int, within: float, draws: int, random: Random) -> Band:
    """The share of writes that are answered within that time, seen in so many draws."""
    wanted = majority(size) - 1

    def one() -> float:
        pause = PAUSE if random.random() < PAUSE_SHARE else 0.0
        return pause - log(1 - random.random())

    fast = sum(wanted == 0 or sorted(one() for _ in range(size - 1))[wanted - 1] <= within for _ in range(draws))
    return share(fast, draws)


def _one(within: float) -> float:
    """P(one node answers within so many mean times)."""
    late = 1 - exp(-(within - PAUSE)) if within > PAUSE else 0.0
    return (1 - PAUSE_SHARE) * (1 - exp(-within)) + PAUSE_SHARE * late


def messages(size: int) -> int:
    """Messages of one commit: to every other node and back; decisions ride on later ones."""
    return 2 * (size - 1)


def crossing(sizes: Sequence[int], failed: Sequence[float]) -> list[float]:
    """The shares of failed nodes at which every size is available equally often."""
    return [at for at in failed if max(available(n, at) for n in sizes) - min(available(n, at) for n in sizes) < 1e-12]  # noqa: PLR2004
