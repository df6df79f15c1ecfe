"""Judges the traces of some files: once, or as they grow.

Whoever follows traces that grow sees the lines of one server before those of another. So what waits for a line that is
not there yet has a window of time: only after that is it refused. A recorder hands over a line before anything leaves
because of it, so that what is missing then does not come any more.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from conformance.links import BadInput, Verdict, combine
from conformance.traces.cell import CellKey, CellTrace, cells_of, only_cell, split
from conformance.traces.lines import Run, bad, read_bytes, read_lines, read_run
from conformance.traces.replay import Judged, Replay

LOOK_EVERY_S = 0.2


@frozen
class Found:
    """What came of each cell, and what the traces tell of it."""

    cells: dict[CellKey, tuple[CellTrace, Judged]]

    @property
    def verdict(self) -> Verdict:
        """On all of them together; inconclusive if there is none."""
        return combine(judged.verdict for _, judged in self.cells.values())


def judge_files(paths: Sequence[Path], cell: int | None, *, every: bool) -> Found:
    """Judge one cell of some files, the one that they are of or that is named, or every one. Raises `BadInput`."""
    return judge_runs([read_run(path) for path in paths], cell, every=every)


def judge_runs(runs: Sequence[Run], cell: int | None, *, every: bool) -> Found:
    """The same for what was read already."""
    _refuse_open(runs)
    wanted = _wanted(runs, cell, every=every)
    return Found({key: (trace, Replay(trace).judge()) for key, trace in split(runs, wanted).items()})


def _wanted(runs: Sequence[Run], cell: int | None, *, every: bool) -> list[CellKey]:
    if every:
        return cells_of(runs)
    if cell is None:
        return [only_cell(runs)]
    keys = [key for key in cells_of(runs) if key[0] == cell]
    if not keys:
        raise BadInput(f"no trace tells of cell {cell}; they tell of {_some(cells_of(runs))}.")
    return keys


def _some(keys: Sequence[CellKey]) -> str:
    names = [str(cell) for cell, _ in keys[:10]]
    return (", ".join(names) or "none") + (", ..." if len(keys) > len(names) else "")


def _refuse_open(runs: Sequence[Run]) -> None:
    """The last run of a server must have its end: what is cut off might explain what the others heard."""
    last = {run.header.server: run for run in sorted(runs, key=lambda run: run.header.run)}
    for run in last.values():
        if run.is_torn or not (run.is_closed or run.is_full):
            number = (run.lines[-1][0] if run.lines else 1) + 1
            raise bad(
                run.path, number, "did",
                "the trace is cut: it has no line that did close, and no later run of its server is here; let --follow "
                "watch a server that runs, or --open take it as it is",
            )  # fmt: skip


def judge_open(runs: Sequence[Run], cell: int | None, *, every: bool) -> Found:
    """Judge traces that may be cut at their ends: what the missing lines might explain is inconclusive."""
    runs = [evolve(run, is_torn=False) for run in runs]
    wanted = _wanted(runs, cell, every=every)
    return Found({key: (trace, Replay(trace).judge()) for key, trace in split(runs, wanted).items()})


def follow(
    paths: Sequence[Path],
    cell: int | None,
    *,
    every: bool,
    window_s: float,
    told: Callable[[int], None],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Found:
    """Judge traces as they grow, until all are closed or one is refused. A path may be a folder, where runs begin.

    `told` is called with the number of events that were judged. Raises `BadInput`.
    """
    sizes: dict[Path, int] = {}
    since: dict[CellKey, tuple[str, float]] = {}
    found = Found({})
    while True:
        files = list(_files(paths))
        now = {path: _size(path) for path in files}
        if now != sizes:
            sizes = now
            runs = _so_far(files)
            found = judge_open(runs, cell, every=every) if cells_of(runs) else found
            told(sum(judged.events for _, judged in found.cells.values()))
        late = _late(found, since, clock(), window_s)
        if late.verdict is Verdict.REFUTED:
            return late
        begun = _so_far(files)
        last = {run.header.server: run for run in sorted(begun, key=lambda run: run.header.run)}
        if (
            last
            and len(begun) == len(files)
            and all(run.is_closed or run.is_full for run in last.values())
            and now == sizes
        ):
            return judge_runs(_so_far(files), cell, every=every)
        pause(LOOK_EVERY_S)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.jsonl"))
        elif path.exists():
            yield path
        else:
            raise BadInput(f"{path} is not there: name traces, or the folder of traces of a server.")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path} cannot be followed any more ({error.strerror}): begin again.") from None


def _so_far(files: Sequence[Path]) -> list[Run]:
    """The whole lines of each file; one that was just begun has none yet, and is none yet."""
    texts = ((path, read_bytes(path, "traces, or the folder of traces of a server")) for path in files)
    return [read_lines(path, data[: data.rfind(b"\n") + 1]) for path, data in texts if b"\n" in data]


def _late(found: Found, since: dict[CellKey, tuple[str, float]], now_s: float, window_s: float) -> Found:
    """What is refused now: at once if the event itself is wrong, after the window if it waits for others."""
    cells = {}
    for key, (trace, judged) in found.cells.items():
        if judged.waits_at is None:
            since.pop(key, None)
            cells[key] = (trace, judged)
            continue
        place, first_s = since.get(key, ("", now_s))
        if place != judged.waits_at:
            first_s = now_s
        since[key] = (judged.waits_at, first_s)
        is_late = now_s - first_s >= window_s
        verdict = Verdict.REFUTED if is_late else Verdict.INCONCLUSIVE
        cells[key] = (trace, evolve(judged, verdict=verdict))
    return Found(cells)
