"""``physalia conformance gameday``: minutes of trouble for real processes, judged by everybody."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import EXIT_CODES, BadInput, CannotRun, Verdict
from physalia.cli.options import Json, Seed, put
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from conformance.colonies.verdict import Part
    from conformance.gameday.day import Day
    from physalia.colony import Colony

SCHEMA_VERSION = 2
MOST_MINUTES = 7 * 24 * 60
SETTINGS = 'record = "traces"\nsuspect_after_s = 1.5\ncold_after_s = 5.0\nlog_slots = 64'


def gameday(
    minutes: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=MOST_MINUTES,
            metavar="N",
            help="How long servers are broken and healed; longer, until each fault came once.",
        ),
    ] = 1.0,
    cells: Annotated[int, typer.Option(min=1, max=1000, help="How many cells.")] = 16,
    clients: Annotated[int, typer.Option(min=1, max=1000, help="How many clients.")] = 12,
    servers: Annotated[
        int, typer.Option(min=1, max=64, help="How many servers; beyond three, cells move among them.")
    ] = 4,
    faults: Annotated[str | None, typer.Option(metavar="F,F", help="Only these faults; all, if none.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page there.")] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep colony, histories and traces there.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Break and heal real servers under load, at random, and judge histories, traces, disks and leaks.

    Meanwhile cells move, a server that lost its disk is replaced, and servers go back to older versions.

    What failed the last time comes first. Exit code 0: all of it was judged and accepted; 1: something cannot be so; 2:
    the command is wrong; 3: something could not be judged.
    """
    from conformance.colonies.verdict import verdict  # noqa: PLC0415
    from conformance.gameday import kept, page  # noqa: PLC0415

    names = _known(faults)
    if html is not None and (html.is_dir() or not html.parent.is_dir()):
        raise BadInput(f"--html {html} cannot be written: name a file in a folder that is there.")
    folder = Path(tempfile.mkdtemp(prefix="physalia-gameday-")) if keep is None else keep
    day, parts = _run(folder, minutes * 60, names, cells, clients, servers, seed)
    whole = verdict(parts)
    again = f"physalia conformance gameday --minutes {minutes:g} --cells {cells} --clients {clients}"
    again += f" --servers {servers} --seed {seed}" + ("" if faults is None else f" --faults {faults}")
    if html is not None:
        title = f"Game day of {minutes:g} minutes, seed {seed}: {whole}"
        put({html: page.page(day, parts, title, again).encode()})
    if whole is Verdict.REFUTED:
        kept.keep([band.blow for band in day.bands])
    if keep is None and whole is Verdict.HOLDS:
        shutil.rmtree(folder)
    _print(day, parts, whole, seed, again, json=json)
    if not json and not (keep is None and whole is Verdict.HOLDS):
        say(f"all of it is in {folder}")
    return EXIT_CODES[whole]


def _print(day: "Day", parts: "list[Part]", whole: Verdict, seed: int, again: str, *, json: bool) -> None:
    if json:
        print_json(
            {
                "schema_version": SCHEMA_VERSION,
                "verdict": whole,
                "seed": seed,
                "seconds": round(day.seconds, 1),
                "operations": day.operations,
                "faults": [
                    {
                        "fault": band.blow.fault, "servers": list(band.blow.servers), "what": band.blow.words,
                        "begin_s": round(band.begin_s, 2), "end_s": round(band.end_s, 2),
                    }
                    for band in day.bands
                ],
                "moved": day.moved,
                "replaced": day.replaced,
                "spoken": {str(version): pairs for version, pairs in sorted(day.spoken.items())},
                "left_out": day.left_out,
                "parts": [
                    {"name": one.name, "verdict": one.verdict, "why": one.why, "judged": one.judged} for one in parts
                ],
            }
        )  # fmt: skip
        return
    for one in parts:
        say(f"{one.name}: {one.verdict}: {one.why}", *(f"  {line}" for line in one.lines))
    for name, why in day.left_out.items():
        say(f"left out: {name}: {why}")
    say(f"{whole}: through {len(day.bands)} faults and {day.operations:,} operations", f"again: {again}")


def _run(
    folder: Path, seconds: float, names: tuple[str, ...], cells: int, clients: int, servers: int, seed: int
) -> "tuple[Day, list[Part]]":
    """The day, and the verdicts on it. Every process is ended whatever happens."""
    from conformance.gameday.faults import MEMBERS  # noqa: PLC0415
    from conformance.gameday.judging import judge  # noqa: PLC0415
    from physalia import colony as colonies  # noqa: PLC0415
    from physalia.errors import PhysaliaError  # noqa: PLC0415

    try:
        size = min(servers, MEMBERS)
        colony = colonies.lay_out(
            folder / "colony", servers, cells, extra=SETTINGS, has_network=True, caches=1, size=size
        )
    except ValueError as error:
        raise BadInput(str(error)) from None
    processes = colonies.Processes(colony)
    try:
        processes.start(*colony.settings)
        day = asyncio.run(_live(colony, processes, seconds, names, clients, seed))
        processes.end(*colony.settings)
    except (colonies.ServerFailed, colonies.NoNetwork, PhysaliaError) as error:
        raise CannotRun(f"{error} The files are in {folder}.") from None
    finally:
        processes.kill_all()
    say("  judging", to_stderr=True)
    return day, judge(day, colony, folder, cells + clients, seed)


async def _live(
    colony: "Colony", processes: object, seconds: float, names: tuple[str, ...], clients: int, seed: int
) -> "Day":
    from conformance.gameday import day, faults, kept  # noqa: PLC0415
    from physalia.colony import Processes  # noqa: PLC0415

    assert isinstance(processes, Processes)
    servers = list(colony.settings)
    possible, left_out = faults.allowed(names, len(servers))
    for name, why in left_out.items():
        say(f"  left out: {name}: {why}", to_stderr=True)
    if not possible:
        raise BadInput("none of these faults can be had here: name others.")
    return await day.live(
        colony, processes, clients=clients, seconds=seconds, seed=seed, wanted=frozenset(names), left_out=left_out,
        next_blow=faults.plan(possible, servers, colony.cells, seed, kept.kept(servers, colony.cells)),
        told=lambda what: say(f"  {what}", to_stderr=True),
    )  # fmt: skip


def _known(text: str | None) -> tuple[str, ...]:
    from conformance.gameday.faults import NAMES  # noqa: PLC0415

    if text is None:
        return NAMES
    names = tuple(one for one in text.split(",") if one)
    for name in names:
        if name not in NAMES:
            raise BadInput(f"there is no fault called {name!r}; there are {', '.join(NAMES)}.")
    return names
