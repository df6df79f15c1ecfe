"""``physalia colony demo``: a colony in trouble, and the judges of what its clients and its disks say."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import EXIT_CODES, BadInput, CannotRun, Verdict
from physalia.cli.options import Json, Seed
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.colonies.verdict import Part
    from physalia.colony.faults import Fault
    from physalia.colony.trouble import Told, Trouble

ALL = "kill,stop,cut,full,delay,split,lose,clock"
SETTINGS = "suspect_after_s = 1.5\nlog_slots = 200"
CELL_SIZE = 3
"""How many members a cell has, if there are so many servers."""


def demo(
    cells: Annotated[int, typer.Option("--cells", min=1, max=1000, help="How many cells.")] = 4,
    clients: Annotated[int, typer.Option("--clients", min=1, max=1000, help="How many clients.")] = 16,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.0, help="How long servers are broken and healed.")
    ] = 60.0,
    faults: Annotated[str, typer.Option("--faults", metavar="F,F", help="In turn: some of all of these.")] = ALL,
    servers: Annotated[
        int, typer.Option("--servers", min=1, max=64, help="How many servers; beyond three, cells move among them.")
    ] = 4,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Keep the colony and the histories there.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Let clients work while servers are broken and healed and cells move, and judge what clients saw and disks have.

    Exit code 0: all of it was judged and accepted; 1: something cannot be so; 3: something could not be judged.
    """
    from conformance.colonies.verdict import verdict  # noqa: PLC0415

    kinds = _kinds(faults)
    folder = Path(tempfile.mkdtemp(prefix="physalia-demo-")) if keep is None else keep

    def told(what: str) -> None:
        say(f"  {what}", to_stderr=True)

    told(f"{servers} servers, {cells} cells, {clients} clients, seed {seed}")
    trouble, parts = _run(folder, cells, clients, seconds, kinds, servers, seed, told)
    whole = verdict(parts)
    if keep is None and whole is Verdict.HOLDS:
        shutil.rmtree(folder)
    if json:
        print_json(
            {
                "schema_version": 2,
                "verdict": whole,
                "seed": seed,
                "moves": trouble.moves,
                "faults": dict(trouble.faults),
                "parts": [
                    {"name": one.name, "verdict": one.verdict, "why": one.why, "judged": one.judged} for one in parts
                ],
            }
        )
        return EXIT_CODES[whole]
    for one in parts:
        say(f"{one.name}: {one.verdict}: {one.why}", *(f"  {line}" for line in one.lines))
    happened = ", ".join(f"{count} {name}" for name, count in sorted(trouble.faults.items())) or "no fault"
    where = "" if keep is None and whole is Verdict.HOLDS else f"; all of it is in {folder}"
    say(f"{whole}: through {happened}{where}")
    return EXIT_CODES[whole]


def _run(
    folder: Path,
    cells: int,
    clients: int,
    seconds: float,
    kinds: "Sequence[Fault]",
    servers: int,
    seed: int,
    told: "Told",
) -> "tuple[Trouble, list[Part]]":
    """The trouble, and the verdicts on it. Every process is ended whatever happens."""
    from conformance.colonies import verdict as judges  # noqa: PLC0415
    from physalia import colony as colonies  # noqa: PLC0415
    from physalia.client import ClientError  # noqa: PLC0415
    from physalia.colony.trouble import make_trouble  # noqa: PLC0415

    size = min(servers, CELL_SIZE)
    try:
        colony = colonies.lay_out(
            folder / "colony", servers, cells, extra=SETTINGS, has_network=True, caches=1, size=size
        )
    except ValueError as error:
        raise BadInput(str(error)) from None
    processes = colonies.Processes(colony)
    try:
        processes.start(*colony.settings)
        trouble = asyncio.run(
            make_trouble(
                colony,
                processes,
                clients=clients,
                seconds=seconds,
                faults=kinds,
                seed=seed,
                told=told,
                moves=servers > size,
            )
        )
        processes.end(*colony.settings)
    except (colonies.ServerFailed, colonies.NoNetwork, ClientError) as error:
        raise CannotRun(f"{error} The files are in {folder}.") from None
    finally:
        processes.kill_all()
    told("judging")
    parts = judges.judge_histories(trouble.saw.write(folder), cells + clients)
    parts += [judges.judge_moves(trouble.moves)] if servers > size else []
    parts += [judges.judge_looks(trouble.saw.looks)]
    parts += [judges.judge_disks(list(colony.settings.values()), settled=trouble.settled)]
    if kinds and not trouble.faults:
        parts += [judges.NO_FAULT]
    return trouble, parts


def _kinds(text: str) -> "list[Fault]":
    from physalia.colony.faults import Fault  # noqa: PLC0415

    known = {one.value: one for one in Fault}
    names = [one for one in text.split(",") if one]
    for name in names:
        if name not in known:
            raise BadInput(f"there is no fault called {name!r}; there are {', '.join(known)}.")
    return [known[name] for name in names]
