"""Counterexamples are as short and as simple as they can be made, and say what was done for it."""

from itertools import combinations_with_replacement

import pytest

from conformance.judges.coverage import Coverage
from conformance.lockstep.drive import drive
from conformance.lockstep.play import play
from conformance.lockstep.shortest import shortest
from conformance.lockstep.shrink import Budget, Finding, adapted, shrink
from conformance.lockstep.simpler import complexity, simpler
from conformance.world.cells import MakeNode
from conformance.world.scenario import Calm, Deliver, EndFlush, Give, Scenario
from conformance.world.setup import Setup
from conformance.world.world import World
from physalia.model import Ballot, Campaign, Prepare, Read, RequestId, Submit
from tests.conformance.lockstep.broken_cells import Fault, break_cell

BELOW = Fault(
    "an acceptor votes one round below its promise", "acceptor",
    "vote = Vote(ballot, slot, self.node)\n        if not self.promised <= ballot:",
    "vote = Vote(ballot, slot, self.node)\n        if not self.promised.round <= ballot.round + 1:",
)  # fmt: skip

FEWEST = 11
"""A cell of one: a campaign, its prepare and promise, a command and its proposal, a campaign above it, its prepare,
and the vote, with three flushes between. Nothing less shows the fault; with three nodes it takes more."""


def find(broken: MakeNode, seed: str) -> Finding:
    for number in range(100):
        finding = drive(Setup.of(3, 3, 3, ("1", "1/2", "3/2")), f"{seed}/{number}", 160, Coverage(), broken)
        if finding is not None:
            return finding
    raise AssertionError("no run finds the fault")


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(one, marks=pytest.mark.slow) for one in range(4, 10))])
def test_a_fault_is_shown_by_as_few_events_as_can_show_it(seed: int) -> None:
    """Whatever run finds it first, the fewest are found; and of what is left no two can be left out."""
    broken = break_cell(BELOW)
    small = shortest(find(broken, str(seed)), broken, 600.0)
    assert len(small.scenario.happenings) == FEWEST
    assert small.refuted.title.startswith("the specification does not allow vote(")
    assert "no two of them can be left out, nothing made simpler, and no small world shows it" in small.effort
    setup = small.scenario.setup
    assert setup.alpha == 1
    assert all(rate == 1 for rate in setup.rates)
    assert not any(setup.clocks_ms)
    assert _is_minimal(small.scenario, broken)


def _is_minimal(scenario: Scenario, broken: MakeNode) -> bool:
    """Whether no two events can be left out as they are, nor one."""
    happenings = scenario.happenings
    for one, other in combinations_with_replacement(range(len(happenings)), 2):
        rest = [event for place, event in enumerate(happenings) if place not in (one, other)]
        left, refuted = play(scenario.setup, rest, broken)
        if refuted is not None and len(left.happenings) < len(happenings):
            return False
    return True


def test_what_can_be_left_out_is_seen() -> None:
    broken = break_cell(BELOW)
    small = shrink(find(broken, "0"), broken, Budget(600.0)).scenario
    longer = Scenario(small.setup, (Give(1, Submit(Read(RequestId("x", 99)))), *small.happenings))
    assert not _is_minimal(longer, broken)


def test_without_time_nothing_is_shrunk_and_that_is_said() -> None:
    broken = break_cell(BELOW)
    found = find(broken, "0")
    left = shortest(found, broken, 0.0)
    assert left.scenario == found.scenario
    assert "the budget of 0 s of processor time is spent, so fewer might do" in left.effort


def test_whoever_waits_is_told_how_short_it_is_by_now() -> None:
    broken = break_cell(BELOW)
    told: list[tuple[int, int]] = []
    found = find(broken, "0")
    small = shortest(found, broken, 600.0, lambda tried, events: told.append((tried, events)))
    tries, lengths = zip(*told, strict=True)
    assert tries == tuple(range(1, len(told) + 1))
    assert lengths[0] > lengths[-1] == len(small.scenario.happenings)


def test_a_scenario_that_refutes_nothing_in_the_real_cell_stays_so_however_it_is_made_simpler() -> None:
    """Making a world smaller makes no fault of its own: nobody asks for members that are gone."""
    broken = break_cell(BELOW)
    small = shrink(find(broken, "0"), broken, Budget(600.0)).scenario
    scenarios = [(small.setup, small.happenings), *simpler(small)]
    assert len(scenarios) > 3
    for setup, happenings in scenarios:
        assert play(setup, happenings)[1] is None


def test_simpler_is_simpler() -> None:
    setup = Setup.of(3, 3, 3, ("1", "1/2", "2"))
    high = Scenario(setup, (Give(3, Campaign(Ballot(7, 3))),))
    low = Scenario(setup, (Give(3, Campaign(Ballot(1, 3))),))
    plain = Scenario(Setup.of(3, 3, 3), high.happenings)
    small = Scenario(Setup.of(1, 1, 1), high.happenings)
    assert complexity(low) < complexity(high)
    assert complexity(small) < complexity(plain) < complexity(high)
    assert (low.setup, low.happenings) in list(simpler(high))


def test_calm_stands_for_many_events() -> None:
    setup = Setup.of(1, 1, 1)
    seen = Scenario(setup, (Give(1, Campaign(Ballot(1, 1))), EndFlush(1)))
    assert complexity(seen) < complexity(Scenario(setup, (Calm(),)))


def test_another_message_takes_the_place_of_one_that_is_not_in_flight() -> None:
    world = World(Setup.of(3, 3, 3))
    world.apply(Give(1, Campaign(Ballot(1, 1))))
    world.apply(EndFlush(1))
    gone = Deliver(1, 2, Prepare(Ballot(5, 1), 4))
    assert list(adapted(world, gone)) == [Deliver(1, 2, Prepare(Ballot(1, 1), 0))]
    assert list(adapted(world, Deliver(2, 1, gone.message))) == [Deliver(2, 1, gone.message)]
