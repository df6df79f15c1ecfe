"""How fleets are printed: for people in lines, or as plain data."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attrs import asdict

if TYPE_CHECKING:
    from physalia.fleet.fleet import Fleet
    from physalia.fleet.moves import Plan
    from physalia.fleet.repair import Moved
    from physalia.fleet.report import Report
    from physalia.fleet.sites import Site

_SHOWN = 10
"""So many sentences about broken rules, and so many cells that are stuck, are spelled out."""

_STAYS = {
    "stuck": "no moves, of whatever cells, lead off while every rule is kept, for",
    "unknown": "no way was found, and not everything was tried, for",
}


def report_json(found: "Report", seed: int) -> dict[str, Any]:
    """A report as plain data: what `fleet report --json` prints beside the schema's version."""
    return {
        "verdict": found.verdict,
        "complete": found.complete,
        "cells": found.cells,
        "placed": found.placed,
        "fill": found.fill,
        "broken": dict(Counter(one.rule for one in found.broken)),
        "findings": [{"what": one.what, "rule": one.rule, "sentence": one.sentence} for one in found.broken],
        "mean_unavailability": found.mean,
        "computed": found.computed,
        "patterns": found.patterns,
        "unknown": found.unknown,
        "worst": [{"cell": name, "unavailability": value} for name, value in found.worst],
        "bound": None if found.bound is None else found.bound.mean,
        "gap": found.gap,
        "near": None if found.near is None else {**asdict(found.near), "gap": found.near.gap},
        "sample": [
            {
                "cell": one.cell,
                "cost": None if one.cost is None else asdict(one.cost),
                "best": None if one.best is None else asdict(one.best),
                "unavailability": one.unavailability,
                "best_unavailability": one.best_unavailability,
                "certified": one.certified,
            }
            for one in found.sample
        ],
        "seed": seed,
    }


def report_lines(found: "Report", seed: int) -> tuple[str, ...]:
    """A report for people."""
    return tuple(_report_lines(found, seed))


def _report_lines(found: "Report", seed: int) -> Iterator[str]:
    for one in found.broken[:_SHOWN]:
        yield f"{one.what}: rule {one.rule} is broken: {one.sentence}"
    if len(found.broken) > _SHOWN:
        yield f"and {len(found.broken) - _SHOWN:,} more."
    yield f"{found.placed:,} of {found.cells:,} cells have a place; the site is {found.fill:.1%} full."
    if not found.broken and not found.placed:
        yield "there is nothing to judge."
    else:
        yield "every rule is kept." if not found.broken else f"{len(found.broken):,} times a rule is broken."
    if found.mean is not None:
        yield (
            f"unavailable while the instance is up: {found.mean:.3g} in the mean of {found.computed:,} cells "
            f"({found.patterns:,} patterns computed)."
        )
    if found.unknown:
        yield f"of {found.unknown:,} cells there is no exact unavailability."
    if found.bound is not None:
        gap = "" if found.gap is None else f": the gap is {found.gap:.1%}"
        yield f"no fleet for these volumes is below {found.bound.mean:.3g} in the mean{gap}."
    if found.near is not None:
        gap = "" if found.near.gap is None else f": the gap is {found.near.gap:.1%}"
        yield (
            f"of the {found.near.cells:,} cells with all nodes near it is {found.near.mean:.3g}; no fleet that keeps "
            f"these near is below {found.near.bound:.3g}{gap}."
        )
    if found.worst:
        yield "the least available:"
        yield from (f"  {name}: {value:.3g}" for name, value in found.worst)
    if found.sample:
        certified = sum(one.certified for one in found.sample)
        yield (
            f"of a sample of {len(found.sample)} cells {found.at_their_best} are as available as at the best place "
            f"that there is for them now; {certified} certificates of that place were accepted (seed {seed})."
        )
    if not found.complete:
        yield "time ran out: there may be more."


