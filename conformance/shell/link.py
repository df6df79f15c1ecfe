"""The link ``shell``: servers, clients and caches as they are, in one process, on a simulated loop, network and disk.

A run is drawn from its seed, with faults of a few kinds; then the trouble ends, and the colony must come to rest. Every
step of every node is judged on the specification, and what clients saw by the checker of histories. What is refuted is
shrunk, told as a script, and kept with a script that replays it. What never happened was not shown: the marks that must
be reached are listed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic

from conformance.guided import part as rare
from conformance.links import Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.shell import campaign
from conformance.shell.campaign import RUNS, Result
from conformance.shell.colony import UNJUDGED
from conformance.shell.drawing import draw
from conformance.shell.guided.ground import ground
from conformance.shell.script import Script
from conformance.shell.tried import itself, strangers

LINK = "shell"
RUNS_OF = {Profile.QUICK: 6, Profile.DEFAULT: 20, Profile.DEEP: 1_000}
"""How many runs are drawn in each profile, one for each seed from the first on."""
TRIED = {"itself": itself.faults, "strangers": strangers.faults}
"""Parts in which the link tries what no run shows: what disturbs its runs, and who comes under another's name."""
MOST_TIMES = 3
"""So many times as many are drawn at most, as long as something was never reached."""

ALWAYS = (
    "a colony came to rest", "a server was killed", "the power of a server went", "a server was restarted",
    "a server ended in order", "a server was suspected", "a suspected server was trusted again",
    "nodes of a lost server were taken over", "a server ended because its disk failed",
    "a disk refused what a node wrote", "a cold node left memory", "a node was read again", "a majority was cut off",
    "a client asked again for what it had asked for", "a client was told: done", "a client gave up",
    "a deadline of a client ended a request",
    "a process was held back", "tasks went on by priority",
    "a clock went at a rate of its own", "a flush waited in a thread", "action prepare",
    "action promise", "action propose", "action vote", "action decide", "action learn", "action flush", "action crash",
    "action consult", "action serve",
)  # fmt: skip
"""What must be reached in every profile."""
MORE = (
    "a client was told: OutcomeUnknown", "a cache was asked", "a cell moved", "a lock was held",
    "a client gave up at an await", "a task was preempted",
)  # fmt: skip
"""What must be reached from the default profile on."""


def run(settings: Settings, progress: Progress, runs_folder: Path = RUNS) -> LinkReport:
    """Run what was kept, and then what the seeds draw. The first refutation ends it."""
    started, marks = monotonic(), Counter[str]()
    rows: list[Row] = []
    failures: list[Failure] = []
    parts = {"kept": campaign.kept(), "drawn": _drawn(settings, marks)}
    more = (rare.NAME,) if settings.profile in rare.PROFILES else ()
    for name in settings.parts_of(LINK, (*TRIED, *parts, *more)):
        if name in TRIED:
            row, failure = _tried(name, settings, progress)
        elif name == rare.NAME:
            row, failure = rare.part(ground(runs_folder, settings.shrink_s), LINK, settings, progress)
        else:
            row, refuted = _part(name, parts[name], marks, progress)
            failure = None if refuted is None else _failure(refuted, settings, progress, runs_folder)
        failures += [] if failure is None else [failure]
        rows.append(row)
        progress.finish(name, f"{row.verdict}: {row.note}")
        if any(one.verdict is Verdict.REFUTED for one in failures):
            break
    open_lines = [f"never: {mark}" for mark in _missing(settings, marks)]
    if marks[UNJUDGED]:
        open_lines.append(f"{UNJUDGED}: {marks[UNJUDGED]} times")
    if not failures and open_lines:
        title = "nothing was refuted, but some things never happened or were not judged, so nothing was shown of them"
        failures.append(
            Failure(title=title, verdict=Verdict.INCONCLUSIVE, lines=tuple(open_lines), replay=settings.again(LINK))
        )
    notes = [f"seeds from {settings.seed} on; " + "; ".join(f"{row.name}: {row.note}" for row in rows)]
    return LinkReport.of(LINK, rows, failures, models=len(rows), seconds=monotonic() - started, notes=notes)


def _missing(settings: Settings, marks: Counter[str]) -> list[str]:
    """What must be reached and was not; nothing must be by a part alone."""
    if settings.models:
        return []
    wanted = ALWAYS + (MORE if settings.profile.includes(Profile.DEFAULT) else ())
    return [mark for mark in wanted if not marks[mark]]


def _drawn(settings: Settings, marks: Counter[str]) -> Iterator[tuple[str, Script]]:
    """As many runs as the profile has, and more while something was never reached."""
    enough = RUNS_OF[settings.profile]
    for number in range(MOST_TIMES * enough):
        if number >= enough and not _missing(settings, marks):
            return
        seed = str(settings.seed + number)
        yield seed, draw(seed)


def _tried(name: str, settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """Each of a part's tries must come to what it must."""
    started, failure, count = monotonic(), None, 0
    for what, refuted in TRIED[name]():
        count += 1
        progress.update(name, count, what)
        if refuted is not None and failure is None:
            failure = Failure(title=refuted.title, lines=refuted.lines, replay=settings.again(LINK), how=refuted.how)
    verdict = Verdict.HOLDS if failure is None else Verdict.REFUTED
    return Row(name=name, verdict=verdict, steps=count, seconds=monotonic() - started, note=f"{count} tries"), failure


def _part(
    name: str, scripts: Iterable[tuple[str, Script]], marks: Counter[str], progress: Progress
) -> tuple[Row, Result | None]:
    """Some runs, up to the first that is refuted."""
    started, count, steps, simulated_s = monotonic(), 0, 0, 0.0
    refuted: Result | None = None
    for _, script in scripts:
        result = campaign.run(script)
        count, steps, simulated_s = count + 1, steps + result.steps, simulated_s + result.seconds
        marks.update(result.marks)
        progress.update(name, steps, f"steps, run {count}, {simulated_s:,.0f} simulated s")
        if result.refuted is not None:
            refuted = result
            break
    seconds = monotonic() - started
    rate = simulated_s / seconds if seconds else 0.0
    row = Row(
        name=name, verdict=Verdict.HOLDS if refuted is None else Verdict.REFUTED, steps=steps, seconds=seconds,
        note=f"{count} runs, {simulated_s:,.0f} simulated seconds, {rate:,.0f} a second",
    )  # fmt: skip
    return row, refuted


def _failure(result: Result, settings: Settings, progress: Progress, runs_folder: Path) -> Failure:
    def told(tried: int, events: int) -> None:
        progress.update("shorter", tried, f"tries, {events} events")

    return campaign.failure(result, settings.shrink_s, runs_folder, told, again=settings.again(LINK))
