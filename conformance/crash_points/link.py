"""The link ``crash-points``: whatever was acknowledged survives every crash, or the journal says that it did not.

The journal of ``physalia.journal`` runs on the real SQLite, on a simulated disk: by itself in one campaign, and in
another below the nodes of cells, which must not fork. What never happened was not shown: the marks that must be reached
are listed. Beside the disk, the journal is given files and questions that it must refuse, and batches that fill its
entries.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from attrs import define, frozen

from conformance.crash_points.campaign import Broken, run_campaign
from conformance.crash_points.refusing.asked import wrongly_answered
from conformance.crash_points.refusing.directory import unlike_the_simulation
from conformance.crash_points.refusing.filled import wrongly_kept
from conformance.crash_points.refusing.forged import wrongly_taken
from conformance.crash_points.rewound import wrongly_awake
from conformance.crash_points.tally import Tally
from conformance.crash_points.torture import run_cells
from conformance.crash_points.versions import wrong_versions
from conformance.links import Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from physalia.journal import JournalError

LINK = "crash-points"


@frozen
class Amount:
    """How many crash points a profile tries: of a journal, at most so many of a process (None: all), and of cells."""

    points: int
    per_life: int | None
    of_cells: int


AMOUNTS = {
    Profile.QUICK: Amount(500, 12, 400),
    Profile.DEFAULT: Amount(2_000, 24, 1_500),
    Profile.DEEP: Amount(80_000, None, 20_000),
}
ALWAYS = (
    "opened", "acknowledged", "folded", "refused", "latched", "cannot reach", "closed", "killed", "power cut",
    "damage: whole", "damage: told",
)  # fmt: skip
"""What must be reached in every profile."""
MORE = ("full", "damage: the last 1 missed", "damage: an older copy")
"""What must be reached from the default profile on: the last two are what no journal can know."""


IN_CELLS = (
    "killed", "power cut", "cut inside a flush", "cut after a flush, before the send", "cut while opening", "refused",
    "latched", "lost disk", "older copy", "damaged disk", "stopped for good", "unknown", "replaced", "members changed",
    "folded", "went on beside a flush", "answered", "dropped", "read again", "a record refused", "housed",
)  # fmt: skip
"""What cells must go through in every profile."""


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Run the campaigns of a profile. Refuted at the first broken word; inconclusive if something was never reached."""
    amount, seed = AMOUNTS[settings.profile], str(settings.seed)
    marks = ALWAYS + (MORE if settings.profile.includes(Profile.DEFAULT) else ())
    per_life = "" if amount.per_life is None else f" --per-life {amount.per_life}"
    journal, cells = Tally(), Tally()
    campaigns = (
        Part("journal", "the journal", "chains", journal, amount.points, marks, f"--chain {{}}{per_life}",
             lambda tell: run_campaign(seed, amount.points, amount.per_life, journal, tell)),
        Part("cells", "a cell", "cells", cells, amount.of_cells, IN_CELLS, "--cell {}",
             lambda tell: run_cells(seed, amount.of_cells, cells, tell)),
    )  # fmt: skip
    wanted = settings.parts_of(LINK, [*(part.name for part in campaigns), *REFUSALS])
    parts = [part for part in campaigns if part.name in wanted]
    failures = {part.name: part.run(progress) for part in parts}
    rows = [part.row(failures[part.name]) for part in parts]
    for name in (name for name in REFUSALS if name in wanted):
        start = time.perf_counter()
        failures[name] = [Failure(title=sentence, replay=settings.again(LINK)) for sentence in _told(REFUSALS[name])]
        verdict = Verdict.REFUTED if failures[name] else Verdict.HOLDS
        rows.append(Row(name=name, verdict=verdict, seconds=time.perf_counter() - start, note=NOTES.get(name, REFUSED)))
    progress.finish(LINK, f"{journal.points + cells.points:,} crash points")
    return LinkReport.of(
        LINK,
        rows,
        [each for found in failures.values() for each in found],
        models=len(parts),
        seconds=sum(row.seconds for row in rows),
        notes=(*([in_words(journal)] if journal.points else []), *([cells_in_words(cells)] if cells.points else [])),
    )