def plan_json(site: "Site", cell: str, new: Sequence[int], plan: "Plan") -> dict[str, Any]:
    """A way as plain data: what `fleet move --json` prints."""
    steps = None if plan.steps is None else [
        {"away": site.names[one.away], "to": site.names[one.to]} for one in plan.steps
    ]  # fmt: skip
    return {
        "cell": cell,
        "servers": [site.names[one] for one in new],
        "differ": plan.differ,
        "steps": steps,
        "least": plan.least,
        "because": plan.because,
        "complete": True,
    }


def plan_lines(site: "Site", cell: str, new: Sequence[int], plan: "Plan") -> tuple[str, ...]:
    """A way for people."""
    goal = ", ".join(site.names[one] for one in new)
    if plan.steps is None:
        found = "there is no way" if plan.because == "exhausted" else "no way was found"
        tried = "all were tried" if plan.because == "exhausted" else "not all were tried"
        return (f"{cell}: {found} to {goal}, one node at a time, that keeps every rule: {tried}.",)
    if not plan.steps:
        return (f"{cell}: it is on {goal} already.",)
    why = {
        "counted": "none is shorter, since so many servers are new",
        "exhausted": "none is shorter: every way with fewer steps was tried",
        "unknown": "whether there is a shorter one is not known",
    }
    lines = [f"{cell}: {len(plan.steps)} steps to {goal}; {why[plan.because]}."]
    for at, one in enumerate(plan.steps, start=1):
        lines.append(f"  {at}. {site.names[one.to]} instead of {site.names[one.away]}")
    return tuple(lines)


def moved_json(site: "Site", fleet: "Fleet", moved: Sequence["Moved"]) -> dict[str, Any]:
    """What became of cells as plain data."""
    return {
        "complete": True,
        "affected": len(moved),
        "moved": sum(one.outcome == "moved" for one in moved),
        "steps": sum(len(one.moves or ()) for one in moved),
        "cells": [
            {
                "cell": fleet.name(one.cell),
                "outcome": one.outcome,
                "lost": [site.names[server] for server in one.lost],
                "steps": [
                    {
                        "cell": fleet.name(move.cell),
                        "away": site.names[move.away] if move.away >= 0 else None,
                        "to": site.names[move.to],
                    }
                    for move in one.moves or ()
                ],
                "least": one.least,
                "tried": one.tried,
            }
            for one in moved
        ],
    }


def moved_lines(site: "Site", fleet: "Fleet", moved: Sequence["Moved"]) -> tuple[str, ...]:
    """The same for people: a sum, the first moves, and which cells are stuck."""
    steps = sum(len(one.moves or ()) for one in moved)
    done = [one for one in moved if one.outcome == "moved"]
    if all(len(one.moves or ()) == len(one.lost) for one in done):
        proven = ", the fewest that there can be" if done else ""
    else:
        proven = ", for each cell the fewest, as it found the others" if all(one.least for one in done) else ""
    lines = [f"{len(moved):,} cells suffer; {len(done):,} of them move in {steps:,} steps{proven}."]
    for one in done[:_SHOWN]:
        ways = [
            f"{site.names[move.to]} instead of {site.names[move.away] if move.away >= 0 else 'nobody'}"
            + (f" for a node of {fleet.name(move.cell)}" if move.cell != one.cell else "")
            for move in one.moves or ()
        ]
        lines.append(f"  {fleet.name(one.cell)}: {', then '.join(ways) or 'it left with another cell that made room'}")
    if len(done) > _SHOWN:
        lines.append(f"  and {len(done) - _SHOWN:,} more")
    for outcome, said in _STAYS.items():
        names = [fleet.name(one.cell) for one in moved if one.outcome == outcome]
        if names:
            more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
            lines.append(f"{said} {', '.join(names[:_SHOWN])}{more}.")
    tried = [one.tried for one in moved if one.outcome == "unknown"]
    if tried:
        lines.append(f"of those every way of up to {min(tried)} to {max(tried)} moves was tried.")
    return tuple(lines)


def moved_code(moved: Sequence["Moved"]) -> int:
    """The exit code: 0 if all moved; 1 if there is no place for some, or else 3 if none was found."""
    outcomes = {one.outcome for one in moved}
    return 1 if "stuck" in outcomes else 3 if "unknown" in outcomes else 0
