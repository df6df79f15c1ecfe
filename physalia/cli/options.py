"""Options that several commands share."""

from typing import Annotated

import typer

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
