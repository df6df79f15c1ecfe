"""Runs that come to rest later than others, and do come to rest: the calm at their end must wait for that."""

from pathlib import Path

import pytest

from conformance.lockstep.play import play
from conformance.world.scenario import Calm, read_scenario

KEPT = Path(__file__).parent / "kept"


@pytest.mark.parametrize("name", ["deposed_reader", "late_promise"])
def test_who_rests_late_is_waited_for(name: str) -> None:
    """A reader of a leader that learns of its end by the way; a leader whose prepare is answered after it settled."""
    kept = read_scenario((KEPT / f"{name}.txt").read_text())
    scenario, refuted = play(kept.setup, kept.happenings)
    assert refuted is None
    assert scenario.happenings[-1] == Calm()
