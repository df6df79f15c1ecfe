"""How results are printed: tables and counterexamples for people, JSON for machines."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from conformance.links import Failure, Verdict
from conformance.tlc.counterexamples import narrate
from conformance.tlc.link import Judged
from conformance.verify import Report

if TYPE_CHECKING:
    from conformance.graph.mirror import Checked
    from conformance.mutants.matrix import KillMatrix

STYLES = {
    Verdict.HOLDS: "green",
    Verdict.REFUTED: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "bold red",
}


def print_json(data: Mapping[str, Any]) -> None:
    """Print data as JSON on standard output."""
    json.dump(data, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_report(report: Report, *, to_stderr: bool = False) -> None:
    """Print why what failed failed, then the table of links, then the verdict on everything."""
    console = Console(file=sys.stderr if to_stderr else sys.stdout, highlight=False)
    for link in report.links:
        for failure in link.failures:
            print_failure(console, failure)
    table = Table(box=None, pad_edge=False)
    table.add_column("link")
    for heading in ("models", "states", "edges", "steps", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for link in report.links:
        numbers = [f"{number:,}" for number in (link.models, link.states, link.edges, link.steps)]
        table.add_row(link.link, *numbers, f"{link.seconds:.1f}", f"[{STYLES[link.verdict]}]{link.verdict}[/]")
    console.print(table)
    for link in report.links:
        for note in link.notes:
            console.print(f"{link.link}: {note}", markup=False)
    verdict = f"[{STYLES[report.verdict]}]{report.verdict}[/]"
    console.print(f"{verdict} (profile {report.settings.profile}, seed {report.settings.seed}, {report.seconds:.0f} s)")
    replay = next((failure.replay for link in report.links for failure in link.failures if failure.replay), "")
    if replay:
        console.print(f"again: {replay}", markup=False, soft_wrap=True)


def print_run(judged: Judged) -> None:
    """Print one run of TLC: what it saw, the counterexample if there is one, and whether the manifest agrees."""
    console = Console(file=sys.stdout, highlight=False)
    if judged.failure:
        print_failure(console, judged.failure)
        return
    for line in narrate(judged.task.model.name, judged.run):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"[{STYLES[judged.verdict]}]{judged.verdict}[/]: {judged.saw}, as the manifest says")


def print_checked(checked: "Checked") -> None:
    """Print one exploration: the path to a violation if there is one, and whether the manifest agrees."""
    from conformance.graph import mirror  # noqa: PLC0415  # brings every machine

    console = Console(file=sys.stdout, highlight=False)
    for line in mirror.narrate(checked.path):
        console.print(line, markup=False, soft_wrap=True)
    for line in checked.differences:
        console.print(line, markup=False, soft_wrap=True)
    found, verdict = checked.found, checked.verdict
    saw = f"{checked.violated} is violated" if checked.violated else f"{found.distinct:,} states, depth {found.depth}"
    console.print(f"[{STYLES[verdict]}]{verdict}[/]: {saw}, {found.seconds:.1f} s")
    if checked.differences:
        console.print(f"again: physalia spec check {checked.model.name}", markup=False)


def print_mutants(matrix: "KillMatrix") -> None:
    """Print what became of every mutant, and the verdict on them together."""
    console = Console(file=sys.stdout, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("mutant", "family", "killer", "status"):
        table.add_column(heading)
    table.add_column("how")
    table.add_column("events", justify="right")
    table.add_column("seconds", justify="right")
    for outcome in matrix.outcomes:
        mutant, judgement = outcome.mutant, outcome.judgement
        events = str(judgement.events) if judgement.events else ""
        row = (mutant.name, mutant.family, mutant.killer, judgement.status, judgement.how, events)
        table.add_row(*row, f"{outcome.seconds:.0f}")
    console.print(table)
    told = matrix.as_json()
    counts = (
        f"{told['killed']} of {told['applied']} killed, {told['accidents']} of them by accident, "
        f"{told['survived']} survived, {matrix.seconds:.0f} s"
    )
    console.print(f"[{STYLES[matrix.verdict]}]{matrix.verdict}[/]: {counts}")


def print_failure(console: Console, failure: Failure) -> None:
    """Print a failure: the verdict, what shows it, and last the command that shows it again."""
    console.print(f"[{STYLES[failure.verdict]}]{failure.verdict}[/] ", end="")
    console.print(failure.title, markup=False, soft_wrap=True)
    for line in failure.lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if failure.replay:
        console.print(f"  again: {failure.replay}", markup=False, soft_wrap=True)
