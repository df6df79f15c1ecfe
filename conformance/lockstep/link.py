"""The link ``lockstep``: the running cell, in a simulated world, beside the specification, step by step.

Each campaign is a world of some size with some alpha. It is driven twice: by the seeded random driver, which gets far,
and by the Hypothesis machine, which looks into corners. What is refuted is shrunk, told as a scenario, and kept with a
script that replays it. A campaign that did not reach what it is for is inconclusive, whatever else it showed.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic

from attrs import Factory, define, evolve, field, frozen

from conformance.database import link as database
from conformance.guided import part as rare
from conformance.judges.coverage import Coverage
from conformance.leases import link as leases
from conformance.links import BadInput, Failure, LinkReport, Progress, Row, Settings, Verdict
from conformance.lockstep import machine as rules
from conformance.lockstep import mixed, replay
from conformance.lockstep.campaigns import CAMPAIGNS, Amount, Campaign
from conformance.lockstep.drive import drive
from conformance.lockstep.guided.ground import ground
from conformance.lockstep.play import Play
from conformance.lockstep.shortest import shortest
from conformance.lockstep.shrink import Finding
from conformance.world.cells import MakeNode
from physalia.cell import Node


@define
class _Tally:
    """What the runs of one campaign add up to. States are counted by their hashes: nothing is merged by them."""

    coverage: Coverage = Factory(Coverage)
    runs: int = 0
    steps: int = 0
    states: set[int] = Factory(set)
    edges: set[tuple[int, int]] = Factory(set)
    started: float = field(factory=monotonic)

    def add(self, played: Play) -> None:
        """Another run held."""
        self.runs += 1
        self.steps += played.steps
        self.states |= played.state_hashes
        self.edges |= played.edge_hashes


TELL_EVERY = 64
"""After so many events of a run it is told how far it is."""


@frozen
class _Within:
    """Tells how far the run of this number is, which may be long: steps of all runs so far, and slots of this one."""

    name: str
    run: int
    tally: _Tally
    progress: Progress

    def __call__(self, played: Play) -> None:
        if len(played.happened) % TELL_EVERY == 0:
            slots = max(len(cell.known) for cell in played.world.nodes.values())
            self.progress.update(self.name, self.tally.steps + played.steps, f"steps, run {self.run} at slot {slots:,}")


def run(
    settings: Settings,
    progress: Progress,
    make_node: MakeNode = Node,
    runs_folder: Path = replay.RUNS,
    *,
    patience: int | None = None,
) -> LinkReport:
    """Run the profile's campaigns, all or the named ones. The first refutation ends it.

    Runs are added while a campaign has not met all that it must, up to `patience` times as many if that is given.
    """
    started = monotonic()
    chosen = _choose(settings)
    rows: list[Row] = []
    failures: list[Failure] = []
    parts: list[Callable[[], tuple[Row, Failure | None]]] = []
    beside = BESIDE if make_node is Node else {}
    parts += [partial(part, settings, progress) for name, part in beside.items() if name in (settings.models or beside)]
    parts += [partial(_run, campaign, settings, progress, make_node, runs_folder, patience) for campaign in chosen]
    if rare.is_wanted(settings):
        grounds = ground(make_node, runs_folder, settings.shrink_s)
        parts.append(partial(rare.part, grounds, "lockstep", settings, progress))
    for part in parts:
        row, failure = part()
        rows.append(row)
        progress.finish(row.name, f"{row.verdict}: {row.note}")
        if failure is not None:
            failures.append(failure)
            if failure.verdict is Verdict.REFUTED:
                break
    return LinkReport.of("lockstep", rows, failures, models=len(rows), seconds=monotonic() - started)


BESIDE = {leases.NAME: leases.contests, mixed.NAME: mixed.runs, **database.PARTS}
"""What has judges of its own, and says nothing of another cell than ours."""


def _choose(settings: Settings) -> tuple[Campaign, ...]:
    names, profile = settings.models, settings.profile
    known = [campaign.name for campaign in CAMPAIGNS if profile in campaign.amounts]
    others = (*BESIDE, *((rare.NAME,) if profile in rare.PROFILES else ()))
    for name in names:
        if name not in (*known, *others):
            names_known = ", ".join(map(repr, (*known, *others)))
            raise BadInput(f"the lockstep has no campaign {name!r} in the profile {profile}; it has {names_known}")
    return tuple(campaign for campaign in CAMPAIGNS if campaign.name in (names or known))


def _run(
    campaign: Campaign,
    settings: Settings,
    progress: Progress,
    make_node: MakeNode,
    runs_folder: Path,
    patience: int | None,
) -> tuple[Row, Failure | None]:
    tally, amount = _Tally(), campaign.amounts[settings.profile]
    if patience is not None:
        amount = evolve(amount, most_runs=min(amount.most_runs, patience * amount.runs))
    finding = _drive(campaign, amount, settings.seed, tally, progress, make_node)
    if finding is None and amount.scenarios > 0:
        finding = _explore(campaign, amount, settings.seed, tally, progress, make_node)
    missing = tally.coverage.missing(campaign.marks)
    note = f"{tally.runs} scenarios, seed {settings.seed}"
    failure: Failure | None = None
    verdict = Verdict.HOLDS
    if finding is not None:
        verdict = Verdict.REFUTED

        def told(tried: int, events: int) -> None:
            progress.update(campaign.name, tried, f"tries to shorten {events} events")

        finding = shortest(finding, make_node, settings.shrink_s, told)
        failure = replay.failure(campaign.name, finding, make_node, runs_folder)
    elif missing:
        verdict = Verdict.INCONCLUSIVE
        failure = Failure(
            title=f"{campaign.name}: nothing was refuted, but some things never happened, so nothing was shown of them",
            verdict=verdict,
            lines=tuple(f"never: {mark}" for mark in missing),
            replay=f"physalia verify lockstep --seed {settings.seed}",
        )
    row = Row(
        name=campaign.name, verdict=verdict, states=len(tally.states), edges=len(tally.edges), steps=tally.steps,
        seconds=monotonic() - tally.started, note=note,
    )  # fmt: skip
    return row, failure


def _drive(
    campaign: Campaign, amount: Amount, seed: int, tally: _Tally, progress: Progress, make_node: MakeNode
) -> Finding | None:
    """The seeded random driver: as many runs as asked for, and more while something was never reached."""
    for number in count():
        enough = number >= amount.runs and not tally.coverage.missing(campaign.marks)
        if enough or number >= amount.most_runs:
            return None
        run_seed = f"{seed}/{campaign.name}/{number}"
        setup = campaign.setups[number % len(campaign.setups)]
        told = _Within(campaign.name, number + 1, tally, progress)
        finding = drive(setup, run_seed, amount.length, tally.coverage, make_node, tally.add, campaign.steer, told)
        if finding is not None:
            return finding
        progress.update(campaign.name, tally.steps, "steps")
    return None


def _explore(
    campaign: Campaign, amount: Amount, seed: int, tally: _Tally, progress: Progress, make_node: MakeNode
) -> Finding | None:
    def done(played: Play) -> None:
        tally.add(played)
        if tally.runs % 4 == 0:
            progress.update(f"{campaign.name}: Hypothesis", tally.steps, "steps")

    return rules.explore(campaign.setups[0], amount.scenarios, amount.moves, seed, tally.coverage, done, make_node)
