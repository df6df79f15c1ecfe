"""``physalia admin``: what needs an operator's key."""

import asyncio
import json as jsons
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.colony.moves import At, Partition, cell_named, inspect, move
from physalia.cli.colony.reaching import FOLDER, Deadline, Folder, KeysFile, operator
from physalia.cli.terminal import say

if TYPE_CHECKING:
    from physalia.model import Founding

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
) -> int:
    """Found a cell, once, with a life and nodes of its own. Asked again with the same founding, servers grant it again.

    Exit code 0: every server has its node; 1: some have not, and why; 2: bad input.
    """
    reached, cell = operator(folder, at, keys, deadline_s), cell_named(partition)
    file = founding or Path(folder, "foundings", f"{cell}.json")
    made = _founding(file, cell, _numbers(servers), alpha)

    async def main() -> dict[int, str]:
        async with reached:
            return await reached.create(made)

    try:
        answers = asyncio.run(main())
    except ValueError as error:
        raise BadInput(f"cell {cell} cannot be: {error}.") from None
    for server, why in sorted(answers.items()):
        say(f"server {server}: {why or 'has its node'}")
    missing = sum(bool(why) for why in answers.values())
    if missing:
        say(f"cell {cell} is missing on {missing} of {len(answers)} servers; again: the same command", to_stderr=True)
        return 1
    say(f"cell {cell} is there, in life {made.life}; it is written down in {file}")
    return 0


def _founding(file: Path, cell: int, servers: list[int], alpha: int) -> "Founding":
    """What stands in the file; if there is none, a new founding that stands there then."""
    from physalia.client import found  # noqa: PLC0415
    from physalia.model import Founding  # noqa: PLC0415

    if not file.exists():
        new = found(cell, servers, alpha)
        plain = {
            "schema_version": 1,
            "cell": new.cell,
            "life": new.life,
            "alpha": new.alpha,
            "nodes": [{"node": node, "server": server} for node, server in new.nodes],
        }
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as out:
                out.write(jsons.dumps(plain, indent=2) + "\n")
        except OSError as error:
            raise CannotRun(f"{file} cannot be written ({error.strerror}): nobody was asked.") from None
        return new
    try:
        plain = jsons.loads(file.read_text(encoding="utf-8"))
        nodes = tuple((int(one["node"]), int(one["server"])) for one in plain["nodes"])
        known = Founding(plain["cell"], plain["life"], plain["alpha"], nodes, frozenset(node for node, _ in nodes))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file} is no founding ({error!r}): name another file.") from None
    if (known.cell, sorted(server for _, server in nodes), known.alpha) != (cell, sorted(servers), alpha):
        raise BadInput(f"{file} founds another cell, or on other servers: a cell is founded once; name another file.")
    return known


def _numbers(text: str) -> list[int]:
    try:
        found = [int(one) for one in text.split(",")]
    except ValueError:
        raise BadInput(f"--servers has {text!r}: expected numbers, such as 1,2,3.") from None
    if len(set(found)) < len(found):
        raise BadInput("--servers names one twice: two nodes of a cell on one server would fail together.")
    return found
