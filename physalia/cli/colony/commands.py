"""``physalia colony``: a colony on this machine, started, looked at, broken, healed and ended."""

import asyncio
import time
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.options import Json
from physalia.cli.terminal import console, print_json, say

if TYPE_CHECKING:
    from physalia.colony import Colony, Processes

app = typer.Typer(help="A colony of servers on this machine.", no_args_is_help=True, rich_markup_mode=None)

FOLDER = Path(".physalia", "colony")
SERVERS, CELLS = 3, 1
HELD = ("nodes", "in_memory", "leading", "stopped", "moving", "left")
Folder = Annotated[Path, typer.Option("--folder", help="Where the files of the colony are.")]
Servers = Annotated[
    int | None, typer.Option("--servers", min=1, max=64, help="How many servers a new colony has.", show_default="3")
]
Cells = Annotated[
    int | None, typer.Option("--cells", min=0, max=10_000, help="How many cells a new colony has.", show_default="1")
]
Server = Annotated[int, typer.Argument(metavar="SERVER", help="The number of the server.")]


class How(StrEnum):
    """How to break a server."""

    KILL = "kill"
    STOP = "stop"
    CUT = "cut"
    SPLIT = "split"
    DELAY = "delay"
    LOSE = "lose"
    FULL = "full"
    CLOCK = "clock"


@app.command()
def up(folder: Folder = FOLDER, servers: Servers = None, cells: Cells = None, json: Json = False) -> int:
    """Start all servers that do not run; make the colony first, if there is none."""
    from physalia import colony as colonies  # noqa: PLC0415  # brings SQLite

    try:
        try:
            colony = colonies.load(folder)
            _refuse_others(colony, servers, cells)
        except colonies.NoColony:
            made = (SERVERS if servers is None else servers, CELLS if cells is None else cells)
            colony = colonies.lay_out(folder, *made, has_network=True, caches=1)
    except ValueError as error:
        raise BadInput(str(error)) from None
    try:
        colonies.Processes(colony).start(*colony.settings)
    except colonies.ServerFailed as error:
        raise CannotRun(str(error)) from None
    if json:
        at = [{"server": number, "address": address} for number, address in colony.by_server.items()]
        url = f"physalia://{','.join(colony.addresses)}"
        print_json({"schema_version": 1, "url": url, "keys": str(colony.ring.path), "servers": at})
        return 0
    for number, address in colony.by_server.items():
        say(f"server {number} listens at {address}")
    return 0


def _refuse_others(colony: "Colony", servers: int | None, cells: int | None) -> None:
    """A colony keeps the servers and the cells with which it was made. Raises `BadInput`."""
    for what, asked, there in (("servers", servers, colony.settings), ("cells", cells, colony.cells)):
        if asked not in (None, len(there)):
            raise BadInput(
                f"{colony.folder} has a colony that was made with {len(there)} {what}, and --{what} says {asked}: name "
                "another folder, or leave the option out."
            )


@app.command()
def status(
    folder: Folder = FOLDER,
    watch_s: Annotated[
        float | None, typer.Option("--watch", metavar="S", min=0.05, help="Look again every S seconds, until Ctrl-C.")
    ] = None,
    looks: Annotated[
        int | None, typer.Option("--looks", metavar="N", min=1, help="With --watch: look N times, and end.")
    ] = None,
    json: Json = False,
) -> int:
    """Say of every server whether it runs, and what is wrong with it. Exit code 0 if all run well, 1 otherwise."""
    if watch_s is None:
        if looks is not None:
            raise BadInput("--looks says how often --watch looks: give both, or none.")
        return _look(folder, json)
    screen, seen = console(), 0
    while True:
        if screen.is_terminal and not json:
            screen.clear()
        code, seen = _look(folder, json), seen + 1
        if seen == looks:
            return code
        time.sleep(watch_s)  # there is no event: the servers are other processes


