"""The paper's figure 12: how many volumes ask the configuration store when aggregation routers fail.

Client, primary and replica hang on routers of their own choice, each behind one. A volume calls if its client is left
and exactly one copy is lost. Where the three are independent, k failed routers of n make 2 p (1 - p)^2 of the volumes
call, p = k/n: linear at first, at most 8/27 = 29.6 % at a third, and falling when volumes are cut off altogether. That
independence is our reading of the figure; the authors do not say it.
"""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from attrs import frozen

from physalia.zone.bands import Band, mean
from physalia.zone.errors import BadScenario

PEAK = Fraction(8, 27)


@frozen(kw_only=True)
class Call:
    """Of so many failed routers: the share of volumes that call, exactly and as seen."""

    failed: int
    exact: Fraction
    seen: Band


def calling(routers: int, failed: int) -> Fraction:
    """The share of volumes that call, in the mean over all volumes; BadScenario if more routers fail than there are."""
    if failed > routers:
        raise BadScenario(f"{failed:,} of {routers:,} routers cannot fail: there are fewer.")
    lost = Fraction(failed, routers)
    return 2 * lost * (1 - lost) ** 2


def seen(routers: int, failed: int, volumes: int, runs: int, random: Random) -> Band:
    """The same share, counted volume by volume in so many runs."""
    calling(routers, failed)
    shares = []
    for _ in range(runs):
        down = set(random.sample(range(routers), failed))
        called = 0
        for _ in range(volumes):
            client, primary, replica = (int(random.random() * routers) in down for _ in range(3))
            called += not client and primary != replica
        shares.append(called / volumes)
    return mean(shares)


def curve(routers: int, volumes: int, runs: int, random: Random) -> Sequence[Call]:
    """The figure: from no failed router to all."""
    return [
        Call(failed=failed, exact=calling(routers, failed), seen=seen(routers, failed, volumes, runs, random))
        for failed in range(routers + 1)
    ]
