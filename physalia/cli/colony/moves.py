"""``physalia admin move`` and ``physalia admin inspect``: cells that go from server to server, and how nodes are."""

import asyncio
import json as jsons
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.colony.reaching import FOLDER, Deadline, Folder, KeysFile, operator
from physalia.cli.options import Json
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.client import Operator
    from physalia.client.moving import Plan

PARTS = ("cell", "life", "joins", "to", "disk", "leaves", "leaves_from")
Partition = Annotated[str, typer.Argument(metavar="PARTITION", help="A partition key; digits are a cell's number.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="N=HOST:PORT,..", help="Where servers are, if not those of the colony in --folder."),
]


def move(
    partition: Partition,
    leaves_from: Annotated[int, typer.Option("--from", metavar="N", help="The server of the member that is replaced.")],
    to: Annotated[int, typer.Option("--to", metavar="N", help="The server of the new node that takes its place.")],
    lost: Annotated[bool, typer.Option("--lost", help="The old node is gone: nobody waits until it has left.")] = False,
    written: Annotated[
        Path | None, typer.Option("--plan", help="Where the move is written down before anybody is asked.")
    ] = None,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 30.0,
    json: Json = False,
) -> int:
    """Move a cell by one node: a new one is born, taught, and takes the place of a member, which then leaves.

    Asked again, a move that was cut short goes on. Exit code 0: done; 1: not, and why; 2: bad input.
    """
    from physalia.client.moving import CannotMove, Mover  # noqa: PLC0415
    from physalia.client.moving import plan as make  # noqa: PLC0415

    reached, cell = operator(folder, at, keys, deadline_s), cell_named(partition)
    file = written or Path(folder, "moves", f"{cell}.json")
    told: list[str] = []

    async def main() -> None:
        async with reached:
            plan = _plan(file) if file.exists() else None
            if plan is None:
                plan = await make(reached, cell, leaves_from, to)
                _write(file, plan)
            if (plan.cell, plan.leaves_from, plan.to) != (cell, leaves_from, to):
                raise BadInput(f"{file} is another move, which was not ended: end it, or name another file.")
            await Mover(reached, told.append if json else say).move(plan, is_lost=lost)
            file.unlink()

    why = ""
    try:
        asyncio.run(main())
    except CannotMove as error:
        why = str(error)
    if json:
        asked = {"cell": cell, "from": leaves_from, "to": to}
        print_json({"schema_version": 1} | asked | {"moved": not why, "why": why, "told": told})
    elif why:
        say(f"not moved: {why}", to_stderr=True)
    else:
        say(f"cell {cell} has a member on server {to}")
    return int(bool(why))


def inspect(
    partition: Partition, folder: Folder = FOLDER, at: At = None, keys: KeysFile = None, json: Json = False
) -> int:
    """Say what each server's node of a cell is, knows and waits for, and why it does not serve.

    Exit code 0: somebody knows the cell; 1: nobody does.
    """
    reached, cell = operator(folder, at, keys, 5.0), cell_named(partition)
    told = asyncio.run(_inspect(reached, cell))
    nodes = {server: one for server, one in told.items() if isinstance(one, dict) and "life_state" in one}
    if json:
        print_json({"schema_version": 1, "cell": cell, "nodes": [nodes[server] for server in sorted(nodes)]})
    else:
        for server, one in sorted(told.items()):
            say(f"server {server}: {_words(one)}")
    return 0 if nodes else 1


async def _inspect(reached: "Operator", cell: int) -> dict[int, dict[str, Any] | str]:
    async with reached:
        servers = list(reached.addresses)
        said = await asyncio.gather(*(reached.inspect(server, cell) for server in servers))
        return dict(zip(servers, said, strict=True))


def cell_named(partition: str) -> int:
    """The cell of a partition key, or of a number. Raises `BadInput`."""
    from physalia.model import cell_of  # noqa: PLC0415

    try:
        return cell_of(int(partition) if partition.isascii() and partition.isdigit() else partition)
    except ValueError as error:
        raise BadInput(f"{partition!r} names no cell: {error}.") from None


def _words(told: dict[str, Any] | str) -> str:
    if isinstance(told, str):
        return told
    if "life_state" not in told:
        return "has no node of it"
    if told["life_state"] == "gone":
        places = ", ".join(f"server {server}" for server in sorted(told["moved_to"].values()))
        return f"node {told['node']} left; as of version {told['version_of_members']} the cell is on {places}"
    why = f"; {told['does_not_serve']}" if told["does_not_serve"] else "; it leads"
    waits = f"; it waits for {jsons.dumps(told['waits_for'])}" if told["waits_for"] else ""
    known = f"knows {told['prefix']} slots and version {told['version_of_members']} of the members"
    return f"node {told['node']} ({told['life_state']}) {known}{why}{waits}"


def _write(file: Path, plan: "Plan") -> None:
    """Let the move stand in the file, safe when it returns: all of it or, whatever cuts this short, nothing."""
    plain = {"schema_version": 1} | {name: getattr(plan, name) for name in PARTS}
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with fresh.open("x", encoding="utf-8") as out:
                out.write(jsons.dumps(plain, indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
            os.link(fresh, file)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise CannotRun(f"{file} cannot be written ({error.strerror}): nobody was asked.") from None


def _plan(file: Path) -> "Plan":
    from physalia.client.moving import Plan  # noqa: PLC0415

    try:
        plain = jsons.loads(file.read_text(encoding="utf-8"))
        numbers = {name: int(plain[name]) for name in PARTS if name != "disk"}
        bytes.fromhex(plain["disk"])
        return Plan(disk=plain["disk"], **numbers)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{file} is no move ({error!r}): name another file.") from None
