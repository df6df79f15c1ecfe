"""``physalia blast-radius``: which volumes fall with the configuration store when devices fail, and that alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput
from physalia.cli.fleet.radius import STORES, Found, Which, document, lines
from physalia.cli.options import Json, Limit, must_be_free
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import EXIT_CODES, REFUTED, Told, write_certificate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from physalia.blast_radius.singles import Volumes
    from physalia.fleet.fleet import Fleet
    from physalia.fleet.sites import Site
    from physalia.placement.effort import Effort

MOST_FAILURES = 3


def blast_radius(
    topology: Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")],
    fleet: Annotated[Path, typer.Argument(metavar="FLEET", help="The fleet: columns, .npz, or .json.")],
    failures: Annotated[
        int, typer.Option(min=1, metavar="K", help="How many devices fail together: 1, or also 2, or also 3.")
    ] = 1,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="List the N devices that harm most volumes.")] = 5,
    names: Annotated[
        int, typer.Option(min=0, metavar="N", help="Name up to N of the volumes that each listed set harms.")
    ] = 0,
    expected: Annotated[
        bool,
        typer.Option("--expected", help="Tell what to expect by published figures, and the N devices to fix first."),
    ] = False,
    cert: Annotated[
        Path | None, typer.Option("--cert", metavar="FILE", help="Write a certificate of the counts to this file.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="CERT", help="Count nothing; check this certificate of the fleet.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")
    ] = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Count the volumes that each single device puts into blast or leaves unserved, and that four servers do at worst.

    Beside the cells stands one database for all volumes, in a row and over the site. Exit code 0: no single device puts
    a volume of the cells into blast; 1: one does; 2: bad input; 3: time ran out, or there is no certificate of this
    site that stands, and --cert asked for one. With --check, 0: the certificate stands; 1: it does not.
    """
    if check is not None and cert is not None:
        raise BadInput("--check counts nothing, so there is nothing that --cert could write: name one of them.")
    must_be_free("--cert", cert, topology, fleet, policy)
    with needs():
        if check is not None:
            return _check(check, topology, fleet, json=json)
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.files import read as read_fleet  # noqa: PLC0415  # brings numpy
        from physalia.fleet.sites import Site  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415

        with effort("blast radius", time_limit_s) as spent:
            given, rules = read(topology, policy)
            site = Site.of(given)
            cells = read_fleet(fleet, site, rules.cell_size)
            stores = _stores(topology, fleet, site, cells, rules.cell_size, failures)
            try:
                found = _count(stores, failures, spent, expected=expected)
            except OutOfTime:
                return Told({"complete": False}, ("time ran out.",), EXIT_CODES["inconclusive"]).printed(json=json)
            noted = None if cert is None else _certified(cert, topology, fleet, stores, found)
        which = _which(stores, names) if names else None
        told, said = document(found, worst, which), lines(found, worst, which)
        if noted is not None:
            told, said = (
                {**told, "certificate": {"file": str(cert), "stands": not noted}},
                (*said, noted or f"{cert}: the certificate of this, which stands."),
            )
        code = REFUTED if any(one.blast for one in found.alone["cells"]) else 0
        proven = not noted and all(one is None or one.proven for one in (found.pair, found.triple))
        return Told(told, said, code if proven else max(code, EXIT_CODES["inconclusive"])).printed(json=json)


def _stores(
    topology: Path, file: Path, site: "Site", fleet: "Fleet", cell_size: int, failures: int
) -> "dict[str, Volumes]":  # fmt: skip
    """The cells, and one database for all, near and spread; BadInput if there is nothing to count."""
    from physalia.blast_radius.four import monolith  # noqa: PLC0415
    from physalia.blast_radius.singles import Volumes, harmed  # noqa: PLC0415

    known = Volumes(site, fleet)
    own = sum(1 + len(one.switches) for one in site.topology.servers.values())
    devices = sum(1 for _ in known.network.devices()) + own
    if failures > devices:
        raise BadInput(f"{topology}: --failures {failures}: this site has {devices:,} devices, and no more can fail.")
    if failures > MOST_FAILURES:
        raise BadInput(
            f"{topology}: --failures {failures}: sets of more than {MOST_FAILURES} devices are not counted; "
            "what the worst servers do that take a majority is told always."
        )
    if not len(known.rows):
        raise BadInput(f"{file}: no volume of this fleet has a cell and a primary.")
    if unharmed := harmed(known):
        raise BadInput(f"{file}: {unharmed:,} volumes are unserved though nothing has failed.")
    stores = {"cells": known}
    for name in ("near", "spread"):
        stores[name] = one = Volumes(site, monolith(site, cell_size, fleet, near=name == "near"))
        if unharmed := harmed(one):
            raise BadInput(
                f"{topology}: {STORES[name]} leaves {unharmed:,} volumes unserved though nothing has failed, so there "
                "is nothing to compare: the site is in several pieces."
            )
    return stores


