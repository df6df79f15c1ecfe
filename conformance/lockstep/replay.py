"""Scenarios as files, and a script that replays one: no Hypothesis, no randomness, only the events.

A failure of the lockstep leaves ``.physalia/runs/lockstep/<time>/`` with ``scenario.txt`` and ``replay.py`` behind, and
``latest`` beside it points there.
"""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from conformance.lockstep.play import play
from conformance.lockstep.shrink import Finding
from conformance.refutation import Refuted
from conformance.world.scenario import Scenario, read_scenario, setup_words, tell
from conformance.world.world import MakeNode
from physalia.cell import Node

RUNS = Path(".physalia", "runs", "lockstep")

_SCRIPT = '''\
"""Replays the scenario beside this file on the installed Physalia; exit 1 if it is still refuted, 0 if not."""

import sys
from pathlib import Path

from conformance.lockstep.replay import replay

text = Path(__file__).with_name("scenario.txt").read_text(encoding="utf-8")
sys.exit(replay(text))
'''


def keep(finding: Finding, runs: Path = RUNS) -> Path:
    """Write the scenario and its replay script into a new folder of `runs`; return the script's path."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = runs / stamp
    folder.mkdir(parents=True)
    comments = "".join(f"# {line}\n" for line in finding.refuted.title.splitlines())
    (folder / "scenario.txt").write_text(comments + finding.scenario.text(), encoding="utf-8")
    script = folder / "replay.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    with suppress(OSError):  # a system without symbolic links does without
        latest = runs / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(stamp, target_is_directory=True)
    return script


def replay(text: str, make_node: MakeNode = Node) -> int:
    """Play the scenario of this text, print what comes of it, and return the exit code: 1 if refuted, 0 if not.

    Raises `UnreadableWords` if the text is no scenario.
    """
    wanted = read_scenario(text)
    scenario, refuted = play(wanted.setup, wanted.happenings, make_node)
    if refuted is None:
        left_out = len(wanted.happenings) - len(scenario.happenings)
        print(f"holds: {len(scenario.happenings)} events, {left_out} could not happen")
        return 0
    print("\n".join(("refuted: " + refuted.title, *lines(scenario, refuted))))
    return 1


def lines(scenario: Scenario, refuted: Refuted) -> tuple[str, ...]:
    """A refutation for people: the scenario, and what was wrong with its last event."""
    return ("scenario:", f"      {setup_words(scenario.setup)}", *tell(scenario.happenings), *refuted.lines)