REFUSALS: dict[str, Callable[[], Iterable[str]]] = {
    "versions": wrong_versions,
    "forged": wrongly_taken,
    "asked": wrongly_answered,
    "directory": unlike_the_simulation,
    "entries": wrongly_kept,
    "rewound": wrongly_awake,
}
"""What a journal must refuse in every profile, whatever a disk does; what it must keep in full entries; and that nodes
stop whose disks fell back."""

REFUSED = "what must be refused"
NOTES = {
    "directory": "the real one beside the simulated one",
    "entries": "batches that fill entries, and go beyond",
    "rewound": "nodes that are told of what their disks lost",
}
"""What stands beside the rows of those that refuse nothing."""


def _told(wrong: Callable[[], Iterable[str]]) -> Iterator[str]:
    try:
        yield from wrong()
    except JournalError as error:
        yield f"a journal that nobody did anything wrong to is refused: {error}"


@define
class Part:
    """One of the campaigns: what it runs, what it must reach, and how a failure is shown again."""

    name: str
    whose: str
    unit: str
    tally: Tally
    points: int
    marks: tuple[str, ...]
    replay: str
    campaign: Callable[[Callable[[], None]], None]
    seconds: float = 0.0

    def run(self, progress: Progress) -> list[Failure]:
        """Run it; return what is wrong, or was not shown."""
        start = time.perf_counter()
        try:
            self.campaign(
                lambda: progress.update(f"{LINK}, {self.name}", self.tally.points, "crash points", total=self.points)
            )
        except Broken as broken:
            replay = f"python -m conformance.crash_points {self.replay.format(broken.chain)}"
            title = f"{self.whose} broke its word {broken}"
            return [Failure(title=title, replay=replay, events=broken.events, how=broken.how)]
        finally:
            self.seconds = time.perf_counter() - start
        return missing(self.tally.reached, self.marks)

    def row(self, failures: list[Failure]) -> Row:
        """What stands in the report."""
        return Row(
            name=self.name,
            verdict=failures[0].verdict if failures else Verdict.HOLDS,
            steps=self.tally.points,
            seconds=self.seconds,
            note=f"{self.tally.chains} {self.unit}",
        )


def missing(reached: Counter[str], marks: tuple[str, ...]) -> list[Failure]:
    """A failure for each mark that was to be reached and was not."""
    return [
        Failure(title=f"the campaign never reached: {mark}", verdict=Verdict.INCONCLUSIVE)
        for mark in marks
        if not reached[mark]
    ]


def in_words(tally: Tally) -> str:
    """What a campaign saw, in a sentence."""
    reached = tally.reached
    return (
        f"{reached['power cut']:,} power cuts and {reached['killed']:,} kills, {reached['latched']} failed flushes; of "
        f"{sum(reached[mark] for mark in reached if mark.startswith('damage: ')):,} kinds of damage "
        f"{reached['damage: told']:,} are told, {reached['damage: whole']:,} hurt nothing, and "
        f"{reached['damage: an older copy']} look like an older copy and "
        f"{reached['damage: the last 1 missed'] + reached['damage: the last 2 missed']} like a torn tail."
    )


def cells_in_words(tally: Tally) -> str:
    """What cells went through, in a sentence."""
    reached = tally.reached
    losses = reached["lost disk"] + reached["older copy"] + reached["damaged disk"]
    return (
        f"{tally.chains} cells lived through {reached['power cut']:,} power cuts and {reached['killed']:,} kills, "
        f"{reached['cut inside a flush']} of them inside a flush and {reached['cut after a flush, before the send']} "
        f"between a flush and what waited for it, {reached['latched']} failed flushes, {reached['refused']} nodes "
        f"refused for want of room, {reached['dropped']} dropped from memory and {reached['read again']} read again, "
        f"and {losses} lost disks; {reached['answered']:,} answers stay true."
    )
