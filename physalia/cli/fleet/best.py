"""``physalia fleet best``: the most available cell of one volume, with a proven gap, and what fewer hops cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput
from physalia.cli.options import Json, Limit
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import EXIT_CODES, REFUTED, Told

if TYPE_CHECKING:
    from physalia.fleet.best import Best
    from physalia.fleet.sites import Site


def best(
    topology: Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")],
    instance: Annotated[str, typer.Option(metavar="SERVER", help="The server of the volume's instance.")],
    primary: Annotated[str | None, typer.Option(metavar="SERVER", help="The server of its primary.")] = None,
    replica: Annotated[str | None, typer.Option(metavar="SERVER", help="The server of its replica.")] = None,
    fleet: Annotated[Path | None, typer.Option(metavar="FLEET", help="Beside the cells of this fleet.")] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")
    ] = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Find the most available cell of a volume, and for fewer hops to its nodes the most available one within them.

    Beside each stands what no such cell is below. Exit code 0: nothing is more available by more than 1 %; 1: there is
    no cell that keeps every rule; 2: bad input; 3: the gap is larger, time ran out, or nothing is exact.
    """
    with needs():
        import numpy as np  # noqa: PLC0415  # heavy

        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.best import SMALL, front  # noqa: PLC0415
        from physalia.fleet.files import read as read_fleet  # noqa: PLC0415
        from physalia.fleet.fleet import Fleet  # noqa: PLC0415
        from physalia.fleet.rules import NOBODY, Rules  # noqa: PLC0415
        from physalia.fleet.sites import Site  # noqa: PLC0415
        from physalia.placement.availability.estimator import NotExact  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415

        with effort("fleet", time_limit_s) as spent:
            given, rules = read(topology, policy)
            site = Site.of(given)

            def number(what: str, name: str | None) -> int:
                if name is not None and name not in site.number:
                    raise BadInput(f"{topology}: {what} {name}: there is no such server.")
                return NOBODY if name is None else site.number[name]

            volume = number("instance", instance), number("primary", primary), number("replica", replica)
            if replica is not None and primary == replica:
                why = "two copies are on two servers"
                raise BadInput(f"{topology}: --primary and --replica are both {replica}; {why}.")
            if replica is not None and primary is None:
                raise BadInput(f"{topology}: --replica {replica}: a volume with one copy has it as its --primary.")
            asked = Rules.of(site, rules)
            nobody = Fleet.unplaced(np.zeros((0, 3), dtype=np.int32), rules.cell_size)
            cells = nobody if fleet is None else read_fleet(fleet, site, rules.cell_size)
            try:
                found = list(front(site, asked, cells, volume, spent))
            except OutOfTime:
                return Told({"complete": False}, ("time ran out.",), EXIT_CODES["inconclusive"]).printed(json=json)
            except NotExact as reason:
                return Told({"complete": False}, (f"{instance}: {reason}",), EXIT_CODES["inconclusive"]).printed(
                    json=json
                )
        code = REFUTED if not found else 0 if found[-1].gap_to_any <= SMALL else EXIT_CODES["inconclusive"]
        return Told(_document(site, found), _lines(site, found), code).printed(json=json)


def _document(site: "Site", found: "Sequence[Best]") -> dict[str, Any]:
    return {
        "complete": True,
        "front": [
            {
                "within_hops": one.within, "hops": one.hops, "servers": [site.names[at] for at in one.servers],
                "unavailability": one.unavailability, "bound": one.bound, "gap": one.gap,
            }
            for one in found
        ],
        "gap": found[-1].gap_to_any if found else None,
    }  # fmt: skip


def _lines(site: "Site", found: "Sequence[Best]") -> tuple[str, ...]:
    if not found:
        return ("no cell that keeps every rule was found.",)
    lines = [
        f"within {one.within} hops: unavailable {one.unavailability:.4g}, {one.hops} hops together; no such cell is "
        f"below {one.bound:.4g}: the gap is {one.gap:.2%}."
        for one in found
    ]
    last = found[-1]
    names = ", ".join(site.names[at] for at in last.servers)
    return (*lines, f"the most available: {names}; no cell is better by more than {last.gap_to_any:.2%}.")
