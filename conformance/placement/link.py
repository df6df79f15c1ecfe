"""The link ``placement``: the answers of ``physalia.placement`` are those of the definitions, cell by cell.

TLC lists every cell of the models of ``tla/Placement.tla``: which are legal, which are best, which survive, and what
each costs. The answers must equal that listing, and so must the definitions in Python. Those then stand in for TLC on
sites that Hypothesis and a seed make up. What never happened was not shown: the marks that must be seen are listed, and
at least half of the questions from a seed, and a quarter of those that are drawn, must have a placement.
"""

import time
from pathlib import Path

from attrs import evolve, frozen

from conformance.links import BadInput, Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.manifest import Manifest, Model, load_manifest
from conformance.parallel import completed, workers
from conformance.placement import explore as placement_explore
from conformance.placement.definition import breaking
from conformance.placement.explore import Tally, examine, explore, keep
from conformance.placement.judge import GaveUp, Table, judge, told
from conformance.placement.models import RUNG, Listing, question
from conformance.placement.sites import Seeded
from conformance.placement.table import by_definition
from conformance.refutation import Refuted
from conformance.tlc.java import options_for
from conformance.tlc.limits import CUT, Limits, Outcome
from conformance.tlc.run import Processes, TlcRun, copy_of, run_tlc
from conformance.tlc.toolchain import Toolchain, find_toolchain

LINK = "placement"
SEEDED, DRAWN = "sites from a seed", "sites from Hypothesis"
THREADS = 2
FEASIBLE_SHARES = {SEEDED: 0.5, DRAWN: 0.25}
"""How many of the sites must have a placement. What Hypothesis draws differs with the modules that are loaded."""

ALWAYS = (
    "placed", "impossible", "certificate", "a cell survives", "a cell does not survive", "a rack with two supplies",
    "the instance's own link cuts", "a branch", "cut by a pdu", "cut by a ups", "cut by a feed", "cut by a switch",
    "cut by a link",
    "a cap binds", "overlap binds", "survival binds", "a third node in a domain decides",
    "refused: a placement that is not the best", "refused: a placement that breaks a rule", "refused: another bound",
    "refused: a colour less under trees", "refused: another scale", "refused: a scale below zero",
    "refused: the claim that there is no placement",
    *(f"refused: {what}" for what in (
        "a rule that means nothing", "two rules of one id", "a text for a truth", "a key more", "a price of nothing",
        "too many leaves", "a key twice", "a key twice in the topology", "a key more in the topology",
        "a name that makes links ambiguous", "a trunk that has the name of a server's link",
    )),
    "availability by walk", "availability by whole walk", "availability by diagram",
    "an audit finds a broken rule", "an audit finds every rule kept", "an audit finds a failure that is not survived",
    "an audit finds a better place", "an audit finds a cell at its best",
    "an audit lets a node stay on a drained server",
    "a fleet places a cell", "a fleet places another cell", "a fleet's judge finds a broken rule",
    "a fleet's judge finds every rule kept", "a way that counting proves", "a volume in blast", "a volume unserved",
    "a cell is near the bound", "a bound says something",
)  # fmt: skip
"""What the seeded sites must show, in every profile."""

MORE = ("a minimum binds", "the power rule binds", "the pair cap binds")
"""What they must show from the default profile on."""


@frozen(kw_only=True)
class Amount:
    """How many sites a profile makes up."""

    seeded: int
    most_seeded: int
    drawn: int


AMOUNTS = {
    Profile.QUICK: Amount(seeded=30, most_seeded=300, drawn=10),
    Profile.DEFAULT: Amount(seeded=100, most_seeded=1_000, drawn=40),
    Profile.DEEP: Amount(seeded=5_000, most_seeded=6_000, drawn=1_500),
}


