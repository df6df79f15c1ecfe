"""How results are printed: tables and counterexamples for people, JSON for machines."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.links import Failure, Verdict
from conformance.tlc.counterexamples import narrate
from conformance.tlc.link import Judged
from conformance.verify import Report
from physalia.cli import terminal

if TYPE_CHECKING:
    from conformance.graph.mirror import Checked
    from conformance.mutants.matrix import KillMatrix

_WIDEST = 10_000
STYLES = {
    Verdict.HOLDS: "green",
    Verdict.REFUTED: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "bold red",
}


def print_report(report: Report, *, to_stderr: bool = False) -> None:
    """Print why what failed failed, then the table of links, then the verdict on everything."""
    console = terminal.console(to_stderr=to_stderr)
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
        row = map(terminal.cell, (link.link, *numbers, f"{link.seconds:.1f}"))
        table.add_row(*row, terminal.cell(link.verdict, STYLES[link.verdict]))
    print_table(console, table)
    for link in report.links:
        for note in link.notes:
            console.print(f"{link.link}: {note}", markup=False)
    verdict = f"[{STYLES[report.verdict]}]{report.verdict}[/]"
    console.print(f"{verdict} (profile {report.settings.profile}, seed {report.settings.seed}, {report.seconds:.0f} s)")
    replay = next((failure.replay for link in report.links for failure in link.failures if failure.replay), "")
    if replay:
        console.print(f"again: {replay}", markup=False, soft_wrap=True)


def print_table(console: Console, table: Table) -> None:
    """Print a table whole: on a narrow terminal its lines are wrapped there, and no verdict is cut."""
    width = console.width
    console.width = max(width, console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum)
    try:
        console.print(table)
    finally:
        console.width = width


def print_run(judged: Judged) -> None:
    """Print one run of TLC: what it saw, the counterexample if there is one, and whether the manifest agrees."""
    console = terminal.console()
    if judged.failure:
        print_failure(console, judged.failure)
        return
    for line in narrate(judged.task.model.name, judged.run):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"[{STYLES[judged.verdict]}]{judged.verdict}[/]: {escape(judged.saw)}, as the manifest says")


def print_checked(checked: "Checked") -> None:
    """Print one exploration: the path to a violation if there is one, and whether the manifest agrees."""
    from conformance.graph import mirror  # noqa: PLC0415  # brings every machine

    console = terminal.console()
    for line in mirror.narrate(checked.path):
        console.print(line, markup=False, soft_wrap=True)
    for line in checked.why:
        console.print(line, markup=False, soft_wrap=True)
    found, verdict = checked.found, checked.verdict
    saw = f"{checked.violated} is violated" if checked.violated else f"{found.distinct:,} states, depth {found.depth}"
    console.print(f"[{STYLES[verdict]}]{verdict}[/]: {escape(saw)}, {found.seconds:.1f} s")
    if checked.why:
        console.print(f"again: physalia spec check {checked.model.name}", markup=False, soft_wrap=True)


def print_mutants(matrix: "KillMatrix") -> None:
    """Print what became of every mutant, and the verdict on them together."""
    console = terminal.console()
    table = Table(box=None, pad_edge=False)
    for heading in ("mutant", "family", "killer", "status", "how"):
        table.add_column(heading)
    table.add_column("events", justify="right")
    table.add_column("seconds", justify="right")
    for outcome in matrix.outcomes:
        mutant, judgement = outcome.mutant, outcome.judgement
        events = str(judgement.events) if judgement.events else ""
        row = (mutant.name, mutant.family, mutant.killer, judgement.status, judgement.how, events)
        table.add_row(*map(terminal.cell, (*row, f"{outcome.seconds:.0f}")))
    print_table(console, table)
    for outcome in matrix.outcomes:
        if not outcome.judgement.is_kill:
            console.print(f"{outcome.mutant.name}: {outcome.judgement.note}", markup=False, soft_wrap=True)
        if outcome.stale:
            other = f"{outcome.judgement.part!r} does" if outcome.judgement.is_kill else "nothing else does either"
            said = f"{outcome.mutant.name}: {outcome.stale!r}, which is asked first, does not kill it, and {other}"
            again = f"physalia conformance mutants {outcome.mutant.name} --record"
            console.print(f"{said}; write it down anew: {again}", markup=False, soft_wrap=True)
    told = matrix.as_json()
    stale = f", {told['stale']} by another part than is written down" if told["stale"] else ""
    counts = (
        f"{told['killed']} of {told['applied']} killed{stale}, {told['accidents']} fell over, "
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
