"""``physalia fleet``: place many cells, refill, improve and move them, and tell what the fleet comes to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.fleet.best import best
from physalia.cli.fleet.printing import (
    moved_code,
    moved_json,
    moved_lines,
    plan_json,
    plan_lines,
    report_json,
    report_lines,
)
from physalia.cli.options import Json, Limit, Seed, must_be_free, put
from physalia.cli.place.cells import Servers, cell_of
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import REFUTED, Told

if TYPE_CHECKING:
    from physalia.fleet.fleet import Fleet
    from physalia.fleet.rules import Rules
    from physalia.fleet.sites import Site

app = typer.Typer(
    help="Many cells on one site: place them, refill, improve and move them, and tell how good that is.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command()(best)

INCONCLUSIVE = 3
_ANSWER_S = 10
"""So long a scheduler has to answer."""

TopologyFile = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")]
FleetFile = Annotated[Path, typer.Argument(metavar="FLEET", help="The fleet: columns, .npz, or .json.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write the fleet to: .npz or .json.")]
Written = Annotated[
    Path | None, typer.Option("--topology-output", help="Write the topology with the fleet's cells listed, too.")
]
Drain = Annotated[
    list[str] | None,
    typer.Option(help="Empty this server, or those of this rack, switch or element of power; may be repeated."),
]


@app.command()
def place(
    topology: TopologyFile,
    output: Output,
    volumes: Annotated[int | None, typer.Option(min=1, metavar="N", help="How many volumes are made up.")] = None,
    fill: Annotated[
        float | None, typer.Option(min=0, max=1, help="Or as many as take this share of the room; 0.9 if neither.")
    ] = None,
    policy: PolicyFile = None,
    topology_output: Written = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Processes at a time; all cores if absent.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Place on the workers of this scheduler of Dask, as tcp://HOST:PORT."),
    ] = None,
    seed: Seed = 0,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Make up volumes and place a cell for each, one after the other, under every rule; write the fleet to a file.

    The same seed makes the same volumes and the same fleet, on any number of cores. Exit code 0: every cell has a
    place; 1: some found none; 2: bad input; 3: time ran out, and nothing is written.
    """
    if volumes is not None and fill is not None:
        raise BadInput("--volumes and --fill: name one of them.")
    _may_write(output, topology_output, topology, policy)
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.fleet import Fleet  # noqa: PLC0415
        from physalia.fleet.shards import place as placed  # noqa: PLC0415
        from physalia.fleet.volumes import MOST_VOLUMES, made_up  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415

        with effort("fleet", time_limit_s) as spent:
            site, rules = _read(topology, policy)
            size = rules.policy.cell_size
            count = (
                volumes if volumes is not None else int((0.9 if fill is None else fill) * int(site.room.sum())) // size
            )
            if count > MOST_VOLUMES:
                raise BadInput(f"{topology}: {count:,} volumes are too many; --volumes is at most {MOST_VOLUMES:,}.")
            empty = Fleet.unplaced(made_up(site, count, seed), size)
            try:
                with _machines(scheduler) as machines:
                    fleet = placed(site, rules, empty, spent, cores or os.cpu_count() or 1, machines)
            except OutOfTime:
                return _out_of_time("nothing is written", json=json)
            _write(site, fleet, output, topology_output)
        found = int(fleet.placed.sum())
        document = {"fleet": str(output), "cells": count, "placed": found, "fill": fleet.fill(site), "seed": seed}
        line = f"{output}: {found:,} of {count:,} cells placed, {fleet.fill(site):.1%} full (seed {seed})"
        return Told(document, (line,), 0 if found == count else REFUTED).printed(json=json)


