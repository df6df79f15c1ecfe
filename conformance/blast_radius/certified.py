"""Certificates of the blast radius: each that is made stands, the checker counts as is defined, and no lie stands."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve

from conformance.blast_radius.every_set import EverySet
from conformance.blast_radius.sites import Case
from conformance.refutation import Refuted
from physalia.blast_radius.certificates import recount
from physalia.blast_radius.certificates.certificate import Counted, certificate, counts_alone
from physalia.blast_radius.certificates.check import check
from physalia.blast_radius.certificates.ground import Ground
from physalia.blast_radius.four import by_servers, monolith, own_servers, worst_group
from physalia.blast_radius.pairs import Worst, worst_pair
from physalia.blast_radius.singles import Volumes, harmed, singles
from physalia.blast_radius.triples import worst_triple
from physalia.fleet import files as fleets
from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from physalia.fleet.sites import Site
from physalia.placement.certificates import check as checker
from physalia.placement.certificates.certificate import dumps
from physalia.placement.effort import Effort
from physalia.placement.site import format as files
from physalia.placement.site.topology import Topology

SAMPLED, FEW, THREE = 128, 3, 3
"""Sets of failures that the checker counts; volumes of which the worst three devices are sought."""
LARGER_IS_TRUE = {"at_most"}
"""Where a larger number claims less, and may stand."""


def judge_certificate(case: Case, every: EverySet) -> Iterator[str]:
    """Make a certificate, check it, lie; Refuted where the checker counts or believes otherwise. Marks."""
    with tempfile.TemporaryDirectory() as folder:
        site, fleet = _written(case, Path(folder))
        contents = (Path(folder) / "site.json").read_bytes(), (Path(folder) / "fleet.npz").read_bytes()
    volumes = Volumes(site, fleet)
    if harmed(volumes):
        return
    try:
        made = _made(site, fleet, contents)
    except BadFleet:
        return
    try:
        check(dumps(made).encode(), *contents)
    except checker.Refused as refused:
        if "is not joined to the rest" in str(refused):
            return
        raise Refuted(f"a certificate does not stand: {refused}") from refused
    yield "a certificate that stands"
    yield from _counts(case, every, contents[0])
    for what, lie in (*lies(made), *_lesser(made, case)):
        try:
            check(dumps(lie).encode(), *contents)
        except checker.Refused:
            yield f"a lie about {what.split('.')[0]}"
        else:
            raise Refuted(f"the certificate stands though {what} is changed")


def _written(case: Case, folder: Path) -> tuple[Site, Fleet]:
    files.write(case.topology, folder / "site.json")
    site = Site.of(files.read(folder / "site.json"))
    fleet = case.fleet(site)
    fleets.write(fleet, site, folder / "fleet.npz")
    return site, fleet


def _made(
    site: Site, fleet: Fleet, contents: tuple[bytes, bytes], triple: Worst | None = None
) -> dict[str, Any]:  # fmt: skip
    stores, size = {}, fleet.cells.shape[1]
    group = worst_group(Volumes(site, fleet))
    for name, store in (("cells", fleet), *((name, monolith(site, size, fleet, near=name == "near"))
                                            for name in ("near", "spread"))):  # fmt: skip
        volumes = Volumes(site, store)
        four = by_servers(volumes, group.servers if name == "cells" else own_servers(volumes, len(group.servers)))
        stores[name] = Counted(volumes=volumes, alone=list(singles(volumes, Effort())), four=four)
    cells = stores["cells"]
    pair = worst_pair(cells.volumes, {one.devices[0]: one for one in cells.alone}, Effort())
    return certificate(*contents, stores, group, pair, triple)


def _counts(case: Case, every: EverySet, topology: bytes) -> Iterator[str]:
    """The checker's own counts, for some of the sets of failures, against the definition."""
    site = checker.Site(json.loads(topology))
    number = {name: at for at, name in enumerate(site.servers)}
    rows = [[number.get(one or "", recount.NOBODY) for one in (asked.instance, asked.primary, asked.replica,
                                                               *asked.cell)] for asked in case.volumes]  # fmt: skip
    volumes = recount.Volumes(Ground(site), np.array(rows, dtype=np.int32))
    fates = [every.fates(asked) for asked in case.volumes]
    for at in np.linspace(1, len(every.number) - 1, SAMPLED).astype(int).tolist():
        real = sum(int(one.unserved[at]) for one in fates), sum(int(one.blast[at]) for one in fates)
        found = volumes.under(every.names(at))
        if found != real:
            raise Refuted(f"when {', '.join(every.names(at))} fail the checker counts {found}, and it is {real}")
    yield "the checker's counts of sets"


