"""``physalia place availability``: how likely a cell is there for its instance, and what that depends on."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.links import BadInput
from physalia.cli.options import Json
from physalia.cli.terminal import print_json, say

SCHEMA_VERSION = 1
_SIZES = (1, 3, 5, 7, 9)
_FAILING = tuple(at / 100 for at in (1, 5, 10, 20, 30, 40, 50, 60, 70, 80))
_NO_ANSWER = 3


def availability(
    topology: Annotated[Path | None, typer.Argument(metavar="[TOPOLOGY]", help="The topology, a JSON file.")] = None,
    instance: Annotated[str | None, typer.Option(help="The server of the volume's instance.")] = None,
    servers: Annotated[str | None, typer.Option(help="The nodes of the cell, by commas.")] = None,
    devices: Annotated[int, typer.Option(min=0, metavar="N", help="List the N devices that matter most.")] = 10,
    figure_4: Annotated[
        bool, typer.Option("--figure-4", help="Show the paper's figure 4 instead: nodes that fail independently.")
    ] = False,
    json: Json = False,
) -> int:
    """Tell the exact probability that the instance, when it is up, reaches a majority of the cell.

    Exit code 0: there it is; 2: bad input; 3: no exact answer within the limits.
    """
    if figure_4:
        return _figure_4(json=json)
    if topology is None or instance is None or servers is None:
        raise BadInput("name a topology, --instance and --servers, or --figure-4.")
    from attrs import asdict  # noqa: PLC0415

    from physalia.cli.progress import counted  # noqa: PLC0415  # brings rich
    from physalia.placement.availability.estimator import Estimator, NotExact  # noqa: PLC0415  # brings numpy
    from physalia.placement.site import format as files  # noqa: PLC0415

    site, cell = files.read(topology), tuple(servers.split(","))
    estimator = Estimator(site)
    try:
        found = estimator.of(instance, cell)
        with counted("what matters", "devices") as told:
            weights = estimator.weights(instance, cell, told)[:devices] if devices else []
    except NotExact as reason:
        say(f"physalia: {reason}", to_stderr=True)
        return _NO_ANSWER
    if json:
        asked = {"instance": instance, "servers": list(cell), "availability": found.value, "method": found.method}
        more = {"error": found.error, "devices": [asdict(weight) for weight in weights]}
        print_json({"schema_version": SCHEMA_VERSION, **asked, "unavailability": found.unavailability, **more})
        return 0
    say(f"availability {found.value:.12f}, unavailability {found.unavailability:.3e} (exact, by {found.method})")
    for weight in weights:
        say(
            f"  {weight.device} ({weight.kind}) is down in {weight.share:.1%} of that; "
            f"while it is, unavailability {weight.conditional:.1e}"
        )
    return 0


def _figure_4(*, json: bool) -> int:
    from physalia.placement.availability.estimator import independent  # noqa: PLC0415  # brings numpy

    rows = {size: [independent(size, fails) for fails in _FAILING] for size in _SIZES}
    if json:
        told = [{"nodes": size, "availability": row} for size, row in rows.items()]
        print_json({"schema_version": SCHEMA_VERSION, "fails": list(_FAILING), "rows": told})
        return 0
    say("nodes " + " ".join(f"p={fails:<5.2f}" for fails in _FAILING))
    for size, row in rows.items():
        say(f"{size:>5} " + " ".join(f"{value:.5f}" for value in row))
    return 0
