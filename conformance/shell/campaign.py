"""One run after the other: what each came to, and of one that was refuted the shortest that still is."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from time import process_time

from attrs import evolve, frozen

from conformance.links import BadInput, Failure
from conformance.refutation import How, Refuted
from conformance.shell.script import Event, Play, Script, read

RUNS = Path(".physalia", "runs", "shell")
WITHIN_S = 90.0
"""How long a colony may take to come to rest when the trouble is over, in true time of the simulation."""

_SCRIPT = '''\
"""Replays the run beside this file. Exit code 1: it is still refuted, 0: it is not, 2: it cannot be replayed."""

import sys
from pathlib import Path

from conformance.shell.campaign import main

sys.exit(main(Path(__file__).with_name("script.txt")))
'''


@frozen(kw_only=True)
class Result:
    """What a run came to. `seconds` are simulated ones, `digest` is of all that happened."""

    script: Script
    refuted: Refuted | None
    marks: Counter[str]
    steps: int
    seconds: float
    digest: str


def run(script: Script) -> Result:
    """One run. What it says follows from the script alone."""
    play = Play.open(script)
    refuted: Refuted | None = None
    colony = play.colony
    try:
        with colony:
            play.play(WITHIN_S)
    except Refuted as found:
        refuted = found
    return result_of(play, refuted)


def result_of(play: Play, refuted: Refuted | None) -> Result:
    """What a run that was played came to."""
    script, colony = play.script, play.colony
    marks = Counter(colony.marks)
    for mirror in colony.mirrors.values():
        marks.update(mirror.coverage.marks)
    marks.update(f"a client was told: {call.said}" for call in play.calls)
    marks.update("a client gave up at an await" for call in play.calls if call.was_cancelled)
    steps = sum(mirror.steps for mirror in colony.mirrors.values())
    return Result(
        script=script, refuted=refuted, marks=marks, steps=steps, seconds=colony.simulator.now_s, digest=colony.digest
    )


def kept() -> Iterator[tuple[str, Script]]:
    """The runs that showed a fault once, by their names, in the folder `kept`: they are run before all others."""
    folder = resources.files(__package__).joinpath("kept")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt"):
            yield file.name.removesuffix(".txt"), read(file.read_text(encoding="utf-8"), file.name)


def shrink(result: Result, budget_s: float, told: Callable[[int, int], None]) -> Result:
    """Leave events out as long as the run is refuted in the same manner, for so many seconds of processor time."""
    end_s = process_time() + budget_s
    best, tried = result, 0
    size = max(1, len(best.script.events) // 2)
    while process_time() < end_s:
        before = len(best.script.events)
        start = 0
        while start < len(best.script.events) and process_time() < end_s:
            shorter = (*best.script.events[:start], *best.script.events[start + size :])
            tried += 1
            told(tried, len(best.script.events))
            again = _again(best, shorter)
            if again is None:
                start += size
            else:
                best = again
        if size == 1 and len(best.script.events) == before:
            break
        size = max(1, size // 2)
    return best


def _again(result: Result, events: Sequence[Event]) -> Result | None:
    """The run with these events alone, if it is refuted as this one is."""
    assert result.refuted is not None
    again = run(evolve(result.script, events=tuple(events)))
    if again.refuted is None or (result.refuted.how is How.JUDGED and again.refuted.how is not How.JUDGED):
        return None
    return again


def keep(result: Result, runs: Path = RUNS) -> Path:
    """Write the run and a script that replays it into a new folder of `runs`; return the path of that script."""
    assert result.refuted is not None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = runs / stamp
    folder.mkdir(parents=True)
    comments = "".join(f"# {line}\n" for line in result.refuted.title.splitlines())
    (folder / "script.txt").write_text(comments + result.script.text(), encoding="utf-8")
    script = folder / "replay.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    with suppress(OSError):  # a system without symbolic links does without
        latest = runs / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(stamp, target_is_directory=True)
    return script


def failure(
    result: Result,
    shrink_s: float,
    runs: Path = RUNS,
    told: Callable[[int, int], None] = lambda _tried, _events: None,
    again: str = "physalia verify shell",
) -> Failure:
    """What a run refuted, for people, as short as it can be made, and kept with a script that replays it."""
    whole = len(result.script.events)
    shortest = shrink(result, shrink_s, told)
    refuted = shortest.refuted
    assert refuted is not None
    kept_not: tuple[str, ...] = ()
    try:
        command = f"python {keep(shortest, runs)}"
    except OSError as error:
        kept_not, command = (f"the replay script could not be written: {error}",), again
    return Failure(
        title=refuted.title,
        lines=(*lines(shortest), f"shrunk from {whole} events, seed {result.script.seed}", *kept_not),
        replay=command,
        how=refuted.how,
        events=len(shortest.script.events),
    )


def lines(result: Result) -> tuple[str, ...]:
    """A refuted run for people: what was done, and what was wrong at its end."""
    assert result.refuted is not None
    told = result.script.text().splitlines()
    return ("run:", *(f"      {line}" for line in told), *result.refuted.lines)


def main(path: Path) -> int:
    """Replay a script's file and print what comes of it; return the exit code."""
    try:
        result = run(read(path.read_text(encoding="utf-8"), str(path)))
    except (OSError, BadInput) as error:
        print(f"cannot replay: {error}", file=sys.stderr)
        return 2
    if result.refuted is None:
        told: tuple[str, ...] = (f"holds: {result.steps} steps, {result.digest}",)
    else:
        told = (f"refuted: {result.refuted.title}", *lines(result), result.digest)
    with suppress(BrokenPipeError):
        print("\n".join(told))
    return 0 if result.refuted is None else 1
