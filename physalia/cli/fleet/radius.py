"""What ``physalia blast-radius`` found, as plain data and as lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from physalia.blast_radius.expectation import Expectation
    from physalia.blast_radius.four import Four
    from physalia.blast_radius.pairs import Worst
    from physalia.blast_radius.singles import Impact
    from physalia.blast_radius.together import Harmed

Which = Callable[[str, tuple[str, ...]], "Sequence[Harmed]"]
"""Of a store, some of the volumes that devices harm together; none are asked for if there is no such function."""

COUNTED = {1: "One server leaves", 2: "Two servers leave", 3: "Three servers leave", 4: "Four servers leave"}
STORES = {"cells": "cells", "near": "one database in a row", "spread": "one database over the site"}


@frozen(kw_only=True)
class Found:
    """The counts, by store: the cells, and one database that is near or spread."""

    volumes: int
    alone: "Mapping[str, Sequence[Impact]]"
    four: Mapping[str, int]
    group: "Four"
    pair: "Worst | None"
    triple: "Worst | None"
    expected: "Mapping[str, Expectation]"


def document(found: Found, worst: int, which: Which | None = None) -> dict[str, Any]:
    """As plain data; with the volumes that each set harms, as far as ``which`` names them."""
    told: dict[str, Any] = {
        "volumes": found.volumes,
        "complete": True,
        "stores": [
            {
                "store": STORES[name],
                "devices_that_harm": len(some),
                "worst_unserved_of_one": max((one.unserved for one in some), default=0),
                "worst_blast_of_one": max((one.blast for one in some), default=0),
                "unserved_of_four": found.four[name],
                "worst": [_impact(one, which, name) for one in _listed(some, worst)],
            }
            for name, some in found.alone.items()
        ],
        "four": {
            "servers": list(found.group.servers),
            "at_most": found.group.cells,
            **_named(which, "cells", found.group.servers),
        },
        "pair": _worst(found.pair, "pairs", which),
        "triple": _worst(found.triple, "triples", which),
    }
    if found.expected:
        told["expected"] = [_expected(name, one, worst) for name, one in found.expected.items()]
    return told


def lines(found: Found, worst: int, which: Which | None = None) -> tuple[str, ...]:
    """For people."""
    return tuple(_lines(found, worst, which))


def _listed(some: "Sequence[Impact]", worst: int) -> "list[Impact]":
    """The devices that leave most unserved; and, if it is none of them, the one that puts most into blast."""
    listed = sorted(some, reverse=True)[:worst]
    into = max(some, key=lambda one: (one.blast, one), default=None)
    if listed and into is not None and into.blast > max(one.blast for one in listed):
        listed.append(into)
    return listed


def _impact(one: "Impact", which: Which | None = None, store: str = "cells") -> dict[str, Any]:
    told = {"devices": list(one.devices), "unserved": one.unserved, "blast": one.blast}
    return {**told, **_named(which, store, one.devices)}


def _named(which: Which | None, store: str, devices: tuple[str, ...]) -> dict[str, Any]:
    if which is None:
        return {}
    return {"volumes": [{"cell": one.cell, "blast": one.blast} for one in which(store, devices)]}


def _worst(one: "Worst | None", sets: str, which: Which | None) -> dict[str, Any] | None:
    if one is None:
        return None
    in_blast = {**_impact(one.in_blast, which), "at_most": one.blast_bound}
    told = {**_impact(one.worst, which), "at_most": one.bound, sets: one.sets, "counted": one.counted}
    return {**told, "in_blast": in_blast}


def _expected(name: str, one: "Expectation", worst: int) -> dict[str, Any]:
    unserved, blast = one.at_any_moment
    return {
        "store": STORES[name],
        "unserved": unserved,
        "blast": blast,
        "looked_at": one.looked_at,
        "events": [
            {
                "event": struck.event.name, "a_year": struck.event.a_year, "source": struck.event.source,
                "unserved": struck.mean[0], "blast": struck.mean[1],
                "unserved_at_worst": struck.worst[0], "blast_at_worst": struck.worst[1],
            }
            for struck in one.struck
        ],
        "fix_first": [{"device": device, "unserved": less} for device, less in one.first[:worst]],
    }  # fmt: skip


def _lines(found: Found, worst: int, which: Which | None) -> Iterator[str]:
    size = len(found.group.servers)
    servers = COUNTED.get(size, f"{size} servers leave")
    for name, some in found.alone.items():
        unserved, blast = max((one.unserved for one in some), default=0), max((one.blast for one in some), default=0)
        yield (
            f"{STORES[name]}: of {found.volumes:,} volumes one device leaves at most {unserved:,} unserved and puts "
            f"{blast:,} into blast; {len(some):,} devices harm some. {servers} {found.four[name]:,} unserved."
        )
        for one in _listed(some, worst):
            yield f"  {one.devices[0]}: {one.unserved:,} unserved, {one.blast:,} in blast"
            yield from _volumes(which, name, one.devices)
    yield (
        f"no {len(found.group.servers)} servers leave more than {found.group.cells:,} volumes of the cells unserved: "
        f"so many cells share {', '.join(found.group.servers)}."
    )
    yield from _volumes(which, "cells", found.group.servers)
    for many, sets, least in (("two", "pair", found.pair), ("three", "triple", found.triple)):
        if least is not None:
            yield _of_several(many, sets, least)
            yield from _volumes(which, "cells", least.worst.devices)
            if least.in_blast.devices or not least.proven:
                yield _into_blast(many, sets, least)
            yield from _volumes(which, "cells", least.in_blast.devices)
    for name, expected in found.expected.items():
        yield from _expected_lines(name, expected, worst)


def _of_several(many: str, sets: str, least: "Worst") -> str:
    if not least.worst.devices and least.proven:
        return f"{many} devices: no {sets} leaves any volume unserved (of {least.sets:,} {sets}s)."
    is_worst = least.bound == least.worst.unserved
    proven = f"no {sets} is worse" if is_worst else f"no {sets} leaves more than {least.bound:,}, as far as is known"
    devices = " and ".join(least.worst.devices) or f"no {sets}"
    return (
        f"{many} devices: {devices} leave {least.worst.unserved:,} unserved, {least.worst.blast:,} in blast; {proven} "
        f"(of {least.sets:,} {sets}s {least.counted:,} were counted one by one)."
    )


def _into_blast(many: str, sets: str, least: "Worst") -> str:
    most = least.in_blast.blast
    proven = (
        f"no {sets} puts more into blast"
        if least.blast_bound == most
        else f"no {sets} puts more than {least.blast_bound:,} into blast, as far as is known"
    )
    devices = " and ".join(least.in_blast.devices) or f"no {sets}"
    return f"{many} devices: {devices} put {most:,} into blast, {least.in_blast.unserved:,} unserved; {proven}."


def _volumes(which: Which | None, store: str, devices: tuple[str, ...]) -> Iterator[str]:
    """The volumes that these devices harm, as far as they are named, on a line."""
    named = () if which is None or not devices else which(store, devices)
    if named:
        yield "    " + ", ".join(f"{one.cell} (in blast)" if one.blast else one.cell for one in named)


def _expected_lines(name: str, expected: "Expectation", worst: int) -> Iterator[str]:
    unserved, blast = expected.at_any_moment
    yield (
        f"{STORES[name]}, at any moment: {unserved:.3g} volumes unserved and {blast:.3g} in blast are to be expected "
        f"(device failures, two at a time; {expected.looked_at:,} volumes were looked at)."
    )
    for struck in expected.struck:
        yield (
            f"  {struck.event.name}, {struck.event.a_year:g} a year: {struck.mean[0]:.3g} unserved in the mean, "
            f"{struck.worst[0]:.3g} at worst"
        )
    for device, less in expected.first[:worst]:
        yield f"  fix first {device}: without its failures {less:.2g} fewer would be unserved at any moment"
