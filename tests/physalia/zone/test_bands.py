"""Bands hold the truth as often as they say; quantiles are those of the tables."""

from math import inf

import pytest

from physalia.zone import bands
from physalia.zone.draws import random


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (7, 2.3646), (30, 2.0423), (1000, 1.9623)]
)
def test_students_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert bands.student_95(degrees) == pytest.approx(quantile, abs=6e-5)


def test_the_band_of_a_mean_holds_it_in_95_of_100_cases() -> None:
    source = random(1)
    held = sum(bands.mean([source.gauss(3.0, 2.0) for _ in range(4)]).holds(3.0) for _ in range(2000))
    assert 0.935 < held / 2000 < 0.965


def test_the_band_of_a_share_holds_it_in_95_of_100_cases() -> None:
    source = random(2)
    held = sum(bands.share(sum(source.random() < 0.1 for _ in range(200)), 200).holds(0.1) for _ in range(2000))
    assert 0.93 < held / 2000 < 0.975
    assert bands.share(0, 100).low == 0
    assert bands.share(0, 100).high == pytest.approx(0.0370, abs=1e-4)  # Wilson's, by hand: z^2 / (n + z^2)


def test_one_run_says_nothing_of_others() -> None:
    assert bands.mean([4.0]) == bands.Band(4.0, -inf, inf)
