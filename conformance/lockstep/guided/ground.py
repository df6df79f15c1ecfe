"""What is looked for in the world of the lockstep, and how it is told what a run refutes."""

from pathlib import Path

from conformance.guided.looking import Ground
from conformance.guided.part import NAME
from conformance.guided.scenario import Scenario
from conformance.links import SHRINK_S, BadInput, Failure
from conformance.lockstep import replay
from conformance.lockstep.guided import of_ballots, of_members, of_snapshots
from conformance.lockstep.guided.runs import Runs, Schedule
from conformance.lockstep.guided.sights import Sight
from conformance.lockstep.shortest import shortest
from conformance.lockstep.shrink import Finding
from conformance.world.cells import MakeNode
from conformance.world.scenario import Scenario as Kept
from conformance.world.scenario import read_scenario
from physalia.cell import Node

SCENARIOS = (*of_snapshots.SCENARIOS, *of_members.SCENARIOS, *of_ballots.SCENARIOS)
MOST_RUNS = 400
EXPECTED = frozenset(
    one.name
    for one in (
        of_snapshots.DEPOSED_TEACHER,
        of_snapshots.OLD_PROMISE,
        of_snapshots.JUMPED_RETRY,
        of_members.CROSSED_READ,
        of_members.LATE_CREATE,
        of_ballots.CHOSEN_TWICE,
        of_ballots.FULL_DISK,
    )
)
"""Met within 60 runs with either of two seeds."""


def ground(
    make_node: MakeNode = Node, runs_folder: Path = replay.RUNS, shrink_s: float = SHRINK_S
) -> Ground[Schedule, Sight, Finding]:
    """The world of the lockstep, with these nodes; what is refuted is made shorter, and kept with a script."""

    def failure(finding: Finding) -> Failure:
        return replay.failure(NAME, shortest(finding, make_node, shrink_s), make_node, runs_folder)

    return Ground("lockstep", SCENARIOS, EXPECTED, Runs(make_node), failure, MOST_RUNS, _text, _read)


def _text(schedule: Schedule) -> str:
    return Kept(schedule.setup, schedule.happenings).text()


def _read(scenario: Scenario[Sight], text: str, source: str) -> Schedule:
    try:
        kept = read_scenario(text)
    except ValueError as error:
        raise BadInput(f"{source} cannot be played: {error}.") from None
    return Schedule(scenario.base, kept.setup, (kept.happenings,))
