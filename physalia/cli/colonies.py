"""``physalia colony``: a colony on this machine, started, looked at, broken, ended, and shown."""

import asyncio
import signal
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.options import Json, Seed
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.colony import Colony, Processes

app = typer.Typer(help="A colony of servers on this machine.", no_args_is_help=True, rich_markup_mode=None)

FOLDER = Path(".physalia", "colony")
Folder = Annotated[Path, typer.Option("--folder", help="Where the files of the colony are.")]
Servers = Annotated[int, typer.Option("--servers", min=1, max=64, help="How many servers a new colony has.")]
Cells = Annotated[int, typer.Option("--cells", min=1, max=10_000, help="How many cells a new colony has.")]


class How(StrEnum):
    """How to break a server."""

    KILL = "kill"
    """As kill -9 does it."""
    STOP = "stop"
    """It stands still, with all its connections, as SIGSTOP does it."""


@app.command()
def up(folder: Folder = FOLDER, servers: Servers = 3, cells: Cells = 1) -> int:
    """Start all servers that do not run; make the colony first, if there is none."""
    from physalia import colony as colonies  # noqa: PLC0415  # brings SQLite

    try:
        try:
            colony = colonies.load(folder)
        except colonies.NoColony:
            colony = colonies.lay_out(folder, servers, cells)
    except ValueError as error:
        raise BadInput(str(error)) from None
    try:
        colonies.Processes(colony).start(*colony.settings)
    except colonies.ServerFailed as error:
        raise CannotRun(str(error)) from None
    for number, settings in colony.settings.items():
        say(f"server {number} listens at {settings.listen}")
    return 0


@app.command()
def status(folder: Folder = FOLDER, json: Json = False) -> int:
    """Say of every server whether it runs. Exit code 0 if all do, 1 otherwise."""
    colony, processes = _open(folder)
    states = {number: _state(processes, number) for number in colony.settings}
    if json:
        servers = [
            {"server": number, "address": str(colony.settings[number].listen), "state": state}
            for number, state in states.items()
        ]
        print_json({"schema_version": 1, "cells": len(colony.cells), "servers": servers})
    else:
        for number, state in states.items():
            say(f"server {number} at {colony.settings[number].listen}: {state}")
    return 0 if set(states.values()) == {"running"} else 1


@app.command("break")
def break_(
    server: Annotated[int, typer.Argument(metavar="SERVER", help="The number of the server.")],
    how: Annotated[How, typer.Option("--how", help="Kill it, or let it stand still.")] = How.KILL,
    folder: Folder = FOLDER,
) -> int:
    """Break a server, as a fault would."""
    _, processes = _known(folder, server)
    if how is How.KILL:
        processes.kill(server)
    elif not processes.stop(server):
        raise CannotRun(f"server {server} does not run: `physalia colony up` starts it.")
    say(f"server {server} is {_state(processes, server)}")
    return 0


@app.command()
def heal(
    server: Annotated[int, typer.Argument(metavar="SERVER", help="The number of the server.")], folder: Folder = FOLDER
) -> int:
    """Let a server that stands still go on, and start one that does not run."""
    from physalia.colony import ServerFailed  # noqa: PLC0415

    _, processes = _known(folder, server)
    try:
        processes.send(server, signal.SIGCONT)
        processes.start(server)
    except ServerFailed as error:
        raise CannotRun(str(error)) from None
    say(f"server {server} is {_state(processes, server)}")
    return 0


@app.command()
def down(folder: Folder = FOLDER) -> int:
    """Let all servers answer what they were asked, and end. Their disks stay."""
    from physalia.colony import ServerFailed  # noqa: PLC0415

    colony, processes = _open(folder)
    try:
        processes.end(*colony.settings)
    except ServerFailed as error:
        raise CannotRun(str(error)) from None
    return 0


@app.command()
def demo(
    cells: Cells = 4,
    clients: Annotated[int, typer.Option("--clients", min=1, max=1000, help="How many clients.")] = 16,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each server is killed.")] = 3,
    pause: Annotated[float, typer.Option("--pause", min=0.0, help="Seconds before and after a kill.")] = 2.0,
    seed: Seed = 0,
) -> int:
    """Start three servers, let clients write and read while each is killed in turn, and judge what clients saw.

    Exit code 0: all of it is what one register a cell would have answered; 1: it is not.
    """
    from conformance.refutation import Refuted  # noqa: PLC0415
    from conformance.registers import Operation, judge  # noqa: PLC0415
    from physalia import colony as colonies  # noqa: PLC0415
    from physalia.cell.state import FIRST_VOLUME  # noqa: PLC0415
    from physalia.client import ClientError  # noqa: PLC0415
    from physalia.colony.demo import demonstrate  # noqa: PLC0415

    def told(what: str) -> None:
        say(f"  {what}", to_stderr=True)

    with tempfile.TemporaryDirectory(prefix="physalia-demo-") as folder:
        colony = colonies.lay_out(Path(folder, "colony"), cells=cells, extra="suspect_after_s = 1.5")
        processes = colonies.Processes(colony)
        try:
            processes.start(*colony.settings)
            told(f"3 servers, {cells} cells, {clients} clients")
            work = demonstrate(colony, processes, clients=clients, rounds=rounds, pause_s=pause, seed=seed, told=told)
            history = [Operation(*saw) for saw in asyncio.run(work)]
        except (colonies.ServerFailed, ClientError) as error:
            raise CannotRun(str(error)) from None
        finally:
            for server in colony.settings:
                processes.kill(server)
    answered, kills = sum(one.verdict is not None for one in history), rounds * len(colony.settings)
    try:
        judged = judge(history, FIRST_VOLUME)
    except Refuted as refuted:
        say(f"refuted: {refuted.title}", *(f"  {line}" for line in refuted.lines))
        return 1
    if judged < cells + clients:
        raise CannotRun(f"clients were answered {judged} times only: this machine has too much to do.")
    uncertain = len(history) - answered
    through = f"through {kills} kills; {uncertain:,} are uncertain"
    say(f"holds: {judged:,} answers are those of one register a cell, {through}")
    return 0


def _open(folder: Path) -> "tuple[Colony, Processes]":
    from physalia import colony as colonies  # noqa: PLC0415

    try:
        colony = colonies.load(folder)
    except ValueError as error:
        raise BadInput(str(error)) from None
    return colony, colonies.Processes(colony)


def _known(folder: Path, server: int) -> "tuple[Colony, Processes]":
    colony, processes = _open(folder)
    if server not in colony.settings:
        raise BadInput(f"there is no server {server} in {folder}: there are {', '.join(map(str, colony.settings))}.")
    return colony, processes


def _state(processes: "Processes", server: int) -> str:
    if processes.pid(server) is None:
        return "not running"
    return "standing still" if processes.is_stopped(server) else "running"