@frozen(kw_only=True)
class Judged:
    """A row of the report, and why it does not hold."""

    row: Row
    failure: Failure | None = None


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Compare the profile's models and sites; BadInput for an unknown name, CannotRun without Java or TLC."""
    start = time.monotonic()
    manifest = load_manifest()
    models, made_up = _choose(manifest, settings)
    with Processes() as processes:
        runner = _Runner(manifest, settings, progress, processes, find_toolchain() if models else None)
        # While TLC lists the models the sites are judged. All in this thread: z3 is not made for two.
        with workers(THREADS, processes.close) as pool:
            listings = {pool.submit(runner.listed, model): model for model in models}
            sites = [runner.sites(name) for name in made_up]
            listed = {listings[one].name: runner.model(listings[one], one.result()) for one in completed(listings)}
        judged = [*(listed[model.name] for model in models), *sites]
    failures = [one.failure for one in judged if one.failure]
    return LinkReport.of(
        LINK,
        [one.row for one in judged],
        failures,
        models=len(models),
        seconds=time.monotonic() - start,
        notes=[one.row.note for one in judged if one.row.name in (SEEDED, DRAWN)],
    )


def _choose(manifest: Manifest, settings: Settings) -> tuple[list[Model], list[str]]:
    ours = [model for model in manifest.models if model.rung == RUNG]
    known = [*(model.name for model in ours), SEEDED, DRAWN]
    for name in settings.models:
        if name not in known:
            raise BadInput(f"the link placement has no part {name!r}; it has {', '.join(known)}.")
    models = [model for model in ours if model.name in settings.models or not settings.models]
    if not settings.models:
        models = [model for model in models if settings.profile.includes(model.profile)]
    return models, [name for name in (SEEDED, DRAWN) if name in settings.models or not settings.models]


@frozen
class _Runner:
    manifest: Manifest
    settings: Settings
    progress: Progress
    processes: Processes
    toolchain: Toolchain | None

    def listed(self, model: Model) -> tuple[TlcRun, Listing]:
        """Let TLC list the cells of a model."""
        assert self.toolchain is not None
        self.progress.update(model.name, 0, "cells")
        listing = Listing(tuple(question(self.manifest.folder, model.name).topology.servers))
        with copy_of(self.manifest.folder) as folder:
            seen = run_tlc(
                self.toolchain, folder, model.name, processes=self.processes,
                limits=Limits.of(self.settings).for_states(model.generated),
                java_options=options_for(model.generated, slow=model.slow),
                on_line=listing.read,
            )  # fmt: skip
        return seen, listing

    def model(self, model: Model, listed: tuple[TlcRun, Listing]) -> Judged:
        """TLC's listing of a model against the answers."""
        start = time.monotonic()
        seen, listing = listed
        if seen.outcome is not Outcome.PASSED:
            verdict = Verdict.INCONCLUSIVE if seen.outcome in CUT else Verdict.ERROR
            title = f"{model.name}: TLC did not list its cells ({seen.outcome})"
            failure = Failure(title=title, verdict=verdict, lines=seen.errors, replay=f"physalia spec tlc {model.name}")
            return Judged(row=Row(name=model.name, verdict=verdict, note=str(seen.outcome)), failure=failure)
        try:
            compare(model.name, listing)
        except Refuted as refuted:
            return self._refuted(model.name, refuted, seen.seconds)
        except GaveUp as reason:
            return self._gave_up(model.name, reason, seen.seconds)
        legal = sum(one.legal for one in listing.cells.values())
        surviving = sum(one.survives for one in listing.cells.values())
        note = f"{len(listing.cells)} cells: {legal} legal, {surviving} survive"
        self.progress.finish(model.name, note)
        row = Row(
            name=model.name, verdict=Verdict.HOLDS, states=seen.distinct, edges=seen.generated,
            steps=2 * len(listing.cells), seconds=seen.seconds + time.monotonic() - start, note=note,
        )  # fmt: skip
        return Judged(row=row)

    def sites(self, name: str) -> Judged:
        """Made-up sites against the answers."""
        start = time.monotonic()
        amount, tally, seed = AMOUNTS[self.settings.profile], Tally(), self.settings.seed
        wanted = self._wanted() if name == SEEDED else ()

        def told_of(so_far: Tally) -> None:
            self.progress.update(name, so_far.questions, "sites", total=amount.seeded if wanted else amount.drawn)

        try:
            if name == DRAWN:
                explore(amount.drawn, seed, tally, told_of)
            else:
                _seeded(amount, seed, wanted, tally, told_of)
        except Refuted as refuted:
            return self._refuted(name, refuted, time.monotonic() - start, tally)
        except GaveUp as reason:
            return self._gave_up(name, reason, time.monotonic() - start)
        note = (
            f"{name}: {tally.questions} sites, {tally.feasible_share:.0%} with a placement, {tally.cells:,} cells, "
            f"seed {seed}"
        )
        missing = [mark for mark in wanted if not tally.marks[mark]]
        if tally.feasible_share < FEASIBLE_SHARES[name]:
            missing.append(f"a placement in at least {FEASIBLE_SHARES[name]:.0%} of the sites")
        self.progress.finish(name, note)
        verdict = Verdict.INCONCLUSIVE if missing or not tally.questions else Verdict.HOLDS
        row = Row(name=name, verdict=verdict, steps=tally.compared, seconds=time.monotonic() - start, note=note)
        if verdict is Verdict.HOLDS:
            return Judged(row=row)
        failure = Failure(
            title=f"{name}: nothing was refuted, but some things never happened, so nothing was shown of them",
            verdict=verdict,
            lines=tuple(f"never: {mark}" for mark in missing),
            replay=self._replay(),
        )
        return Judged(row=row, failure=failure)

    def _wanted(self) -> tuple[str, ...]:
        return ALWAYS if self.settings.profile is Profile.QUICK else (*ALWAYS, *MORE)

    def _refuted(self, name: str, refuted: Refuted, seconds: float, tally: Tally | None = None) -> Judged:
        kept: tuple[str, ...] = ()
        if tally is not None and tally.latest is not None:
            try:
                kept = keep(tally.latest, refuted.title, placement_explore.RUNS)
            except OSError as error:
                kept = (f"the site could not be written down: {error}",)
        self.progress.finish(name, refuted.title)
        failure = Failure(title=f"{name}: {refuted.title}", lines=(*refuted.lines, *kept), replay=self._replay())
        row = Row(name=name, verdict=Verdict.REFUTED, seconds=seconds, note=refuted.title)
        return Judged(row=row, failure=failure)

    def _gave_up(self, name: str, reason: GaveUp, seconds: float) -> Judged:
        self.progress.finish(name, str(reason))
        failure = Failure(title=f"{name}: {reason}", verdict=Verdict.INCONCLUSIVE, replay=self._replay())
        return Judged(
            row=Row(name=name, verdict=Verdict.INCONCLUSIVE, seconds=seconds, note=str(reason)), failure=failure
        )

    def _replay(self) -> str:
        return evolve(self.settings, models=()).again(LINK)


