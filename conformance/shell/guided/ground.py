"""What is looked for in the world of the shell, and how it is told what a run refutes."""

from pathlib import Path

from conformance.guided.looking import Ground
from conformance.links import SHRINK_S, Failure
from conformance.shell import campaign
from conformance.shell.campaign import RUNS, Result
from conformance.shell.guided import of_leaders, of_members
from conformance.shell.guided.runs import Runs
from conformance.shell.guided.sights import Sight
from conformance.shell.script import Script, read

SCENARIOS = (*of_leaders.SCENARIOS, *of_members.SCENARIOS)
MOST_RUNS = 100
EXPECTED = frozenset[str]()


def ground(runs_folder: Path = RUNS, shrink_s: float = SHRINK_S) -> Ground[Script, Sight, Result]:
    """The world of the shell; what is refuted is made shorter, and kept with a script."""

    def failure(result: Result) -> Failure:
        return campaign.failure(result, shrink_s, runs_folder)

    def read_script(_: object, text: str, source: str) -> Script:
        return read(text, source)

    return Ground("shell", SCENARIOS, EXPECTED, Runs(), failure, MOST_RUNS, Script.text, read_script)
