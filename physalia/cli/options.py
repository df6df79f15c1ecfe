"""Options that several commands share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from conformance.links import BadInput
from physalia import outputs

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output; see physalia schema.")]
Quick = Annotated[bool, typer.Option("--quick", help="Run less: about three minutes on two processors.")]
Deep = Annotated[bool, typer.Option("--deep", help="Run everything, as long as it takes.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random; the same seed repeats the run.")]
TlcTime = Annotated[
    float | None,
    typer.Option(
        "--tlc-time", envvar="PHYSALIA_TLC_TIME", min=0.001, metavar="S",
        help="Seconds that each run of TLC has; without it, as long as it says a word now and then.",
    ),
]  # fmt: skip
TlcHeap = Annotated[
    int | None,
    typer.Option(
        "--tlc-heap", envvar="PHYSALIA_TLC_HEAP", min=16, metavar="MIB",
        help="MiB of memory that each run of TLC may use; 4096 without it.",
    ),
]  # fmt: skip
ShrinkS = Annotated[
    float,
    typer.Option(
        "--shrink-s", min=0, metavar="S",
        help="Seconds of processor time to make a counterexample of the running code shorter.",
    ),
]  # fmt: skip
Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--part", metavar="NAME",
        help="Run only this part of the one link that is named, such as a campaign of lockstep; may be given again.",
    ),
]  # fmt: skip
KillerTime = Annotated[
    float | None,
    typer.Option(
        "--killer-time", envvar="PHYSALIA_KILLER_TIME", min=0.001, metavar="S",
        help="Seconds that a killer has for a mutant; without it, 20 times what it takes without one.",
    ),
]  # fmt: skip
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model of tla/manifest.toml; see physalia spec list.")
]
Limit = Annotated[
    float | None, typer.Option("--time-limit-s", min=0, help="Give up after so many seconds, with what is known then.")
]


def must_be_free(option: str, file: Path | None, *read: Path | None) -> None:
    """BadInput if what an option writes would take the place of what is read or written beside it, or has no folder.

    That is told before anything is made, and also of files that are not there yet.
    """
    if file is None:
        return
    given = [one for one in read if one is not None]
    try:
        is_taken = any(_is_same(one, file) for one in given)
        is_folder, has_folder = file.is_dir(), file.parent.is_dir()
    except OSError:
        return  # whoever reads or writes it will say what is wrong
    if is_taken:
        what = "read here" if file.exists() else "named twice"
        raise BadInput(f"{option} {file} is {what}: what is written would take its place. Name another file.")
    if is_folder or not has_folder:
        why = "is a folder" if is_folder else f"cannot be written: there is no folder {file.parent}"
        raise BadInput(f"{option} {file} {why}. Name a file in a folder that is there.")


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, or will."""
    return one.samefile(other) if one.exists() and other.exists() else one.resolve() == other.resolve()


def put(files: Mapping[Path, bytes]) -> None:
    """Write files, all of them or none; BadInput that names the one which cannot be written."""
    try:
        outputs.write(files)
    except OSError as error:
        raise BadInput(f"{error.filename}: this cannot be written: {error.strerror}.") from error