def compare(name: str, listing: Listing, folder: Path | None = None) -> None:
    """Hold TLC's listing of a model against the definitions in Python, and the answers against it; Refuted if not."""
    asked = question(folder or load_manifest().folder, name)
    table, _ = by_definition(asked)
    if set(table.cells) != set(listing.cells):
        raise Refuted(f"TLC lists {len(listing.cells)} cells, and there are {len(table.cells)}")
    best = table.best
    for cell, listed in listing.cells.items():
        value = table.legal.get(cell)
        expected = (value is not None, value is not None and value == best, cell in table.surviving, asked.value(cell))
        found = (listed.legal, listed.optimal, listed.survives, listed.value)
        if found != expected:
            words = "(legal, optimal, survives, value)"
            blamed = breaking(asked.harms, cell)
            raise Refuted(f"of {told(cell)} TLC says {words} = {found}, and Python {expected}", tuple(blamed))
    # From here on it is TLC's own table that the answers are held against.
    legal = {cell: listed.value for cell, listed in listing.cells.items() if listed.legal}
    surviving = frozenset(cell for cell, listed in listing.cells.items() if listed.survives)
    judge(asked, Table(tuple(listing.cells), legal, surviving), z3=True)


def _seeded(
    amount: Amount, seed: int, wanted: tuple[str, ...], tally: Tally, told_of: "placement_explore.Told"
) -> None:
    """As many sites as asked for, and more while something was never seen."""
    for number in range(amount.most_seeded):
        if number >= amount.seeded and all(tally.marks[mark] for mark in wanted):
            return
        examine(Seeded(f"{seed}/{number}"), tally)
        told_of(tally)