def _look(folder: Path, json: bool) -> int:
    """Look at all servers once, and say what is seen; the exit code of `status`."""
    colony, processes = open_colony(folder)
    bad = _bad_ways(colony) if any(processes.pid(number) is not None for number in colony.settings) else {}
    servers: list[dict[str, Any]] = [
        {
            "server": number,
            "address": address,
            "state": _state(processes, number),
            "network": sorted({rule for (one, other), rule in bad.items() if number in (one, other)}),
            "wrong": _wrong(colony, number) if _state(processes, number) == "running" else [],
            "holds": _holds(colony, number) if _state(processes, number) == "running" else None,
        }
        for number, address in colony.by_server.items()
    ]
    if json:
        print_json({"schema_version": 4, "cells": _cells(servers), "servers": servers})
    else:
        for one in servers:
            network = f"; its connections are {' and '.join(one['network'])}" if one["network"] else ""
            wrong = "".join(f"; {words}" for words in one["wrong"])
            say(f"server {one['server']} at {one['address']}: {one['state']}{network}{wrong}{_counted(one['holds'])}")
        say(f"{_cells(servers)} cells have a leader")
    return 0 if all(one["state"] == "running" and not one["network"] and not one["wrong"] for one in servers) else 1


@app.command("break")
def break_(
    server: Server,
    how: Annotated[
        How,
        typer.Option(
            "--how",
            help="Kill it; let it stand still; cut it off, or split it from other servers only; delay what comes and "
            "goes; let its connections be lost again and again; let its disk be full; or let its clock go too fast.",
        ),
    ] = How.KILL,
    apart: Annotated[
        str, typer.Option("--from", metavar="N,N", help="Cut, delay or lose only between it and these; 0 is clients.")
    ] = "",
    folder: Folder = FOLDER,
    json: Json = False,
) -> int:
    """Break a server, as a fault would."""
    from physalia.colony.faults import OF_NETWORK, Fault, Faults  # noqa: PLC0415

    colony, processes = known_server(folder, server)
    fault, others = Fault(how.value), _numbers(colony, apart)
    if others is not None and server in others:
        raise BadInput(f"--from names server {server} itself, and nothing is between it and itself: name others.")
    if others is not None and fault not in OF_NETWORK:
        raise BadInput(f"--from says where the network fails, and {how.value} is no fault of the network.")
    _carry_out(Faults(colony, processes).break_(server, fault, others))
    if json:
        done = {"how": how.value, "from": others, "process": _state(processes, server)}
        print_json({"schema_version": 1, "server": server} | done)
    else:
        say(f"server {server} is {_words(processes, server, how)}")
    return 0


@app.command()
def heal(server: Server, folder: Folder = FOLDER, json: Json = False) -> int:
    """End whatever `break` did to a server, and start it if it does not run."""
    from physalia.colony.faults import Faults  # noqa: PLC0415

    colony, processes = known_server(folder, server)
    _carry_out(Faults(colony, processes).heal(server))
    if json:
        print_json({"schema_version": 1, "server": server, "process": _state(processes, server)})
    else:
        say(f"server {server} is {_state(processes, server)}")
    return 0


@app.command()
def down(folder: Folder = FOLDER) -> int:
    """Let all servers answer what they were asked, and end. Their disks stay."""
    from physalia.colony import ServerFailed  # noqa: PLC0415

    colony, processes = open_colony(folder)
    try:
        processes.end(*colony.settings)
    except ServerFailed as error:
        raise CannotRun(str(error)) from None
    processes.end_network()
    return 0


@app.command()
def restart(folder: Folder = FOLDER) -> int:
    """Restart all servers, one after the other, each only when all are well: clients go on meanwhile."""
    from physalia.colony import ServerFailed  # noqa: PLC0415
    from physalia.colony.health import restart_in_turn  # noqa: PLC0415

    colony, processes = open_colony(folder)
    try:
        restart_in_turn(colony, processes, lambda server: say(f"server {server} is started anew"))
    except ServerFailed as error:
        raise CannotRun(str(error)) from None
    return 0