def _which(stores: "Mapping[str, Volumes]", most: int) -> Which:
    """Which volumes of a store some devices harm, up to so many."""
    from physalia.blast_radius.together import harmed_by  # noqa: PLC0415

    return lambda store, devices: harmed_by(stores[store], devices, most)


def _count(stores: "Mapping[str, Volumes]", failures: int, spent: "Effort", *, expected: bool) -> Found:
    from physalia.blast_radius.expectation import expectation  # noqa: PLC0415
    from physalia.blast_radius.four import by_servers, own_servers, worst_group  # noqa: PLC0415
    from physalia.blast_radius.pairs import worst_pair  # noqa: PLC0415
    from physalia.blast_radius.singles import singles  # noqa: PLC0415
    from physalia.blast_radius.triples import worst_triple  # noqa: PLC0415

    cells = stores["cells"]
    alone = {name: list(singles(one, spent)) for name, one in stores.items()}
    group = worst_group(cells)
    four = {"cells": by_servers(cells, group.servers)}
    for name in ("near", "spread"):
        four[name] = by_servers(stores[name], own_servers(stores[name], len(group.servers)))
    by_name = {one.devices[0]: one for one in alone["cells"]}
    return Found(
        volumes=len(cells.rows),
        alone=alone,
        four=four,
        group=group,
        pair=worst_pair(cells, by_name, spent) if failures > 1 else None,
        triple=worst_triple(cells, spent) if failures == MOST_FAILURES else None,
        expected={name: expectation(one, spent) for name, one in stores.items()} if expected else {},
    )


def _certified(
    cert: Path, topology: Path, fleet: Path, stores: "Mapping[str, Volumes]", found: Found
) -> str:  # fmt: skip
    """Write the certificate, and check it; empty if it stands, else why there is none."""
    from physalia.blast_radius.certificates.certificate import Counted, certificate  # noqa: PLC0415
    from physalia.blast_radius.certificates.check import check as judge  # noqa: PLC0415
    from physalia.placement.certificates.certificate import dumps  # noqa: PLC0415
    from physalia.placement.certificates.check import Refused  # noqa: PLC0415

    contents = topology.read_bytes(), fleet.read_bytes()
    counted = {
        name: Counted(volumes=one, alone=found.alone[name], four=found.four[name]) for name, one in stores.items()
    }  # fmt: skip
    made: dict[str, Any] = certificate(*contents, counted, found.group, found.pair, found.triple)
    for trial in (made, _without_bound(made, "triple"), _without_bound(made, "triple", "pair")):
        try:
            judge(dumps(trial).encode(), *contents)
        except Refused as refused:
            why = str(refused)
        else:
            write_certificate(trial, cert)
            return ""
    return f"{cert}: no certificate is written: {why}."


def _without_bound(made: dict[str, Any], *sets: str) -> dict[str, Any]:
    """The same where of sets of several only one is told, for sites on which it costs too much to check the worst."""
    found, everybody = dict(made), {"at_most": made["fleet"]["volumes"]}
    for key in sets:
        if key in made:
            found[key] = {**made[key], **everybody}
            if "in_blast" in made[key]:
                found[key]["in_blast"] = {**made[key]["in_blast"], **everybody}
    return found


def _check(cert: Path, topology: Path, fleet: Path, *, json: bool) -> int:
    from physalia.blast_radius.certificates.check import check as judge  # noqa: PLC0415
    from physalia.placement.certificates.check import Refused  # noqa: PLC0415

    contents = []
    for file in (cert, topology, fleet):
        try:
            contents.append(file.read_bytes())
        except OSError as error:
            raise BadInput(f"{file}: cannot be read: {error.strerror}.") from error
    try:
        stands, reason = True, judge(*contents)
    except Refused as refused:
        stands, reason = False, str(refused)
    said = f"the certificate stands: {reason}." if stands else f"refused: {reason}."
    document = {"verdict": "stands" if stands else "refused", "reason": reason}
    return Told(document, (said,), 0 if stands else REFUTED).printed(json=json)
