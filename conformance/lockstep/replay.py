"""Scenarios as files, and a script that replays one: no Hypothesis, no randomness, only the events.

A failure of the lockstep leaves ``.physalia/runs/lockstep/<time>/`` with ``scenario.txt`` and ``replay.py`` behind, and
``latest`` beside it points there. The script makes the nodes that were refuted, by the name of whatever made them.
"""

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from conformance.links import Failure
from conformance.lockstep.play import play
from conformance.lockstep.shrink import Finding
from conformance.refutation import Refuted
from conformance.world.cells import MakeNode
from conformance.world.scenario import Scenario, read_scenario, tell
from conformance.world.setup import setup_words

RUNS = Path(".physalia", "runs", "lockstep")

_SCRIPT = '''\
"""Replays the scenario beside this file. Exit code 1: it is still refuted, 0: it is not, 2: it cannot be replayed."""

import sys
from pathlib import Path

from conformance.lockstep.replay import main

NODES = {nodes!r}  # MODULE:ATTRIBUTE, which makes a node

sys.exit(main(Path(__file__).with_name("scenario.txt"), NODES))
'''


class NoSuchNodes(Exception):
    """What made the refuted nodes cannot be found again; the message says why, and what to do."""


def keep(finding: Finding, make_node: MakeNode, runs: Path = RUNS) -> Path:
    """Write the scenario and its replay script into a new folder of `runs`; return the script's path."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = runs / stamp
    folder.mkdir(parents=True)
    comments = "".join(f"# {line}\n" for line in finding.refuted.title.splitlines())
    (folder / "scenario.txt").write_text(comments + finding.scenario.text(), encoding="utf-8")
    script = folder / "replay.py"
    script.write_text(_SCRIPT.format(nodes=name_of(make_node)), encoding="utf-8")
    with suppress(OSError):  # a system without symbolic links does without
        latest = runs / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(stamp, target_is_directory=True)
    return script


def name_of(make_node: MakeNode) -> str:
    """What makes the nodes, as MODULE:ATTRIBUTE; empty if it has no name under which it can be found again."""
    module, attribute = getattr(make_node, "__module__", ""), getattr(make_node, "__qualname__", "")
    name = f"{module}:{attribute}"
    try:
        return name if find(name) is make_node else ""
    except NoSuchNodes:
        return ""


def find(name: str) -> MakeNode:
    """What this name stands for, imported. Raises `NoSuchNodes`."""
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise NoSuchNodes(
            "what made the refuted nodes has no name that can be imported: write it into the script as MODULE:ATTRIBUTE"
        )
    try:
        found: MakeNode = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise NoSuchNodes(
            f"the refuted nodes were made by {name}, which is not here ({error}): put its folder on PYTHONPATH"
        ) from None
    return found


def main(scenario: Path, nodes: str) -> int:
    """Replay a scenario's file, and print what comes of it; return the exit code. Survives that nobody reads on."""
    try:
        code = replay(scenario.read_text(encoding="utf-8"), find(nodes))
    except (NoSuchNodes, OSError, ValueError) as error:
        print(f"cannot replay: {error}.", file=sys.stderr)
        return 2
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def replay(text: str, make_node: MakeNode) -> int:
    """Play the scenario of this text, print what comes of it, and return the exit code: 1 if refuted, 0 if not.

    Raises `UnreadableWords` if the text is no scenario.
    """
    wanted = read_scenario(text)
    scenario, refuted = play(wanted.setup, wanted.happenings, make_node)
    left_out = len(wanted.happenings) - len(scenario.happenings)
    told = (
        (f"holds: {len(scenario.happenings)} events, {left_out} could not happen",)
        if refuted is None
        else ("refuted: " + refuted.title, *lines(scenario, refuted))
    )
    with suppress(BrokenPipeError):
        print("\n".join(told))
    return 0 if refuted is None else 1


def failure(name: str, finding: Finding, make_node: MakeNode, runs: Path = RUNS) -> Failure:
    """What was refuted in the part of that name, for people, kept with a script that replays it."""
    kept: tuple[str, ...] = ()
    try:
        command = f"python {keep(finding, make_node, runs)}"
    except OSError as error:
        kept, command = (f"the replay script could not be written: {error}",), "physalia verify lockstep"
    return Failure(
        title=f"{name}: {finding.refuted.title}",
        lines=(
            *lines(finding.scenario, finding.refuted),
            finding.effort,
            f"nodes made by: {name_of(make_node) or 'something without a name that can be imported'}",
            *kept,
        ),
        replay=command,
        how=finding.refuted.how,
        events=len(finding.scenario.happenings),
    )


def lines(scenario: Scenario, refuted: Refuted) -> tuple[str, ...]:
    """A refutation for people: the scenario, and what was wrong with its last event."""
    return ("scenario:", f"      {setup_words(scenario.setup)}", *tell(scenario.happenings), *refuted.lines)
