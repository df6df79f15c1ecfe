"""``physalia place audit``: what is wrong with the cells that a site has, and how far they are from their best."""

from pathlib import Path
from typing import Annotated

import typer

from physalia.cli.options import Json, Limit
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import EXIT_CODES, REFUTED, Told


def audit(
    topology: Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")
    ] = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", help="Only this cell; may be given several times.")
    ] = None,
    best: Annotated[
        bool, typer.Option("--best/--no-best", help="Look for the best place of each cell, too: most of the work.")
    ] = True,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="List the N cells that are least available.")] = 5,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Judge the cells that a topology lists: rules broken, failures not survived, availability, distance from the best.

    Exit code 0: every cell keeps the rules; 1: some rule is broken; 2: bad input; 3: there is no cell, or time ran
    out before all were judged, and none of those that were breaks a rule.
    """
    with needs():
        from physalia.cli.place.audit.printing import audit_json, audit_lines  # noqa: PLC0415
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.placement.audit.cells import audit as judge  # noqa: PLC0415  # brings numpy and highspy

        with effort("audit", time_limit_s) as spent:
            site, rules = read(topology, policy)
            found = judge(site, rules, cell or None, best=best, effort=spent)
        code = {"kept": 0, "broken": REFUTED, "inconclusive": EXIT_CODES["inconclusive"]}[found.verdict]
        return Told(audit_json(site, found), tuple(audit_lines(found, worst)), code).printed(json=json)
