"""``physalia conformance trace``: what servers wrote down of their steps, replayed on the specification."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import EXIT_CODES, BadInput, Verdict
from physalia.cli.options import Json, must_be_free, put
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from conformance.traces.cell import CellTrace
    from conformance.traces.judging import Found
    from conformance.traces.replay import Judged

SCHEMA_VERSION = 1
ITF = ".itf.json"


def trace(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Traces of all servers, or one in ITF.")],
    cell: Annotated[int | None, typer.Option(metavar="N", help="Judge this cell, where they tell of several.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Judge every cell of which they tell.")] = False,
    is_open: Annotated[bool, typer.Option("--open", help="Take traces without an end as they are.")] = False,
    tlc: Annotated[bool, typer.Option("--tlc", help="Let TLC take the same steps, as far as it gets soon.")] = False,
    is_followed: Annotated[bool, typer.Option("--follow", help="Watch traces that grow, until they end.")] = False,
    window_s: Annotated[
        float, typer.Option("--window-s", min=0, metavar="S", help="Followed, a line may come so many seconds late.")
    ] = 5.0,
    itf: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the states as ITF there; of one cell.")
    ] = None,
    lines: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write a trace in ITF as lines there.")] = None,
    json: Json = False,
) -> int:
    """Replay traces on the specification: all that the servers of a cell wrote down, in an order that explains it.

    Exit code 0: every event is a step of the specification, or none of its business; 1: one is not, and the text says
    which, what was possible instead and which guard is false; 2: a file is ill-formed; 3: the traces show too little.
    """
    from conformance.traces import judging  # noqa: PLC0415
    from conformance.traces.lines import read_run  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    must_be_free("--itf", itf, *files)
    if any(file.name.endswith(ITF) for file in files):
        found = _of_itf(files, lines)
    elif lines is not None:
        raise BadInput(f"--lines writes the lines of a trace in ITF, and no file here ends in {ITF}.")
    elif is_followed:
        with display() as progress:

            def told(events: int) -> None:
                progress.update("following", events, "events")

            found = judging.follow(files, cell, every=every, window_s=window_s, told=told)
    elif is_open:
        runs = [read_run(file) for file in files]
        found = judging.judge_open(runs, cell, every=every)
    else:
        found = judging.judge_files(files, cell, every=every)
    if itf is not None:
        _write_itf(found, itf)
    by_tlc = _by_tlc(found) if tlc else None
    verdict = found.verdict if by_tlc is None else max(found.verdict, by_tlc[0], key=_gravity)
    _print(found, by_tlc, verdict, json=json)
    return EXIT_CODES[verdict]


def _gravity(verdict: Verdict) -> int:
    return (Verdict.HOLDS, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.REFUTED).index(verdict)


def _print(found: "Found", by_tlc: tuple[Verdict, str] | None, verdict: Verdict, *, json: bool) -> None:
    if json:
        cells = [_told(key[0], key[1], *one) for key, one in found.cells.items()]
        tlc = None if by_tlc is None else {"verdict": by_tlc[0], "why": by_tlc[1]}
        print_json({"schema_version": SCHEMA_VERSION, "verdict": verdict, "cells": cells, "tlc": tlc})
        return
    for (number, life), (_, judged) in found.cells.items():
        say(f"cell {number}, life {life}: {judged.verdict}: {judged.title}")
        say(*(f"  {line}" for line in judged.lines))
    if not found.cells:
        say("inconclusive: the traces tell of no cell")
    if by_tlc is not None:
        say(f"TLC: {by_tlc[0]}: {by_tlc[1]}")


def _told(number: int, life: int, trace: "CellTrace", judged: "Judged") -> dict[str, Any]:
    place = None if judged.event is None else judged.event.place
    return {
        "cell": number,
        "life": life,
        "verdict": judged.verdict,
        "why": judged.title,
        "lines": list(judged.lines),
        "nodes": len(trace.incarnations),
        "events": judged.events,
        "steps": len(judged.path),
        "file": None if place is None else str(place.path),
        "line": None if place is None else place.number,
        "taken": dict(sorted(judged.taken.items())),
    }


def _of_itf(files: list[Path], lines: Path | None) -> "Found":
    from conformance.traces.itf import from_itf  # noqa: PLC0415
    from conformance.traces.judging import judge_runs  # noqa: PLC0415
    from conformance.traces.lines import read_lines  # noqa: PLC0415

    if len(files) != 1:
        raise BadInput(f"a trace in ITF is one of all nodes: name {files[0]} or another file alone.")
    try:
        texts = from_itf(files[0], files[0].read_bytes())
    except OSError as error:
        raise BadInput(f"{files[0]} cannot be read ({error.strerror}): name a trace in ITF.") from None
    if lines is not None:
        if lines.exists() and any(lines.iterdir()):
            raise BadInput(f"--lines {lines} is not empty: name another folder.")
        lines.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (lines / name).write_text(text, encoding="utf-8")
    runs = [read_lines((lines or files[0].parent) / name, text.encode()) for name, text in texts.items()]
    return judge_runs(runs, None, every=False)


def _write_itf(found: "Found", itf: Path) -> None:
    import json  # noqa: PLC0415

    from conformance.traces.itf import to_itf  # noqa: PLC0415

    if len(found.cells) != 1 or found.verdict is not Verdict.HOLDS:
        raise BadInput("--itf writes the states of one cell whose trace is accepted, and this is not that.")
    ((trace, judged),) = found.cells.values()
    put({itf: f"{json.dumps(to_itf(trace, judged))}\n".encode()})


def _by_tlc(found: "Found") -> tuple[Verdict, str]:
    from conformance.tlc.run import Processes  # noqa: PLC0415
    from conformance.tlc.toolchain import find_toolchain  # noqa: PLC0415
    from conformance.traces import tlc  # noqa: PLC0415

    judged = [one for _, one in found.cells.values() if one.verdict is Verdict.HOLDS and tlc.fits(one)]
    shape = tlc.shape(judged[0]) if judged else None
    some = [one for one in judged if tlc.shape(one) == shape][: tlc.TOGETHER]
    if not some:
        return Verdict.INCONCLUSIVE, "no trace was accepted whose steps are all those of Cell"
    with Processes() as processes:
        checked = tlc.check(some, find_toolchain(), processes)
    why = f"{checked.run.distinct:,} states on {len(some)} traces, of {checked.states:,}"
    return (Verdict.HOLDS if checked.is_accepted else Verdict.REFUTED), why
