"""``physalia history``: whether what clients saw can be explained by one order of their operations."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import EXIT_CODES, BadInput, combine
from physalia import outputs
from physalia.cli.options import Json, must_be_free
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from conformance.histories.judging import Judged
    from conformance.histories.models import Model

SCHEMA_VERSION = 1

app = typer.Typer(help="Histories of what clients saw.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _history() -> None:
    pass


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Histories: JSON Lines, or Jepsen's EDN.")],
    model: Annotated[
        str, typer.Option(metavar="M", help="What they are of: register, cas-register, kv, store or lease.")
    ],
    json: Json = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the picture of the verdict there.")] = None,
    budget: Annotated[
        int, typer.Option(min=1, help="How many situations may be remembered; a million take some 300 MB.")
    ] = 2_000_000,
    limit_s: Annotated[
        float | None, typer.Option("--time-limit-s", min=0, help="Processor seconds for each; without it, no limit.")
    ] = None,
    memory_mib: Annotated[
        int, typer.Option("--memory-mib", min=1, help="How much one search may keep, as far as it is counted.")
    ] = 2_048,
    shrink_s: Annotated[
        float, typer.Option(min=0, help="Processor seconds in which the smallest window is looked for.")
    ] = 20.0,
) -> int:
    """Judge histories for linearizability, or strict serializability where operations are transactions.

    Exit code 0: every history is; 1: one is not, and the text says which operations cannot be ordered; 2: a file is
    ill-formed; 3: nothing could be concluded, because budget, time or memory are used up, or nothing was answered.
    """
    from conformance.histories import judging, reading  # noqa: PLC0415
    from conformance.histories.checker import Budget  # noqa: PLC0415
    from conformance.histories.history import History  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    known = _model(model)
    must_be_free("--html", html, *files)
    histories: list[History | judging.Judged] = []
    for file in files:
        try:
            histories.append(reading.read(file, known))
        except MemoryError:
            histories.append(judging.not_judged(str(file), "there is not enough memory to read it"))
    judged = []
    with display() as progress:
        for history in histories:
            if isinstance(history, judging.Judged):
                judged.append(history)
                continue

            def told(part: str, done: int, total: int | None, name: str = history.source) -> None:
                progress.update(f"{name}: {part}", done, part, total=total)

            judged.append(
                judging.judge(history, known, Budget(budget, limit_s, mib=memory_mib), told=told, shrink_s=shrink_s)
            )
            progress.finish(history.source, judged[-1].verdict)
    verdict = combine(one.verdict for one in judged)
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "verdict": verdict, "model": model, "histories": _told(judged)})
    else:
        for one in judged:
            say(f"{one.history.source}: {one.verdict}: {one.why}.")
            say(*(f"  {line}" for line in ([] if one.window is None else judging.lines(one.window))))
    if html is not None:  # after what was found: that is told also where the picture cannot be written
        from conformance.histories.picture import page  # noqa: PLC0415

        try:
            outputs.write({html: page(judged, model).encode()})
        except OSError as error:
            raise BadInput(f"--html {html} cannot be written: {error.strerror or error}. Name another file.") from None
    return EXIT_CODES[verdict]


def _model(name: str) -> "Model":
    from conformance.histories.known import MODELS  # noqa: PLC0415

    if name not in MODELS:
        raise BadInput(f"there is no model called {name}; there are {', '.join(MODELS)}.")
    return MODELS[name]


def _told(judged: "Sequence[Judged]") -> list[dict[str, Any]]:
    return [
        {
            "file": one.history.source,
            "verdict": one.verdict,
            "why": one.why,
            "operations": len(one.history.operations),
            "open": sum(operation.is_open for operation in one.history.operations),
            "failed": one.history.failed,
            "parts": one.parts,
            "situations": one.tried,
            "seconds": one.seconds,
            "window": None if one.window is None else _window(one),
        }
        for one in judged
    ]


def _window(judged: "Judged") -> dict[str, Any]:
    from conformance.histories.judging import deed  # noqa: PLC0415
    from conformance.histories.models import shown  # noqa: PLC0415

    window = judged.window
    assert window is not None
    return {
        "any_start": window.is_any_start,
        "smallest": window.is_smallest,
        "free": len(window.free),
        "operations": [
            {"process": shown(one.process), "what": deed(one), "line": one.line, "end_line": one.end_line}
            for one in window.bound
        ],
    }
