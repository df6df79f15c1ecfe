"""How the unbounded proof is printed: a table of layers, their graphs of sorts, and what does not hold."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.induction.mutants import MutantsReport
from conformance.induction.necessity import Necessity
from conformance.induction.unbounded import LayerReport, ProofReport
from conformance.induction.whole_proof import WholeProof
from conformance.links import BadInput, Verdict
from physalia.cli import terminal
from physalia.cli.printing import STYLES, print_failure, print_table
from spec.induction.proving.solve import Outcome, write_smtlib
from spec.induction.proving.weaken import Ending

_TABLE_WIDTH = 110


def print_whole(whole: WholeProof, *, every_query: bool, to_stderr: bool) -> None:
    """Print why what failed failed, then layer by layer what was proved, then the verdict on everything."""
    console = terminal.console(to_stderr=to_stderr)
    proof = whole.proof
    for failure in whole.failures():
        print_failure(console, failure)
    if every_query:
        _print_queries(console, proof)
    _print_necessity(console, whole.why or ())
    _print_layers(console, proof)
    _print_sorts(console, proof.layers)
    for note in whole.notes():
        console.print(note, markup=False)
    timeout_s = proof.effort.timeout_s
    limited = "" if timeout_s is None else f"time-out {timeout_s:g} s, "
    console.print(
        f"{_styled(whole.verdict)}: {proof.queries:,} queries in {proof.seconds:.1f} s, each asked once "
        f"({limited}seed {proof.effort.seed})"
    )


def print_mutants(report: MutantsReport, *, to_stderr: bool) -> None:
    """Print what became of every mutant, and the verdict on them together."""
    console = terminal.console(to_stderr=to_stderr)
    for mutant in report.mutants:
        console.print(f"{mutant.ending:9}  {mutant.name}: {mutant.reason}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{len(report.ended(ending))} {ending}" for ending in Ending if report.ended(ending))
    console.print(
        f"{_styled(report.verdict)}: {len(report.mutants)} mutants: {counts or 'none'}, {report.seconds:.0f} s"
    )
    for name in report.unexplained:
        console.print(f"  {name} is not refused, and nobody has said why", markup=False)
    console.print("refused is not unsafe: a counterexample to induction need not be reachable", markup=False)


def export(proof: ProofReport, folder: Path) -> None:
    """Write every query that was asked as a script. BadInput if the folder cannot be written."""
    try:
        for layer in proof.layers:
            for answer in layer.proof.asked.values():
                write_smtlib(answer.query, folder, {"z3": answer.outcome})
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror}); name a folder that can.") from None


def _styled(verdict: Verdict) -> str:
    return f"[{STYLES[verdict]}]{verdict}[/]"


def _print_layers(console: Console, proof: ProofReport) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    table.add_column("on")
    for heading in ("actions", "invariants", "queries", "below", "witnesses", "slowest", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for layer in proof.layers:
        system, asked = layer.proof.system, layer.proof.asked.values()
        numbers = (
            len(system.actions), len(system.invariants), len(asked), len(layer.proof.inherited), len(layer.witnesses),
        )  # fmt: skip
        slowest = max((answer.seconds for answer in asked), default=0.0)
        row = (layer.name, layer.on, *numbers, f"{slowest:.2f}", f"{layer.proof.seconds:.1f}")
        table.add_row(*map(terminal.cell, row), _styled(layer.verdict))
    # Wide enough for every heading: a column that is cut cannot be read, and a line that is wrapped can.
    console.width = max(console.width, _TABLE_WIDTH)
    print_table(console, table)


def _print_sorts(console: Console, layers: Iterable[LayerReport]) -> None:
    """The graph of sorts, once for neighbours that have the same one."""
    console.print("graph of sorts (for every A there may be a B: A -> B):")
    shown = ""
    for layer in layers:
        edges = "; ".join(f"{source} -> {', '.join(targets)}" for source, targets in layer.sorts.successors.items())
        console.print(f"  {layer.name}: {'the same' if edges == shown else edges}", markup=False, soft_wrap=True)
        shown = edges
        for sentence in layer.sorts.exceptions:
            console.print(f"    outside the decidable fragment: {sentence}", markup=False, soft_wrap=True)
    if not any(layer.sorts.exceptions for layer in layers):
        console.print("  no cycles: every query is in the decidable fragment", markup=False)


def _print_queries(console: Console, proof: ProofReport) -> None:
    """A line each: the outcome, the seconds, and the name."""

    def line(outcome: str, seconds: float, name: str) -> None:
        console.print(f"{outcome:8} {seconds:6.3f}  {name}", markup=False, soft_wrap=True)

    for layer in proof.layers:
        for answer in layer.proof.asked.values():
            line(answer.outcome, answer.seconds, answer.query.name)
        for answer in layer.proof.inherited.values():
            line("below", 0.0, f"{answer.query.name}, proved as {answer.origin}")
        for witness in layer.witnesses:
            line("possible" if witness.outcome is Outcome.PROVED else "missing", witness.seconds, witness.name)


def _print_necessity(console: Console, needed: Iterable[Necessity]) -> None:
    for one in needed:
        console.print(f"{one.layer}: {one.invariant}: {one.says}", markup=False, soft_wrap=True)
        console.print(f"  without it: {one.ending}: {one.reason}", markup=False, soft_wrap=True)
        for line in one.lines:
            console.print(f"    {line}", markup=False, soft_wrap=True)
