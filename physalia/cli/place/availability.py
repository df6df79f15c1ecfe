"""``physalia place availability``: how likely a cell is there for its instance, and what that depends on."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput
from physalia.cli.options import Json, Limit
from physalia.cli.place.cells import Servers, cell_of
from physalia.cli.place.inputs import read_topology
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.placement.effort import Effort
    from physalia.placement.site.topology import Topology

SCHEMA_VERSION = 1
_SIZES = (1, 3, 5, 7, 9)
_FAILING = tuple(at / 100 for at in (1, 5, 10, 20, 30, 40, 50, 60, 70, 80))
_NO_ANSWER = 3
_DIGITS, _MOST_DIGITS = 12, 40


def availability(
    topology: Annotated[Path | None, typer.Argument(metavar="[TOPOLOGY]", help="The topology, a JSON file.")] = None,
    instance: Annotated[str | None, typer.Option(help="The server of the volume's instance.")] = None,
    servers: Servers = None,
    devices: Annotated[int, typer.Option(min=0, metavar="N", help="List the N devices that matter most.")] = 10,
    time_limit_s: Limit = None,
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
    if topology is None or instance is None or not servers:
        raise BadInput("name a topology, --instance and --servers, or --figure-4.")
    from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich

    with effort("place", time_limit_s) as spent:
        site = read_topology(topology)
        cell = cell_of(site, servers)
        told = measured(site, instance, cell, devices, spent)
    unknown = told.pop("availability_unknown", None)
    if unknown is not None:
        say(f"physalia: {unknown}", to_stderr=True)
        return _NO_ANSWER
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "instance": instance, "servers": list(cell), **told})
        return 0
    how = f"to a relative error of {told['error']:.0e}, by {told['method']}"
    say(f"availability {nearly_one(told['unavailability'])}, unavailability {told['unavailability']:.3e} ({how})")
    say(*device_lines(told))
    return 0


def measured(site: "Topology", instance: str, servers: Sequence[str], devices: int, effort: "Effort") -> dict[str, Any]:
    """The availability of a cell and the devices that matter most, as plain data.

    Where there is no exact answer, or no time for one, ``availability_unknown`` says why instead.
    """
    from attrs import asdict  # noqa: PLC0415

    from physalia.placement.availability.estimator import Estimator, NotExact  # noqa: PLC0415  # brings numpy
    from physalia.placement.effort import OutOfTime  # noqa: PLC0415

    estimator = Estimator(site)
    try:
        if devices:
            found, weights = estimator.with_weights(instance, servers, effort)
        else:
            found, weights = estimator.of(instance, servers, effort=effort), []
    except NotExact as reason:
        return {"availability": None, "unavailability": None, "availability_unknown": str(reason)}
    except OutOfTime:
        return {
            "availability": None,
            "unavailability": None,
            "availability_unknown": "there was no time left for an exact answer.",
        }
    return {
        "availability": found.value,
        "unavailability": found.unavailability,
        "method": found.method,
        "error": found.error,
        "devices": [asdict(weight) for weight in weights[:devices]],
    }


def nearly_one(unavailability: float) -> str:
    """The availability with as many digits as show what is missing to 1."""
    digits = _DIGITS if unavailability <= 0 else max(_DIGITS, 2 - int(log10(unavailability)))
    if digits > _MOST_DIGITS:
        return f"1 - {unavailability:.3e}"
    return f"{1 - Decimal(unavailability):.{digits}f}"


def device_lines(told: dict[str, Any]) -> Iterator[str]:
    """The devices that matter, a line each."""
    for one in told["devices"]:
        yield (
            f"  {one['device']} ({one['kind']}) is down in {one['share']:.1%} of that; "
            f"while it is, unavailability {one['conditional']:.1e}"
        )


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
