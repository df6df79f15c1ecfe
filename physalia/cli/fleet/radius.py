"""What ``physalia blast-radius`` found, as plain data and as lines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from physalia.blast_radius.expectation import Expectation
    from physalia.blast_radius.four import Four
    from physalia.blast_radius.pairs import Worst
    from physalia.blast_radius.singles import Impact
    from physalia.blast_radius.triples import WorstThree

STORES = {"cells": "cells", "near": "one database in a row", "spread": "one database over the site"}


@frozen(kw_only=True)
class Found:
    """The counts, by store: the cells, and one database that is near or spread."""

    volumes: int
    alone: "Mapping[str, Sequence[Impact]]"
    four: Mapping[str, int]
    group: "Four"
    pair: "Worst | None"
    triple: "WorstThree | None"
    expected: "Mapping[str, Expectation]"


def document(found: Found, worst: int) -> dict[str, Any]:
    """As plain data."""
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
                "worst": [_impact(one) for one in sorted(some, reverse=True)[:worst]],
            }
            for name, some in found.alone.items()
        ],
        "four": {"servers": list(found.group.servers), "at_most": found.group.cells},
        "pair": _worst(found.pair, "pairs"),
        "triple": _triple(found.triple),
    }
    if found.expected:
        told["expected"] = [_expected(name, one, worst) for name, one in found.expected.items()]
    return told


def lines(found: Found, worst: int) -> tuple[str, ...]:
    """For people."""
    return tuple(_lines(found, worst))


def _impact(one: "Impact") -> dict[str, Any]:
    return {"devices": list(one.devices), "unserved": one.unserved, "blast": one.blast}


def _worst(one: "Worst | None", sets: str) -> dict[str, Any] | None:
    if one is None:
        return None
    return {**_impact(one.worst), "at_most": one.bound, sets: one.sets, "counted": one.counted}


def _triple(one: "WorstThree | None") -> dict[str, Any] | None:
    told = _worst(one, "triples")
    if one is None or told is None:
        return None
    return {**told, "in_blast": {**_impact(one.in_blast), "at_most": one.blast_bound}}


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


def _lines(found: Found, worst: int) -> Iterator[str]:
    for name, some in found.alone.items():
        unserved, blast = max((one.unserved for one in some), default=0), max((one.blast for one in some), default=0)
        yield (
            f"{STORES[name]}: of {found.volumes:,} volumes one device leaves at most {unserved:,} unserved and puts "
            f"{blast:,} into blast; {len(some):,} devices harm some. Four servers leave {found.four[name]:,} unserved."
        )
        for one in sorted(some, reverse=True)[:worst]:
            yield f"  {one.devices[0]}: {one.unserved:,} unserved, {one.blast:,} in blast"
    yield (
        f"no {len(found.group.servers)} servers leave more than {found.group.cells:,} volumes of the cells unserved: "
        f"so many cells share {', '.join(found.group.servers)}."
    )
    for many, sets, least in (("two", "pair", found.pair), ("three", "triple", found.triple)):
        if least is not None:
            yield _of_several(many, sets, least)
    if found.triple is not None:
        yield _into_blast(found.triple)
    for name, expected in found.expected.items():
        yield from _expected_lines(name, expected, worst)


def _of_several(many: str, sets: str, least: "Worst") -> str:
    is_worst = least.bound == least.worst.unserved
    proven = f"no {sets} is worse" if is_worst else f"no {sets} leaves more than {least.bound:,}, as far as is known"
    devices = " and ".join(least.worst.devices) or f"no {sets}"
    return (
        f"{many} devices: {devices} leave {least.worst.unserved:,} unserved, {least.worst.blast:,} in blast; {proven} "
        f"(of {least.sets:,} {sets}s {least.counted:,} were counted one by one)."
    )


def _into_blast(three: "WorstThree") -> str:
    most = three.in_blast.blast
    proven = (
        "no triple puts more into blast"
        if three.blast_bound == most
        else f"no triple puts more than {three.blast_bound:,} into blast, as far as is known"
    )
    devices = " and ".join(three.in_blast.devices) or "no triple"
    return f"three devices: {devices} put {most:,} into blast, {three.in_blast.unserved:,} unserved; {proven}."


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
