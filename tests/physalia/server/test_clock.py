"""A clock whose rate changes never goes back and never jumps."""

import asyncio
from pathlib import Path

import pytest

from conformance.crash_points.vfs import SimulatedVfs
from physalia.client import Operator
from physalia.model import Pace
from physalia.server.clock import FASTEST, SLOWEST, Clock
from physalia.transport import CLIENT
from tests import PATIENCE_S
from tests.physalia.server.test_server import alone, vfs

__all__ = ["vfs"]


def test_it_goes_on_from_where_it_was_at_another_rate() -> None:
    true_s = [100.0]
    clock = Clock(lambda: true_s[0])
    shown = [clock()]
    for rate, passes_s in ((3.0, 2.0), (0.5, 4.0), (1.0, 1.0)):
        clock.set_rate(rate)
        assert clock() == shown[-1], "a change of the rate is no jump"
        true_s[0] += clock.waits_s(rate * passes_s)
        shown.append(clock())
    assert shown == [100.0, 106.0, 108.0, 109.0]


@pytest.mark.parametrize("rate", [0.0, -1.0, SLOWEST / 2, FASTEST * 2, float("nan")])
def test_no_clock_stands_still_goes_back_or_races(rate: float) -> None:
    clock = Clock()
    with pytest.raises(ValueError, match=r"from 0\.1 to 10\.0"):
        clock.set_rate(rate)
    assert clock.rate == 1.0


def test_an_operator_lets_it_go_wrong_and_a_client_may_not(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def test() -> None:
        async with (
            alone(tmp_path, vfs) as one,
            asyncio.timeout(PATIENCE_S),
            Operator({1: str(one.address)}, one.colony.ring, PATIENCE_S) as operator,
        ):
            assert await operator.pace(1, 3.0) == ""
            assert one.server.clock.rate == 3.0
            assert await operator.pace(1, 100.0) == "a clock's rate is from 0.1 to 10.0"
            await one.say(CLIENT, Pace(1, 2000))
            assert one.server.refusals["role"] == 1
            assert one.server.clock.rate == 3.0

    asyncio.run(test())
