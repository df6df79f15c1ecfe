"""A difference between code and specification as people read it, as a scenario in a file, and replayed from there.

A failure leaves ``.physalia/runs/exhaustive/<time>/`` with ``scenario.txt`` and ``replay.py`` behind.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from conformance.describe import describe_state
from conformance.exhaustive.audits import MOST_TWINS, Untrue, audit, confirm, look_at_twins
from conformance.exhaustive.graph import Graph
from conformance.exhaustive.paths import NotPossible, follow, path_to
from conformance.exhaustive.performing import MakeExplorable
from conformance.exhaustive.product import Disagreement, NeverTaken, Product
from conformance.exhaustive.scopes import SCOPES, Scope
from conformance.wording import UnreadableWords
from physalia.cell import Node
from spec.differences import call

RUNS = Path(".physalia", "runs", "exhaustive")

EVERYTHING = "everything"
"""The last line of a scenario that no single path shows: the scope is explored again."""

_SCRIPT = '''\
"""Replays the scenario beside this file on the installed Physalia; exit 1 if it is still refuted, 0 if not."""

import sys
from pathlib import Path

from conformance.exhaustive.telling import replay

text = Path(__file__).with_name("scenario.txt").read_text(encoding="utf-8")
sys.exit(replay(text))
'''


@frozen
class Finding:
    """What is wrong in a scope: a sentence, the events that lead to it, and lines that show it."""

    scope: Scope
    title: str
    path: tuple[str, ...]
    lines: tuple[str, ...]
    is_of_all: bool = False
    """Whether only the whole exploration shows it."""

    def text(self) -> str:
        """The scenario as text."""
        comments = [f"# {line}" for line in self.title.splitlines()]
        last = [EVERYTHING] if self.is_of_all else []
        return "".join(f"{line}\n" for line in (*comments, f"scope {self.scope.name}", *self.path, *last))

    def told(self) -> tuple[str, ...]:
        """The scenario for people, and what was wrong at its end."""
        events = [f"{number:4}  {event}" for number, event in enumerate(self.path, start=1)]
        return ("scenario:", f"      scope {self.scope.name}", *events, *self.lines)


def finding(product: Product, wrong: Disagreement | NeverTaken | Untrue) -> Finding:
    """Tell what the exploration found, with a shortest path to it.

    The audits come first: what is told of the code is what it does, and not what keys and clones make of it.
    """
    if isinstance(wrong, Untrue):
        return _of_audit(product, wrong)
    found = _of_joint(product, wrong) if isinstance(wrong, Disagreement) else _of_all(product, wrong)
    try:
        look_at_twins(product, MOST_TWINS)
        confirm(product, found.path[: -1 if isinstance(wrong, Disagreement) and wrong.last else None])
    except Untrue as untrue:
        return _of_audit(product, untrue)
    return found


def _of_audit(product: Product, wrong: Untrue) -> Finding:
    return Finding(product.scope, f"audit: {wrong.refuted.title}", wrong.path, wrong.refuted.lines, is_of_all=True)


def _of_joint(product: Product, wrong: Disagreement) -> Finding:
    path = path_to(product, lambda joint, _: joint == wrong.joint)
    return Finding(product.scope, wrong.refuted.title, (*path, wrong.last) if wrong.last else path, wrong.refuted.lines)


def _of_all(product: Product, wrong: NeverTaken) -> Finding:
    state, graph = wrong.projected, product.graph
    path = path_to(product, lambda _, projected: projected is state)
    missing = [call(*label) for label in graph.calls(wrong.missing)]
    lines = (
        *(f"never taken: {step}" for step in missing),
        "in this state of the specification, which the code reaches:",
        *(f"  {line}" for line in describe_state(graph.found.state(state.number))),
    )
    title = f"the specification can take {missing[0]}, and the code never does where it is in the same state"
    return Finding(product.scope, title, path, lines, is_of_all=True)


def keep(found: Finding, runs: Path = RUNS) -> Path:
    """Write the scenario and its replay script into a new folder of `runs`; return the script's path."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = runs / stamp
    folder.mkdir(parents=True)
    (folder / "scenario.txt").write_text(found.text(), encoding="utf-8")
    script = folder / "replay.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    with suppress(OSError):  # a system without symbolic links does without
        latest = runs / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(stamp, target_is_directory=True)
    return script


def replay(text: str, make_node: MakeExplorable = Node, scopes: Sequence[Scope] = SCOPES) -> int:
    """Play the scenario of this text on such nodes, print what comes of it, and return the exit code: 1 if refuted.

    Raises `UnreadableWords` if the text is no scenario.
    """
    scope, path, is_of_all = _read(text, scopes)
    product = Product(scope, Graph(scope.machine), make_node)
    note = ""
    try:
        follow(product, path)
        if is_of_all:
            product.explore()
            audit(product, seed=0)
    except (Disagreement, NeverTaken, Untrue) as wrong:
        found = finding(product, wrong)
        print("\n".join(("refuted: " + found.title, *found.told())))
        return 1
    except NotPossible as error:
        note = f", until {error}"
    print(f"holds: {len(path)} events{note}")
    return 0


def _read(text: str, scopes: Sequence[Scope]) -> tuple[Scope, tuple[str, ...], bool]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first = lines[0] if lines else ""
    scope = next((scope for scope in scopes if f"scope {scope.name}" == first), None)
    if scope is None:
        raise UnreadableWords(f"{first!r}: a scenario starts with a line such as 'scope {scopes[0].name}'")
    is_of_all = lines[-1] == EVERYTHING
    return scope, tuple(lines[1 : -1 if is_of_all else None]), is_of_all