def lies(made: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The certificate with one number off by one, in every place and both ways; and with others named."""
    for path, number in _numbers(made, ()):
        for more in (1, -1):
            if number + more < 0 or (path[-1] in LARGER_IS_TRUE and more > 0):
                continue
            lie = deepcopy(dict(made))
            inner: Any = lie
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = number + more
            yield ".".join(map(str, path)), lie


def _lesser(made: Mapping[str, Any], case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is worst left out, and something that does less called the worst."""
    for name in ("cells", "near", "spread"):
        worst = made[name]["worst"]
        harm = [(one["unserved"], one["blast"]) for one in worst]
        if harm and harm[0] > harm[-1]:
            yield f"{name}.worst", {**made, name: {**made[name], "worst": worst[1:]}}
    yield from _elsewhere(made, case)
    names = list(case.topology.servers)
    for what, size, least in (("pair", 2, made["cells"]["worst_unserved"]), ("four", len(made["four"]["servers"]), 0)):
        counts = {some: counted_by(case.topology, case.volumes, some) for some in combinations(names, size)}
        lesser = [
            (max(least, one[0]), some) for some, one in counts.items() if max(least, one[0]) < made[what]["at_most"]
        ]
        if lesser:
            bound, some = max(lesser)
            told = {**made[what], "unserved": counts[some][0], "at_most": bound}
            told |= {"devices": list(some), "blast": counts[some][1]} if what == "pair" else {"servers": list(some)}
            yield f"{what}.at_most", {**made, what: told}
        into = made[what].get("in_blast", {"at_most": 0})
        if into["at_most"]:
            some, (unserved, blast) = min(counts.items(), key=lambda item: item[1][1])
            told = {"devices": list(some), "unserved": unserved, "blast": blast, "at_most": into["at_most"] - 1}
            if blast < into["at_most"]:
                yield "two in blast", {**made, what: {**made[what], "in_blast": told}}


def _elsewhere(made: Mapping[str, Any], case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """One database whose cell is not where it is said to be, with the counts of that cell: harm is no excuse."""
    site = Site.of(case.topology)
    fleet, size = case.fleet(site), len(made["near"]["cell"])
    inhabited = {one.rack for one in case.topology.servers.values()}
    for name in ("near", "spread"):
        for cell in combinations(case.topology.servers, size):
            racks = [case.topology.servers[one].rack for one in cell]
            rows = {case.topology.row_of(rack) for rack in racks}
            if len(rows) == 1 if name == "near" else len({*racks}) == size or len(inhabited) < size:
                continue
            nodes = np.tile(np.array([site.number[one] for one in cell], dtype=np.int32), (len(fleet), 1))
            volumes = Volumes(site, fleet.with_cells(nodes))
            if not harmed(volumes):
                four = by_servers(volumes, cell[: size - size // 2])
                told = counts_alone(list(singles(volumes, Effort())))
                yield f"the cell {name}", {**made, name: {**told, "cell": list(cell), "unserved_of_four": four}}
                break


def _numbers(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], int]]:
    if isinstance(value, int):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _numbers(inner, (*path, at))


def judge_triple(case: Case, every: EverySet, most: int = FEW) -> Iterator[str]:
    """The worst three devices of so many volumes, in both senses: no three of these are worse, and they do so."""
    site = Site.of(case.topology)
    few = case.volumes[:most]
    fleet = case.fleet(site)
    volumes = Volumes(site, Fleet(fleet.clients[:most], fleet.cells[:most]))
    if harmed(volumes):
        return
    told = worst_triple(volumes, Effort())
    of_three = np.array([one.bit_count() == THREE for one in every.number.tolist()])
    fates = [every.fates(asked) for asked in few]
    for what, counts, bound in (
        ("unserved", np.sum([one.unserved for one in fates], axis=0), told.bound),
        ("in blast", np.sum([one.blast for one in fates], axis=0), told.blast_bound),
    ):
        most = int(counts[of_three].max())
        if most > bound:
            raise Refuted(f"three devices leave {most} volumes {what}, and the answer is {told}")
    for one in (told.worst, told.in_blast):
        real = counted_by(case.topology, few, one.devices)
        if not told.proven or (one.unserved, one.blast) != real:
            raise Refuted(f"{' and '.join(one.devices)} leave {real} volumes unserved and in blast: {told}")
    yield "the worst three devices"


def judge_certified_triple(case: Case) -> Iterator[str]:
    """A certificate of the worst three of some volumes stands, and none whose bound three devices break in a sense."""
    few = evolve(case, volumes=case.volumes[:FEW])
    with tempfile.TemporaryDirectory() as folder:
        site, fleet = _written(few, Path(folder))
        contents = (Path(folder) / "site.json").read_bytes(), (Path(folder) / "fleet.npz").read_bytes()
    if harmed(Volumes(site, fleet)):
        return
    try:
        Ground(checker.Site(json.loads(contents[0])))
        made = _made(site, fleet, contents, worst_triple(Volumes(site, fleet), Effort()))
    except (BadFleet, checker.Refused):  # in several pieces, of which there is no certificate
        return
    try:
        check(dumps(made).encode(), *contents)
    except checker.Refused as refused:
        raise Refuted(f"a certificate of three devices does not stand: {refused}") from refused
    yield "a certificate of three devices"
    idle = next(
        some for some in combinations(few.topology.servers, THREE)
        if counted_by(few.topology, few.volumes, some) == (0, 0)
    )  # fmt: skip
    nothing = {"devices": list(idle), "unserved": 0, "blast": 0}
    told = made["triple"]
    for what, harm, one in (("unserved", "unserved", told), ("in blast", "blast", told["in_blast"])):
        if not one[harm]:
            continue
        less = {**nothing, "at_most": one[harm] - 1}
        lie = {**less, "in_blast": told["in_blast"]} if harm == "unserved" else {**told, "in_blast": less}
        try:
            check(dumps({**made, "triple": lie}).encode(), *contents)
        except checker.Refused:
            yield f"a lie about three {what}"
        else:
            raise Refuted(f"a certificate stands that no three devices leave {one[harm]} volumes {what}")


def counted_by(topology: Topology, volumes: tuple[Any, ...], failed: tuple[str, ...]) -> tuple[int, int]:
    """How many volumes a set of failures leaves unserved, and puts into blast."""
    every = EverySet(topology, failed)
    fates = [every.fates(asked) for asked in volumes]
    return sum(int(one.unserved[-1]) for one in fates), sum(int(one.blast[-1]) for one in fates)
