"""``physalia conformance search``: runs that are changed towards rare scenarios, beside as many that chance draws."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import EXIT_CODES, BadInput, Verdict, combine
from physalia.cli import terminal
from physalia.cli.options import Json, Seed, ShrinkS

if TYPE_CHECKING:
    from conformance.guided.looking import Ground, Line, Looked

SCHEMA_VERSION = 2
WORLDS = ("lockstep", "shell")
RUNS = 100


def search(
    world: Annotated[
        str | None, typer.Option(metavar="W", help=f"Only scenarios of this world: {' or '.join(WORLDS)}.")
    ] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this scenario; may be given again.")
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, metavar="N", help="So many runs for each scenario, towards it, and by chance.")
    ] = RUNS,
    chance: Annotated[bool, typer.Option(help="Count what runs that are drawn by chance meet as well.")] = True,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write each run that met a scenario there, shortened."),
    ] = None,
    replay: Annotated[Path | None, typer.Option(metavar="FILE", help="Play a run again that was written so.")] = None,
    seed: Seed = 0,
    seeds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Look with so many seeds, from that on, and tell medians.")
    ] = 1,
    shrink_s: ShrinkS = 20.0,
    json: Json = False,
) -> int:
    """Look for rare scenarios: of the runs that came furthest a beginning is kept, and the rest is changed.

    Every run is judged as by the link of its world. Exit code 0: each scenario was met, and nothing was refuted; 1: a
    run is refuted; 2: the command is wrong; 3: a scenario was not met within its runs, with each seed.
    """
    from conformance.guided.looking import chosen, look  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    if replay is not None:
        return _replay(replay, shrink_s)
    if keep is not None and not keep.is_dir():
        raise BadInput(f"--keep {keep} is no folder: name one that is there.")
    grounds = _grounds(world, shrink_s)
    wanted = chosen(grounds, tuple(scenario or ()))
    found: list[tuple[int, Looked]] = []
    with display() as progress:
        for ground, each in product(grounds, range(seed, seed + seeds)):
            looked = look(ground, wanted, runs, each, progress, with_chance=chance)
            found.append((each, looked))
            if keep is not None:
                _keep(ground, looked, keep)
            if looked.failure is not None and not chance:
                break
    verdict = combine(one.verdict for _, one in found if one.lines)
    if json:
        terminal.print_json(_data(found, verdict, runs, range(seed, seed + seeds)))
    _print([one for _, one in found], verdict, runs, range(seed, seed + seeds), to_stderr=json)
    return EXIT_CODES[verdict]


def _keep(ground: "Ground[Any, Any, Any]", looked: "Looked", folder: Path) -> None:
    """Write down the runs that met scenarios, each as short as it goes."""
    from conformance.guided.kept import name_of, text  # noqa: PLC0415
    from conformance.guided.shortening import shortened  # noqa: PLC0415

    for scenario, run in looked.met:
        short = shortened(ground.world, scenario, run, ground.runs // 2)
        (folder / name_of(scenario)).write_text(text(ground, scenario, short), encoding="utf-8")


def _replay(file: Path, shrink_s: float) -> int:
    """Play a run again: 0 if it meets its scenario, 1 if it is refuted, 3 if it does not meet it any more."""
    from conformance.guided.kept import again  # noqa: PLC0415
    from physalia.cli.printing import print_failure  # noqa: PLC0415

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--replay {file} cannot be read: {error}.") from None
    played = again(_grounds(None, shrink_s), text, str(file))
    if played.failure is not None:
        print_failure(terminal.console(), played.failure)
        return EXIT_CODES[Verdict.REFUTED]
    for number, stage in enumerate(played.scenario.stages):
        is_met = number < len(played.watch.reached)
        terminal.say(f"{number + 1}. {stage.words}: {'met' if is_met else 'not met'}")
    verdict = Verdict.HOLDS if played.watch.is_complete else Verdict.INCONCLUSIVE
    terminal.say(f"{verdict}: {len(played.watch.reached)} of {len(played.scenario.stages)} stages")
    return EXIT_CODES[verdict]


def _grounds(world: str | None, shrink_s: float) -> "list[Ground[Any, Any, Any]]":
    """The worlds that are asked for."""
    if world not in (None, *WORLDS):
        raise BadInput(f"there is no world {world!r}; there are {' and '.join(WORLDS)}.")
    grounds: list[Ground[Any, Any, Any]] = []
    if world in (None, "lockstep"):
        from conformance.lockstep.guided.ground import ground as of_lockstep  # noqa: PLC0415

        grounds.append(of_lockstep(shrink_s=shrink_s))
    if world in (None, "shell"):
        from conformance.shell.guided.ground import ground as of_shell  # noqa: PLC0415

        grounds.append(of_shell(shrink_s=shrink_s))
    return grounds


def _data(found: "list[tuple[int, Looked]]", verdict: Verdict, runs: int, seeds: range) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": verdict,
        "seeds": [*seeds],
        "budget": runs,
        "runs": sum(one.runs for _, one in found),
        "scenarios": [{"seed": seed, **line.as_data()} for seed, one in found for line in one.lines],
        "failures": [
            {"title": one.failure.title, "lines": list(one.failure.lines), "replay": one.failure.replay}
            for _, one in found
            if one.failure is not None
        ],
    }


def _print(found: "list[Looked]", verdict: Verdict, runs: int, seeds: range, *, to_stderr: bool) -> None:
    """The failures, if there are any; then a line for each scenario, what was not met, and the verdict."""
    from rich.table import Table  # noqa: PLC0415

    from physalia.cli.printing import STYLES, print_failure, print_table  # noqa: PLC0415

    console = terminal.console(to_stderr=to_stderr)
    for one in found:
        if one.failure is not None:
            print_failure(console, one.failure)
    table = Table(box=None, pad_edge=False)
    for heading in ("scenario", "world"):
        table.add_column(heading)
    for heading in ("stages", "reached", "guided", "by chance"):
        table.add_column(heading, justify="right")
    lines: dict[str, list[Line]] = {}
    for line in (line for one in found for line in one.lines):
        lines.setdefault(line.scenario, []).append(line)
    for name, some in lines.items():
        stages, best = len(some[0].stages), max(line.reached for line in some)
        guided = _median([(line.after, line.reached) for line in some], stages)
        drawn = [(line.by_chance, line.reached_by_chance or 0) for line in some if line.by_chance is not None]
        chance = _median(drawn, stages) if drawn else ""
        table.add_row(*map(terminal.cell, (name, some[0].world, str(stages), str(best), guided, chance)))
    print_table(console, table)
    for name, some in lines.items():
        if not any(line.is_met for line in some):
            told = f"{name}: not met; the furthest stage was: {max(some, key=lambda line: line.reached).furthest}"
            console.print(told, markup=False, soft_wrap=True)
    met = sum(any(line.is_met for line in some) for some in lines.values())
    of_seeds = f"seed {seeds[0]}" if len(seeds) == 1 else f"medians of {len(seeds)} seeds from {seeds[0]} on"
    told = f"{met} of {len(lines)} met, within {runs} runs each, {of_seeds}"
    console.print(f"[{STYLES[verdict]}]{verdict}[/]: {told}")


def _median(counts: Sequence[tuple[int, int]], stages: int) -> str:
    """After how many runs it was met, by the median of seeds; or how far it came, if that one did not meet it."""
    ordered = sorted(counts, key=lambda one: (one[0] or 1 << 30, -one[1]))
    after, reached = ordered[(len(ordered) - 1) // 2 if len(ordered) % 2 else len(ordered) // 2]
    return f"{after} runs" if after else f"{reached} of {stages}"
