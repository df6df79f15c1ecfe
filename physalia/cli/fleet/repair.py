"""``physalia place repair``: which cells suffer when a device is drained, and where their nodes go."""

from pathlib import Path
from typing import Annotated

import typer

from physalia.cli.fleet.printing import moved_code, moved_json, moved_lines
from physalia.cli.options import Json, Limit, must_be_free
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import EXIT_CODES, Told


def repair(
    topology: Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")],
    drain: Annotated[
        list[str], typer.Option(help="The server, rack, switch or element of power; may be given several times.")
    ],
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the topology with the moves made to this file.")
    ] = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Tell which cells suffer when a device is drained, and the fewest single replacements that take them off it.

    Cells whose instance the topology names are moved, one node at a time, every rule kept at each step. Exit code 0:
    all can; 1: for some there is no place; 2: bad input; 3: for some no way was found, or time ran out.
    """
    must_be_free("--output", output, policy)
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.fleet import taken_out, written  # noqa: PLC0415  # brings numpy
        from physalia.fleet.repair import emptied, without  # noqa: PLC0415
        from physalia.fleet.repair import repair as repaired  # noqa: PLC0415
        from physalia.fleet.rules import Rules  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415
        from physalia.placement.site.format import write  # noqa: PLC0415

        with effort("repair", time_limit_s) as spent:
            given, rules = read(topology, policy)
            site, fleet = taken_out(given, rules.cell_size)
            closed = without(site, {server for device in drain for server in emptied(site, device)})
            try:
                moved = list(repaired(closed, Rules.of(closed, rules), fleet, spent))
            except OutOfTime:
                return Told({"complete": False}, ("time ran out.",), EXIT_CODES["inconclusive"]).printed(json=json)
            if output is not None:
                write(written(site, fleet), output)
        left_out = len(given.cells) - len(fleet)
        lines = list(moved_lines(site, fleet, moved))
        document = {"drained": list(drain), "left_out": left_out, **moved_json(site, fleet, moved)}
        if left_out:
            lines.append(f"{left_out:,} cells are left where they are: the topology does not name their instance.")
        return Told(document, tuple(lines), moved_code(moved)).printed(json=json)
