"""``physalia prove --attacks``: broken rules, and the runs that a solver finds because they are broken."""

from collections.abc import Iterable

from conformance.induction.attacks import AttackReport, run_attacks
from conformance.links import EXIT_CODES, Progress
from physalia.cli.terminal import print_json, say


def attacks(names: Iterable[str], progress: Progress, *, json: bool) -> int:
    """Find the runs of the named attacks, or of all, and print them. BadInput for a name that is not there."""
    names = tuple(names)
    report = run_attacks(names, progress)
    if json:
        print_json(report.as_json())
    else:
        say(*_lines(report, whole=bool(names)))
    return EXIT_CODES[report.verdict]


def _lines(report: AttackReport, *, whole: bool) -> Iterable[str]:
    """The scenarios of attacks that were named; of all, a line each."""
    for one in report.attacks:
        if whole:
            yield from one.lines()
        else:
            yield f"{one.verdict:8} {one.attack.name} ({one.attack.rule}): {one.sentence}"
    if not whole:
        yield "the scenario: physalia prove --attacks NAME"