def open_colony(folder: Path) -> "tuple[Colony, Processes]":
    """The colony in a folder. Raises `BadInput`."""
    from physalia import colony as colonies  # noqa: PLC0415

    try:
        colony = colonies.load(folder)
    except ValueError as error:
        raise BadInput(str(error)) from None
    return colony, colonies.Processes(colony)


def known_server(folder: Path, server: int) -> "tuple[Colony, Processes]":
    """The colony, which has a server of this number. Raises `BadInput`."""
    colony, processes = open_colony(folder)
    if server not in colony.settings:
        raise BadInput(f"there is no server {server} in {folder}: there are {', '.join(map(str, colony.settings))}.")
    return colony, processes


def _carry_out(work: Coroutine[Any, Any, None]) -> None:
    from physalia.colony import NoNetwork, ServerFailed  # noqa: PLC0415

    try:
        asyncio.run(work)
    except (ServerFailed, NoNetwork) as error:
        raise CannotRun(str(error)) from None


def _numbers(colony: "Colony", text: str) -> list[int] | None:
    if not text:
        return None
    try:
        numbers = [int(one) for one in text.split(",")]
    except ValueError:
        raise BadInput(f"--from has {text!r}: expected numbers of servers, such as 1,3, and 0 for clients.") from None
    for one in numbers:
        if one and one not in colony.settings:
            raise BadInput(f"--from names server {one}: there are {', '.join(map(str, colony.settings))}.")
    return numbers


def _holds(colony: "Colony", number: int) -> dict[str, int] | None:
    """What a server says of all its nodes; None if it says nothing. Of now, and each server for itself."""
    from physalia.colony.health import page  # noqa: PLC0415

    told = page(colony, number, "/inspect")
    try:
        return None if told is None else {name: int(told[name]) for name in HELD}
    except (KeyError, TypeError, ValueError):
        return None


def _wrong(colony: "Colony", number: int) -> list[str]:
    """What is wrong with a server that runs, in words of its own; nothing if nobody may look at it."""
    from physalia.colony.health import page  # noqa: PLC0415

    if colony.settings[number].watch is None:
        return []
    told = page(colony, number, "/health")
    if told is None:
        return ["does not serve"]
    full = ["out of room"] if told.get("is_full") or told.get("is_capped") else []
    return full + (["its clock is wrong"] if told.get("clock_rate", 1.0) != 1.0 else [])


def _cells(servers: list[dict[str, Any]]) -> int:
    """How many cells have a leader, as all servers together see it."""
    return sum(one["holds"]["leading"] for one in servers if one["holds"] is not None)


def _counted(holds: dict[str, int] | None) -> str:
    if holds is None:
        return ""
    stopped = f", {holds['stopped']} stopped for good" if holds["stopped"] else ""
    moving = f", {holds['moving']} join or leave" if holds["moving"] else ""
    left = f", {holds['left']} left" if holds["left"] else ""
    return f"; {holds['nodes']} nodes, {holds['in_memory']} in memory, {holds['leading']} lead{stopped}{moving}{left}"


def _bad_ways(colony: "Colony") -> dict[tuple[int, int], str]:
    from physalia.colony import NoNetwork  # noqa: PLC0415

    if not colony.ways:
        return {}
    try:
        rules = colony.network.rules()
    except NoNetwork:
        return {(way.source, way.target): "gone" for way in colony.ways}
    return {
        pair: "cut" if rule.is_cut else "late" if rule.delay_s else "lost again and again"
        for pair, rule in rules.items()
    }


def _words(processes: "Processes", server: int, how: How) -> str:
    words = {
        How.CUT: "cut off",
        How.SPLIT: "cut off from other servers",
        How.DELAY: "late",
        How.LOSE: "losing its connections",
        How.FULL: "out of room: its journal may not grow",
        How.CLOCK: "wrong about the time: its clock goes three times as fast",
    }
    return words.get(how) or _state(processes, server)


def _state(processes: "Processes", server: int) -> str:
    if processes.pid(server) is None:
        return "not running"
    return "standing still" if processes.is_stopped(server) else "running"
