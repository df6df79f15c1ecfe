"""How mechanical faults are printed: what no link refutes, and how many there are of each kind."""

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table

from conformance.mutants.mechanical.trying import Status
from physalia.cli import terminal
from physalia.cli.printing import STYLES, print_table

if TYPE_CHECKING:
    from conformance.mutants.mechanical.campaign import Matrix


def print_faults(matrix: "Matrix", *, to_stderr: bool = False) -> None:
    """Print every fault that no link killed, with how to try it again, then the counts by room, then the verdict."""
    console = terminal.console(to_stderr=to_stderr)
    for fault, outcome in matrix.outcomes:
        if outcome.status not in (Status.KILLED, Status.EQUIVALENT, Status.BUILD_FAILED):
            console.print(f"{outcome.status}: {fault.name}", markup=False, soft_wrap=True)
            asked = f"{outcome.link}: " if outcome.link else ""
            console.print(f"  line {fault.line}, {fault.operator}; {asked}{outcome.note}", markup=False, soft_wrap=True)
            again = f"physalia conformance mutants --mechanical {shlex.quote(fault.name)}"
            console.print(f"  again: {again}", markup=False, soft_wrap=True)
            if fault.name in matrix.known:
                console.print(f"  listed: {matrix.known[fault.name]}", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("room")
    shown = [status for status in Status if matrix.counted()[status]]
    for heading in ("faults", *shown):
        table.add_column(heading, justify="right")
    for room, there_are in matrix.rooms.items():
        of_room = Counter(outcome.status for fault, outcome in matrix.outcomes if fault.file.startswith(f"{room}/"))
        numbers = (f"{there_are:,}", *(str(of_room[status]) for status in shown))
        table.add_row(*map(terminal.cell, (room, *numbers)))
    if matrix.rooms:
        print_table(console, table)
    killers = Counter(
        outcome.link.partition(":")[0] for _, outcome in matrix.outcomes if outcome.status is Status.KILLED
    )
    by_whom = ", ".join(f"{count} by {link}" for link, count in killers.most_common())
    said = f"{killers.total()} of {matrix.applied} killed by links{f' ({by_whom})' if by_whom else ''}"
    if matrix.no_new and matrix.new:
        console.print(f"no link killed {len(matrix.new)} that survivors.toml does not list", markup=False)
    seed = f"seed {matrix.seed}, " if matrix.rooms else ""
    console.print(f"[{STYLES[matrix.verdict]}]{matrix.verdict}[/]: {said}, {seed}{matrix.seconds:.0f} s")
