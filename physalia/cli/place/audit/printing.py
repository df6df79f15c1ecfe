"""How an audit is printed: what is wrong, cell by cell, and what it comes to; or every finding as plain data."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import asdict

from physalia.cli.place.printing import cost_words
from physalia.placement.audit.cells import Audit, Finding
from physalia.placement.availability.estimator import Availability
from physalia.placement.site.topology import Topology

_NAMED = 3
"""So many failures of one cell are spelled out."""


def audit_json(site: Topology, found: Audit) -> dict[str, Any]:
    """An audit as plain data: what `place audit --json` prints beside the schema's version."""
    broken = Counter(rule for one in found.findings for rule in {each.rule for each in one.broken})
    return {
        "topology": site.name,
        "verdict": found.verdict,
        "cells": found.cells,
        "judged": len(found.findings),
        "complete": found.complete,
        "broken": dict(broken),
        "findings": [_finding_json(one) for one in found.findings],
    }


def _finding_json(one: Finding) -> dict[str, Any]:
    cell = one.cell
    clients = {client: getattr(cell, client) for client in ("instance", "primary", "replica")}
    failures = None
    if one.failures is not None:
        failures = [{"device": loss.device, "lost": list(loss.lost)} for loss in one.failures]
    told: dict[str, Any] = {
        "cell": cell.name,
        "servers": list(cell.servers),
        "clients": {client: server for client, server in clients.items() if server is not None},
        "broken": [{"rule": each.rule, "sentence": each.sentence} for each in one.broken],
        "unjudged": list(one.unjudged),
        "failures": failures,
        **_available(one.availability),
        "cost": None if one.cost is None else asdict(one.cost),
        "best": None,
    }
    if one.unknown:
        told["availability_unknown"] = one.unknown
    if one.best is not None:
        told["best"] = {
            "cost": asdict(one.best), "servers": list(one.best_servers), **_available(one.best_availability)
        }  # fmt: skip
    return told


def _available(found: Availability | None) -> dict[str, float | None]:
    return {
        "availability": None if found is None else found.value,
        "unavailability": None if found is None else found.unavailability,
    }


def audit_lines(found: Audit, worst: int) -> Iterator[str]:
    """An audit for people: what is wrong with which cell, then the sums."""
    for one in found.findings:
        yield from _wrong(one)
    judged = found.findings
    breaking = sum(bool(one.broken) for one in judged)
    what = _breaks(breaking) if judged else "of none anything is known" if found.cells else "there is nothing to judge"
    yield f"{len(judged):,} of {found.cells:,} cells were judged: {what}."
    with_client = [one for one in judged if one.failures is not None]
    if with_client:
        yield from _sums(with_client)
        yield from _least_available(with_client, worst)
    without = Counter(rule for one in judged for rule in one.unjudged)
    for rule, cells in without.items():
        yield f"not judged: rule {rule} of {cells:,} cells, since the topology does not name the clients it speaks of."
    unnamed = len(judged) - len(with_client)
    if unnamed:
        yield (
            f"not judged: failures, availability and best place of {unnamed:,} cells whose instance the topology "
            'does not name; "instance": "SERVER" beside their servers does.'
        )
    if not found.complete:
        yield f"time ran out: {found.cells - len(judged):,} cells were not judged."


def _wrong(one: Finding) -> Iterator[str]:
    name = one.cell.name
    for broken in one.broken:
        yield f"{name}: rule {broken.rule} is broken: {broken.sentence}"
    failures = one.failures or ()
    for loss in failures[:_NAMED]:
        yield f"{name}: if {loss.device} fails, the instance is up but does not reach {', '.join(loss.lost)}."
    if len(failures) > _NAMED:
        yield f"{name}: and {len(failures) - _NAMED} more failures that it does not survive."
    if one.unknown:
        yield f"{name}: availability: {one.unknown}"


def _sums(judged: list[Finding]) -> Iterator[str]:
    lost, better = sum(bool(one.failures) for one in judged), sum(one.could_be_better for one in judged)
    asked = any(one.best is not None for one in judged)
    best = f"; {better:,} could be in a better place" if asked else ""
    yield f"of {len(judged):,} with a client {lost:,} do not survive every single failure{best}."
    known = [one.availability.unavailability for one in judged if one.availability is not None]
    if known:
        mean, most = sum(known) / len(known), max(known)
        yield f"unavailable while the instance is up: {mean:.3g} in the mean, {most:.3g} at worst."


def _least_available(judged: list[Finding], worst: int) -> Iterator[str]:
    known = [(one.availability.unavailability, one) for one in judged if one.availability is not None]
    ranked = sorted(known, key=lambda pair: (-pair[0], pair[1].cell.name))[:worst]
    if ranked:
        yield "the least available:"
    for unavailability, one in ranked:
        now = "no cost, since a client does not reach a node" if one.cost is None else cost_words(one.cost)
        yield f"  {one.cell.name}: unavailability {unavailability:.3g}: {now}"
        if one.best is not None and one.could_be_better:
            there = one.best_availability
            told = "" if there is None else f"unavailability {there.unavailability:.3g}: "
            yield f"    at its best {told}{cost_words(one.best)}"


def _breaks(count: int) -> str:
    if not count:
        return "every rule is kept"
    return f"{count:,} {'breaks' if count == 1 else 'break'} a rule"
