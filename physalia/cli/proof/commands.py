"""``physalia prove``: the unbounded proof, its mutants, and a second opinion on it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import EXIT_CODES, BadInput
from physalia.cli.options import Json, Seed
from physalia.cli.terminal import print_json

if TYPE_CHECKING:
    from conformance.links import Progress
    from spec.induction.proving.solve import Effort

_LAYERS = "ballots, disk, outbox, knowledge, reads, truncation, leaving, volume"


def prove(
    layers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LAYER]...", help=f"{_LAYERS}; each with what it stands on. All, if none. Or names of attacks."
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Seconds for each query; without it, solvers count their work, the same on every machine.",
        ),
    ] = None,
    queries: Annotated[bool, typer.Option("--queries", help="Print every query, with its time and outcome.")] = False,
    tie: Annotated[
        bool | None,
        typer.Option(help="Compare the formulas of the base with the bounded graphs; default: if no LAYER is named."),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="For each invariant, print the counterexample that appears without it.")
    ] = False,
    second: Annotated[bool, typer.Option("--second", help="Have every query judged by cvc5 too.")] = False,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Instead: drop each guard, axiom, invariant; see what refuses that.")
    ] = False,
    attacks: Annotated[
        bool, typer.Option("--attacks", help="Instead: break rules one at a time, and show the runs that go wrong.")
    ] = False,
    smtlib: Annotated[Path | None, typer.Option(help="Write every query as a script into this folder.")] = None,
    json: Json = False,
    seed: Seed = 0,
) -> int:
    """Prove the cell safe for any number of nodes, ballots, slots and configurations, and any alpha.

    Exit code 0: everything is proved; 1: something is refuted; 3: something was not decided in time.
    """
    if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
        raise BadInput(f"--timeout {timeout:g} is no time-out: give a positive number of seconds, such as 20.")
    if mutants and attacks:
        raise BadInput("--mutants and --attacks are two different runs: give one of them.")
    given = {"--queries": queries, "--tie": tie, "--why": why, "--second": second, "--smtlib": smtlib is not None}
    unused = [option for option, value in given.items() if value]
    if (mutants or attacks) and unused:
        run = "--mutants" if mutants else "--attacks"
        raise BadInput(f"{unused[0]} says how the proof is run, and {run} is another run: give one of them.")
    from conformance.tlc.toolchain import require_package  # noqa: PLC0415

    require_package("z3", "z3-solver")
    if attacks:
        return _attacks(layers or (), json)
    from conformance.induction.unbounded import known_layers  # noqa: PLC0415  # brings z3
    from physalia.cli.progress import display  # noqa: PLC0415
    from spec.induction.proving.solve import Effort  # noqa: PLC0415

    names, effort = tuple(layers or ()), Effort(timeout_s=timeout, seed=seed)
    known_layers(names)
    if smtlib is not None:
        _make(smtlib)
    with display() as progress:
        if mutants:
            return _mutants(names, effort, json, progress)
        from conformance.induction.whole_proof import Wish, prove_whole  # noqa: PLC0415
        from physalia.cli.proof import printing as proof_printing  # noqa: PLC0415  # brings rich

        tied = not names if tie is None else tie
        wish = Wish(layers=names, effort=effort, tied=tied, second=second, why=why)
        whole = prove_whole(wish, progress)
    if smtlib is not None:
        proof_printing.export(whole.proof, smtlib)
    if json:
        print_json(whole.as_json())
    proof_printing.print_whole(whole, every_query=queries, to_stderr=json)
    return EXIT_CODES[whole.verdict]


def _make(folder: Path) -> None:
    """Make the folder now: nobody wants to hear after the proof that it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made ({error.strerror}); name a folder that can.") from None


def _attacks(names: Sequence[str], json: bool) -> int:
    from physalia.cli.progress import display  # noqa: PLC0415
    from physalia.cli.proof.attacks import attacks  # noqa: PLC0415

    with display() as progress:
        return attacks(names, progress, json=json)


def _mutants(names: tuple[str, ...], effort: "Effort", json: bool, progress: "Progress") -> int:
    from conformance.induction.mutants import judge_mutants  # noqa: PLC0415
    from conformance.induction.unbounded import prove_layers  # noqa: PLC0415
    from physalia.cli.proof import printing as proof_printing  # noqa: PLC0415

    report = judge_mutants(prove_layers((), effort, progress), names, effort, progress)
    if json:
        print_json(report.as_json())
    proof_printing.print_mutants(report, to_stderr=json)
    return EXIT_CODES[report.verdict]
