"""``physalia blast-radius``: which volumes fall with the configuration store when devices fail, and that alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput
from physalia.cli.options import Json, Limit
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import EXIT_CODES, REFUTED, Told

if TYPE_CHECKING:
    from physalia.blast_radius.four import Four
    from physalia.blast_radius.pairs import WorstPair
    from physalia.blast_radius.singles import Impact

_CELLS, _NEAR, _SPREAD = "cells", "one database in a row", "one database over the site"


def blast_radius(
    topology: Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")],
    fleet: Annotated[Path, typer.Argument(metavar="FLEET", help="The fleet: columns, .npz, or .json.")],
    failures: Annotated[
        int, typer.Option(min=1, max=2, metavar="K", help="How many devices fail together: 1, or also 2.")
    ] = 1,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="List the N devices that harm most volumes.")] = 5,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")
    ] = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Count the volumes that each single device puts into blast or leaves unserved, and that four servers do at worst.

    Beside the cells stands one database for all volumes, in a row and over the site. Exit code 0: no single device puts
    a volume of the cells into blast; 1: one does; 2: bad input; 3: time ran out.
    """
    with needs():
        from physalia.blast_radius.four import by_servers, monolith, worst_group  # noqa: PLC0415  # brings numpy
        from physalia.blast_radius.pairs import worst_pair  # noqa: PLC0415
        from physalia.blast_radius.singles import Volumes, harmed, singles  # noqa: PLC0415
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.files import read as read_fleet  # noqa: PLC0415
        from physalia.fleet.sites import Site  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415

        with effort("blast radius", time_limit_s) as spent:
            given, rules = read(topology, policy)
            site = Site.of(given)
            cells = read_fleet(fleet, site, rules.cell_size)
            known = Volumes(site, cells)
            if not len(known.rows):
                raise BadInput(f"{fleet}: no volume of this fleet has a cell and a primary.")
            unharmed = harmed(known)
            if unharmed:
                raise BadInput(f"{fleet}: {unharmed:,} volumes are unserved though nothing has failed.")
            stores = {
                _CELLS: known,
                _NEAR: Volumes(site, monolith(site, rules.cell_size, cells, near=True)),
                _SPREAD: Volumes(site, monolith(site, rules.cell_size, cells, near=False)),
            }
            pair = None
            try:
                alone = {name: list(singles(one, spent)) for name, one in stores.items()}
                group = worst_group(known)
                four = {_CELLS: by_servers(known, group.servers)}
                for name in (_NEAR, _SPREAD):
                    own = [site.names[at] for at in stores[name].fleet.cells[0, : len(group.servers)].tolist()]
                    four[name] = by_servers(stores[name], tuple(own))
                if failures > 1:
                    pair = worst_pair(known, {one.devices[0]: one for one in alone[_CELLS]}, spent)
            except OutOfTime:
                return Told({"complete": False}, ("time ran out.",), EXIT_CODES["inconclusive"]).printed(json=json)
        told = _told(len(known.rows), alone, four, group, pair, worst)
        lines = tuple(_lines(len(known.rows), alone, four, group, pair, worst))
        code = REFUTED if any(one.blast for one in alone[_CELLS]) else 0
        code = code if pair is None or pair.proven else max(code, EXIT_CODES["inconclusive"])
        return Told(told, lines, code).printed(json=json)


def _told(
    volumes: int, alone: Mapping[str, Sequence["Impact"]], four: Mapping[str, int], group: "Four",
    pair: "WorstPair | None", worst: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "volumes": volumes,
        "complete": True,
        "stores": [
            {
                "store": name,
                "devices_that_harm": len(found),
                "worst_unserved_of_one": max((one.unserved for one in found), default=0),
                "worst_blast_of_one": max((one.blast for one in found), default=0),
                "unserved_of_four": four[name],
                "worst": [_impact(one) for one in sorted(found, reverse=True)[:worst]],
            }
            for name, found in alone.items()
        ],
        "four": {"servers": list(group.servers), "at_most": group.cells},
        "pair": None if pair is None else {
            **_impact(pair.worst), "at_most": pair.bound, "pairs": pair.pairs, "counted": pair.counted,
        },
    }  # fmt: skip


def _impact(one: "Impact") -> dict[str, Any]:
    return {"devices": list(one.devices), "unserved": one.unserved, "blast": one.blast}


def _lines(
    volumes: int, alone: Mapping[str, Sequence["Impact"]], four: Mapping[str, int], group: "Four",
    pair: "WorstPair | None", worst: int,
) -> Iterator[str]:  # fmt: skip
    for name, found in alone.items():
        unserved, blast = max((one.unserved for one in found), default=0), max((one.blast for one in found), default=0)
        yield (
            f"{name}: of {volumes:,} volumes one device leaves at most {unserved:,} unserved and puts {blast:,} into "
            f"blast; {len(found):,} devices harm some. Four servers leave {four[name]:,} unserved."
        )
        for one in sorted(found, reverse=True)[:worst]:
            yield f"  {one.devices[0]}: {one.unserved:,} unserved, {one.blast:,} in blast"
    yield (
        f"no {len(group.servers)} servers leave more than {group.cells:,} volumes of the cells unserved: so many cells "
        f"share {', '.join(group.servers)}."
    )
    if pair is not None:
        proven = "no pair is worse" if pair.proven else f"no pair leaves more than {pair.bound:,}, as far as is known"
        both = " and ".join(pair.worst.devices) or "no pair"
        yield (
            f"two devices: {both} leave {pair.worst.unserved:,} unserved, {pair.worst.blast:,} in blast; {proven} "
            f"(of {pair.pairs:,} pairs {pair.counted:,} were counted one by one)."
        )
