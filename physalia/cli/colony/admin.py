"""``physalia admin``: what needs an operator's key."""

import asyncio
from collections.abc import Container
from pathlib import Path
from typing import Annotated

import typer

from conformance.links import BadInput
from physalia.cli.colony.foundings import founded_by, write_down
from physalia.cli.colony.moves import At, Partition, cell_named, inspect, move
from physalia.cli.colony.reaching import FOLDER, Deadline, Folder, KeysFile, operator
from physalia.cli.options import Json
from physalia.cli.terminal import print_json, say

app = typer.Typer(help="What needs an operator's key.", no_args_is_help=True, rich_markup_mode=None)

app.command()(move)
app.command()(inspect)


@app.callback()
def _admin() -> None:
    pass


@app.command()
def create(
    partition: Partition,
    servers: Annotated[str, typer.Option("--servers", metavar="N,N,..", help="Each gets a node, and all are members.")],
    alpha: Annotated[int, typer.Option("--alpha", min=1, max=1024, help="How deep its pipeline is.")] = 3,
    founding: Annotated[
        Path | None,
        typer.Option("--founding", help="Where its life and nodes are written down before anybody is asked."),
    ] = None,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 30.0,
    json: Json = False,
) -> int:
    """Found a cell, once, with a life and nodes of its own. Asked again with the same founding, servers grant it again.

    Exit code 0: every server has its node; 1: some have not, and why; 2: bad input.
    """
    reached, cell = operator(folder, at, keys, deadline_s), cell_named(partition)
    file = founding or Path(folder, "foundings", f"{cell}.json")
    made, disks = founded_by(file, cell, _numbers(servers, reached.addresses), alpha)

    async def main() -> dict[int, str]:
        async with reached:
            if disks.keys() < {server for _, server in made.nodes}:
                # Written down before it is asked for, and never changed: a disk that is lost bears no node again.
                disks.update(await reached.disks(made) | disks)
                write_down(file, made, disks)
            return await reached.create(made, disks)

    try:
        answers = asyncio.run(main())
    except ValueError as error:
        raise BadInput(f"cell {cell} cannot be: {error}.") from None
    if json:
        told = [{"server": server, "has_its_node": not why, "why": why} for server, why in sorted(answers.items())]
        life = str(made.life)
        print_json({"schema_version": 1, "cell": cell, "life": life, "founding": str(file), "servers": told})
        return int(any(answers.values()))
    for server, why in sorted(answers.items()):
        say(f"server {server}: {why or 'has its node'}")
    missing = sum(bool(why) for why in answers.values())
    if missing:
        advice = f"again: the same command; was it founded before, name that founding by --founding instead of {file}"
        say(f"cell {cell} is missing on {missing} of {len(answers)} servers; {advice}", to_stderr=True)
        return 1
    say(f"cell {cell} is there, in life {made.life}; it is written down in {file}")
    return 0


def _numbers(text: str, known: Container[int]) -> list[int]:
    try:
        found = [int(one) for one in text.split(",")]
    except ValueError:
        raise BadInput(f"--servers has {text!r}: expected numbers, such as 1,2,3.") from None
    for one in found:
        if one not in known:
            raise BadInput(f"--servers names server {one}, and nobody says where that is: nobody was asked.")
    if len(set(found)) < len(found):
        raise BadInput("--servers names one twice: two nodes of a cell on one server would fail together.")
    return found
