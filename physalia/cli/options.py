"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Quick = Annotated[bool, typer.Option("--quick", help="Run less: under two minutes.")]
Deep = Annotated[bool, typer.Option("--deep", help="Run everything, as long as it takes.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random; the same seed repeats the run.")]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model of tla/manifest.toml; see physalia spec list.")
]
Limit = Annotated[
    float | None, typer.Option("--time-limit-s", min=0, help="Give up after so many seconds, with what is known then.")
]
