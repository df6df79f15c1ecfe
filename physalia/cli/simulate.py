"""``physalia simulate``: a zone over time, with everything that its authors simulated, and pictures of it."""

import os
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import BadInput
from physalia import outputs
from physalia.cli.options import Json, Limit, Seed, must_be_free
from physalia.cli.place.inputs import needs, read
from physalia.cli.place.told import EXIT_CODES, Told

if TYPE_CHECKING:
    from physalia.placement.effort import Effort
    from physalia.zone.plan import Plan
    from physalia.zone.scenario import Scenario

_MOST_DAYS, _MOST_RUNS = 36_525, 10_000

app = typer.Typer(
    help="Simulations: what a zone comes to over time, with bands of confidence.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _simulate() -> None:
    """A command of its own beside those that may come."""


@app.command()
def zone(
    scenario: Annotated[
        Path | None,
        typer.Option(help="What fails how often, and what is done about it: a TOML file over the shipped one."),
    ] = None,
    topology: Annotated[
        Path | None, typer.Option(help="A site, a JSON file; without one the scenario's is generated.")
    ] = None,
    fleet: Annotated[
        Path | None, typer.Option(help="Its volumes and cells, .npz or .json; goes with --topology.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")
    ] = None,
    days: Annotated[float, typer.Option(help="How long each run is.")] = 365.0,
    runs: Annotated[int, typer.Option(min=1, max=_MOST_RUNS, help="How many runs; bands need two.")] = 4,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the pictures to this file, one page.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep results in this file, and do not do again what it has.")
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Processes at a time; all cores if absent.")] = None,
    seed: Seed = 0,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Simulate a zone: devices fail and return, volumes fail over and mirror again, cells are repaired and follow.

    The same failures meet a cell for each volume and one database for all, in a row and over the site. Beside it: why
    seven nodes (availability, durability, latency, cost), what placement is worth, the load when routers fail, and the
    storm of 2011 with and without limits. docs/zone.md says what is assumed, and where each number comes from.

    The same seed makes the same results on any number of cores. Exit code 0: done; 2: bad input; 3: time ran out, and
    --resume goes on from there.
    """
    if not (isfinite(days) and 0 < days <= _MOST_DAYS):
        raise BadInput(f"--days is {days:g}, and must be above 0 and at most {_MOST_DAYS:,}.")
    if (topology is None) != (fleet is None):
        raise BadInput("--topology and --fleet go together: a fleet is one of its site.")
    must_be_free("--html", html, scenario, topology, fleet, policy, resume)
    must_be_free("--resume", resume, scenario, topology, fleet, policy)
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.placement.effort import OutOfTime  # noqa: PLC0415
        from physalia.zone import scenario as scenarios  # noqa: PLC0415
        from physalia.zone import work  # noqa: PLC0415  # brings numpy
        from physalia.zone.results import lines, report, study  # noqa: PLC0415

        with effort("zone", time_limit_s) as spent:
            given = scenarios.default() if scenario is None else scenarios.read(scenario)
            try:
                plan = _plan(given, topology, fleet, policy, days, runs, seed, spent)
                plan.check()
                results = work.work(work.Kept.of(plan, resume), spent, cores or os.cpu_count() or 1)
            except OutOfTime:
                again = "" if resume is None else f"; what was done is in {resume}, and the same command goes on"
                return Told(
                    {"complete": False, "seed": seed},
                    (f"time ran out{again} (seed {seed}).",),
                    EXIT_CODES["inconclusive"],
                ).printed(json=json)
            document = study.document(plan, results)
            pictures: tuple[str, ...] = ()
            if html is not None:
                _write(report.report(document), html)
                pictures = (f"{html}: the pictures",)
        return Told(document, (*lines.lines(document), *pictures), 0).printed(json=json)


def _plan(
    scenario: "Scenario", topology: Path | None, fleet: Path | None, policy: Path | None, days: float, runs: int,
    seed: int, effort: "Effort",
) -> "Plan":  # fmt: skip
    from physalia.fleet.files import read as read_fleet  # noqa: PLC0415  # brings numpy
    from physalia.fleet.rules import Rules  # noqa: PLC0415
    from physalia.fleet.sites import Site  # noqa: PLC0415
    from physalia.placement.rules import policy as policies  # noqa: PLC0415
    from physalia.zone.plan import Plan, generated, whole  # noqa: PLC0415

    if topology is None or fleet is None:
        given = policies.default() if policy is None else policies.read(policy)
        site, rules, cells = generated(scenario, given, seed, effort)
    else:
        read_topology, given = read(topology, policy)
        site = Site.of(read_topology)
        rules = Rules.of(site, given)
        cells = whole(read_fleet(fleet, site, given.cell_size))
        if not len(cells):
            raise BadInput(f"{fleet}: no volume of this fleet has a whole cell.")
    return Plan(scenario=scenario, site=site, rules=rules, fleet=cells, hours=days * 24, runs=runs, seed=seed)


def _write(page: str, file: Path) -> None:
    try:
        outputs.write({file: page.encode()})
    except OSError as error:
        raise BadInput(f"{file}: the page cannot be written: {error.strerror}.") from error