@app.command()
def refill(
    topology: TopologyFile,
    fleet: FleetFile,
    output: Output,
    drain: Drain = None,
    policy: PolicyFile = None,
    topology_output: Written = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Give every node a place that has none or must leave its server, with the fewest moves; the others stay.

    Servers that are drained are left, and those of --drain. Exit code 0: done; 1: for some cells there is no place, and
    they are as they were; 2: bad input; 3: for some no way was found, or time ran out, and then nothing is written.
    """
    _may_write(output, topology_output, topology, policy, fleet)
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.repair import emptied, repair, without  # noqa: PLC0415
        from physalia.fleet.rules import Rules  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415

        with effort("fleet", time_limit_s) as spent:
            site, rules = _read(topology, policy)
            cells = _fleet(fleet, site, rules)
            closed = without(site, {server for device in drain or () for server in emptied(site, device)})
            try:
                moved = list(repair(closed, Rules.of(closed, rules.policy), cells, spent))
            except OutOfTime:
                return _out_of_time("nothing is written", json=json)
            _write(site, cells, output, topology_output)
        document = {"fleet": str(output), **moved_json(site, cells, moved)}
        first, *others = moved_lines(site, cells, moved)
        return Told(document, (f"{output}: {first}", *others), moved_code(moved)).printed(json=json)


@app.command()
def improve(
    topology: TopologyFile,
    fleet: FleetFile,
    output: Output,
    rounds: Annotated[int, typer.Option(min=1, help="How often every cell is looked at.")] = 1,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates for each cell and round, as in the paper.")] = 20,
    policy: PolicyFile = None,
    topology_output: Written = None,
    seed: Seed = 0,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Swap nodes between cells where that makes them more available, exactly; write the fleet to a file.

    Exit code 0: done; 2: bad input; 3: time ran out, and what was improved until then is written.
    """
    _may_write(output, topology_output, topology, policy, fleet)
    with needs():
        from random import Random  # noqa: PLC0415

        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.shards import filled  # noqa: PLC0415
        from physalia.fleet.swaps import Swaps  # noqa: PLC0415
        from physalia.fleet.unavailability import Unavailability  # noqa: PLC0415

        with effort("fleet", time_limit_s) as spent:
            site, rules = _read(topology, policy)
            cells = _fleet(fleet, site, rules)
            swaps = Swaps(
                filled(site, rules, cells), cells, Unavailability(site), Random(seed), candidates  # noqa: S311
            )  # fmt: skip
            done = [swaps.round(spent)]
            while len(done) < rounds and not spent.is_over:
                done.append(swaps.round(spent))
            _write(site, cells, output, topology_output)
            over = spent.is_over
        tried, swapped = sum(one.tried for one in done), sum(one.swapped for one in done)
        near = [one for one in done if one.near_before]
        before, after = (near[0].mean_before, near[-1].mean_after) if near else (None, None)
        document = {
            "fleet": str(output), "rounds": len(done), "tried": tried, "swapped": swapped, "complete": not over,
            "mean_unavailability_before": before, "mean_unavailability": after, "seed": seed,
        }  # fmt: skip
        means = "" if before is None else f"; unavailable {before:.3g} in the mean before, {after:.3g} now"
        line = f"{output}: {swapped:,} of {tried:,} candidates swapped{means} (seed {seed})"
        return Told(document, (line,), INCONCLUSIVE if over else 0).printed(json=json)


@app.command()
def move(
    topology: TopologyFile,
    fleet: FleetFile,
    cell: Annotated[str, typer.Option(help="The cell that is to move.")],
    servers: Servers = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the fleet with the move made to this file.")
    ] = None,
    policy: PolicyFile = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Find the fewest single replacements from where a cell is to where it shall be, each of which keeps every rule.

    Without --servers it moves to the best place that there is for it now, in its own colour. Exit code 0: there is a
    way; 1: there is none; 2: bad input; 3: none was found, or time ran out.
    """
    _may_write(output, None, topology, policy)
    with needs():
        from physalia.cli.fleet.move import moved, target  # noqa: PLC0415  # brings numpy
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.files import write  # noqa: PLC0415
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415

        with effort("fleet", time_limit_s) as spent:
            site, rules = _read(topology, policy)
            cells = _fleet(fleet, site, rules)
            named = cell_of(site.topology, servers) if servers else None
            try:
                at, new = target(site, rules, cells, fleet, cell, named, spent)
                plan = moved(site, rules, cells, at, new, spent)
            except OutOfTime:
                return _out_of_time("no way was found so far", json=json)
            document, lines = plan_json(site, cell, new, plan), plan_lines(site, cell, new, plan)
            if plan.steps is None:
                code = REFUTED if plan.because == "exhausted" else INCONCLUSIVE
                return Told(document, lines, code).printed(json=json)
            if output is not None:
                cells.cells[at] = new
                write(cells, site, output)
        return Told(document, lines, 0).printed(json=json)


@app.command()
def report(
    topology: TopologyFile,
    fleet: FleetFile,
    policy: PolicyFile = None,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="List the N cells that are least available.")] = 5,
    sample: Annotated[
        int, typer.Option(min=0, metavar="N", help="Prove the best place of N cells, with checked certificates.")
    ] = 0,
    seed: Seed = 0,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Judge every cell by the rules, and tell how full and how available the fleet is, beside a bound that is proven.

    Exit code 0: every rule is kept; 1: some rule is broken; 2: bad input; 3: no cell has a place, or time
    ran out, with what was known then.
    """
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.fleet.report import report as judged  # noqa: PLC0415  # brings numpy and highspy

        with effort("fleet", time_limit_s) as spent:
            site, rules = _read(topology, policy)
            found = judged(
                site, rules, _fleet(fleet, site, rules), worst=worst, sample=sample, seed=seed, effort=spent
            )  # fmt: skip
        code = {"broken": REFUTED, "kept": 0, "inconclusive": INCONCLUSIVE}[found.verdict]
        return Told(report_json(found, seed), report_lines(found, seed), code).printed(json=json)


@contextmanager
def _machines(scheduler: str | None) -> Iterator[Any]:
    """A client of a scheduler of Dask, if there shall be one; BadInput or CannotRun if none answers or nobody works."""
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client  # noqa: PLC0415  # heavy, and an extra
    except ModuleNotFoundError as error:
        raise CannotRun("--scheduler needs the package distributed: pip install 'physalia[machines]'.") from error
    try:
        client = Client(scheduler, timeout=_ANSWER_S)
    except (OSError, ValueError) as error:
        raise BadInput(f"--scheduler {scheduler}: there is no scheduler of Dask that answers.") from error
    with client:
        if not client.nthreads():
            raise CannotRun(f"--scheduler {scheduler}: it has no workers. Start some there: dask worker {scheduler}")
        yield client


def _read(topology: Path, policy: Path | None) -> "tuple[Site, Rules]":
    from physalia.fleet.rules import Rules  # noqa: PLC0415  # brings numpy
    from physalia.fleet.sites import Site  # noqa: PLC0415

    given, rules = read(topology, policy)
    site = Site.of(given)
    return site, Rules.of(site, rules)


def _fleet(file: Path, site: "Site", rules: "Rules") -> "Fleet":
    from physalia.fleet.files import read as read_fleet  # noqa: PLC0415

    return read_fleet(file, site, rules.policy.cell_size)


def _may_write(
    output: Path | None, written: Path | None, topology: Path, policy: Path | None, fleet: Path | None = None
) -> None:
    """BadInput for a file that something else is in or that is called wrongly; a fleet may take its own place."""
    must_be_free("--output", output, topology, policy)
    must_be_free("--topology-output", written, topology, policy, fleet, output)
    if output is not None:
        with needs():
            from physalia.fleet.files import must_be_named  # noqa: PLC0415  # brings numpy

            must_be_named(output)
    if written is not None and output is not None and written.resolve() == output.resolve():
        raise BadInput(f"--topology-output {written}: the fleet is written there. Name another file.")


def _write(site: "Site", fleet: "Fleet", output: Path, topology: Path | None) -> None:
    """Write a fleet, and the topology with its cells if that is asked for: both, or none of them."""
    from physalia.fleet.files import content  # noqa: PLC0415  # brings numpy
    from physalia.fleet.fleet import written  # noqa: PLC0415
    from physalia.placement.site.format import dumps  # noqa: PLC0415

    files = {output: content(fleet, site, output)}
    put(files if topology is None else {**files, topology: dumps(written(site, fleet))})


def _out_of_time(what: str, *, json: bool) -> int:
    document: dict[str, Any] = {"complete": False}
    return Told(document, (f"time ran out: {what}.",), INCONCLUSIVE).printed(json=json)
