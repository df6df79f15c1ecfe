"""The rows of the store beside its commands in the link lockstep: each run follows from a seed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from time import monotonic
from typing import Protocol

from conformance.database.by_itself import BY_ITSELF_MARKS, ByItself
from conformance.database.campaign import DOOR_MARKS, SCAN_MARKS, Door, Scans
from conformance.database.disks import DISK_MARKS, Disks
from conformance.database.lessons import LESSON_MARKS, Lessons
from conformance.database.pieces import PIECE_MARKS, Pieces
from conformance.links import Failure, Profile, Progress, Row, Settings, Verdict
from conformance.refutation import How, Refuted

DOOR, SCANS, PIECES = "the door of the store", "scans of the store", "snapshots in pieces"
LESSONS, DISKS, BY_ITSELF = "snapshots that come in", "disks that nobody left", "a node by itself"
RUNS = {Profile.QUICK: 20, Profile.DEFAULT: 100, Profile.DEEP: 2_000}
COMMANDS: Mapping[str, int] = {DOOR: 150, SCANS: 120, PIECES: 8, LESSONS: 100, DISKS: 12, BY_ITSELF: 6}
Part = Callable[[Settings, Progress], tuple[Row, Failure | None]]


class Run(Protocol):
    """One run, and what it reached."""

    reached: Counter[str]

    def run(self, commands: int) -> int:
        """Ask for so many commands, and say how many were asked for. Raises `Refuted`."""


def door(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """Requests of every kind, most of them right: whatever is wrong with one is said at the door, and nothing else."""
    return _rows(DOOR, Door, DOOR_MARKS, settings, progress)


def scans(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """A store that changes, and pages of how it was."""
    return _rows(SCANS, Scans, SCAN_MARKS, settings, progress)


def pieces(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """Snapshots of rows of all sizes, cut into pieces."""
    return _rows(PIECES, Pieces, PIECE_MARKS, settings, progress)


def lessons(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """Snapshots that come chunk by chunk, of which half are none."""
    return _rows(LESSONS, Lessons, LESSON_MARKS, settings, progress)


def disks(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """Journals with a record in them that cannot be there, or that later software wrote."""
    return _rows(DISKS, Disks, DISK_MARKS, settings, progress)


def by_itself(settings: Settings, progress: Progress) -> tuple[Row, Failure | None]:
    """Nodes that are told single things, each in every way."""
    return _rows(BY_ITSELF, ByItself, BY_ITSELF_MARKS, settings, progress)


def _rows(
    name: str, make: Callable[[Random], Run], marks: Sequence[str], settings: Settings, progress: Progress
) -> tuple[Row, Failure | None]:
    started, steps, reached, runs = monotonic(), 0, Counter[str](), RUNS[settings.profile]
    failure: Failure | None = None
    accident: Failure | None = None
    for number in range(runs):
        run = make(Random(f"{settings.seed}/{name}/{number}"))  # noqa: S311  # repeatable, no secret
        try:
            steps += run.run(COMMANDS[name])
        except Refuted as refuted:
            failure = _failure(f"{name}, run {number}: {refuted.title}", refuted, settings)
            break
        except Exception as error:  # noqa: BLE001  # the code promises replies, and no exception
            raised = Refuted(f"it raises {type(error).__name__}: {error}", how=How.RAISED)
            accident = accident or _failure(f"{name}, run {number}: {raised.title}", raised, settings)
            continue
        reached.update(run.reached)
        progress.update(name, steps, "requests")
    failure = failure or accident
    missing = [mark for mark in marks if not reached[mark]]
    if failure is None and missing:
        failure = Failure(
            title=f"{name}: nothing was refuted, but some things never happened, so nothing was shown of them",
            verdict=Verdict.INCONCLUSIVE, lines=tuple(f"never: {mark}" for mark in missing),
            replay=f"physalia verify lockstep --seed {settings.seed}",
        )  # fmt: skip
    verdict = Verdict.HOLDS if failure is None else failure.verdict
    note = f"{runs} runs, seed {settings.seed}"
    return Row(name=name, verdict=verdict, steps=steps, seconds=monotonic() - started, note=note), failure


def _failure(title: str, refuted: Refuted, settings: Settings) -> Failure:
    return Failure(
        title=title, lines=refuted.lines, how=refuted.how, replay=f"physalia verify lockstep --seed {settings.seed}"
    )


PARTS: Mapping[str, Part] = {
    DOOR: door, SCANS: scans, PIECES: pieces, LESSONS: lessons, DISKS: disks, BY_ITSELF: by_itself,
}  # fmt: skip
"""What the lockstep runs beside its campaigns."""
