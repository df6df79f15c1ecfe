"""How a server starts and ends: what must be right before anything is changed, and what a signal means."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import frozen
from structlog.typing import FilteringBoundLogger

from physalia.cell import CorruptRecords
from physalia.host import Host
from physalia.journal import (
    Directory,
    Files,
    FlushFailed,
    Journal,
    JournalDamaged,
    JournalError,
    JournalExists,
    NodeKey,
)
from physalia.server.atlas import Atlas
from physalia.server.foundings import NAME, Foundings
from physalia.server.foundry import plan_of
from physalia.server.logs import logger
from physalia.server.server import BACKLOG, Server
from physalia.server.settings import LoopName, Settings, faults_of
from physalia.transport import KeyFile
from physalia.wire import CodecError, encode_record


class CannotStart(Exception):
    """Something here does not let the server start, or go on; the message is a sentence."""


class NotSettled(ValueError):
    """What the server was told does not fit what is on its disk; the message is a sentence."""


@frozen
class Prepared:
    """A server that could be started: its port is bound, its journal open, its nodes back."""

    settings: Settings
    listener: socket.socket
    host: Host
    atlas: Atlas
    foundings: Foundings
    ring: KeyFile


def create(settings: Settings) -> None:
    """Make the journal of a new server, with the births of its nodes, safe when it returns (design rule R15).

    Only if there is no journal, or one in which no node was ever born. Raises `NotSettled` and what a journal raises.
    """
    folder = settings.directory
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be made ({error.strerror}): name another directory.") from None
    files = Directory(folder)
    with suppress(JournalExists):
        Journal.create(files, settings.server)
    with Journal(files, settings.server, encode_record) as journal:
        if next(journal.nodes(), None) is not None:
            raise NotSettled(
                f"{folder} has nodes already, which are never made anew: start the server without --create."
            )
        for key, _ in Atlas(settings.server, settings.cells).all_here():
            journal.admit(key)
        journal.flush()


def prepare(settings: Settings) -> Prepared:
    """Do all that can go wrong, the port first, so that nothing is changed by a server that cannot serve.

    Raises `CannotStart`, `NotSettled`, `BadKeys` and what a journal raises.
    """
    ring = KeyFile(settings.keys)
    for peer in settings.peers:
        if ring().between(settings.server, peer) is None:
            raise NotSettled(
                f"{settings.keys} has no key for servers {settings.server} and {peer}: add one that both have, and "
                "nobody else."
            )
    listener = _bind(settings)
    files = Directory(settings.directory)
    try:
        host = Host(Journal(files, settings.server, encode_record))
    except BaseException:
        listener.close()
        raise
    try:
        foundings = _foundings(files, settings)
        atlas = Atlas(settings.server, (*settings.cells, *map(plan_of, foundings.read)))
        _bring_back(host, atlas, settings.directory)
    except BaseException:
        listener.close()
        with suppress(FlushFailed):
            host.journal.close()
        raise
    return Prepared(settings, listener, host, atlas, foundings, ring)


def serve(prepared: Prepared, told: Callable[[str], None]) -> bool:
    """Serve until a signal says to end; a second one ends at once. Returns whether all that was asked was answered.

    `told` is called with a sentence when the server listens. Raises `CannotStart` if something failed meanwhile.
    """
    settings = prepared.settings
    log = logger(settings.server)
    try:
        with asyncio.Runner(loop_factory=loop_factory(settings.loop)) as runner:
            return runner.run(_serve(prepared, log, told))
    except* (FlushFailed, JournalDamaged, CorruptRecords, CodecError) as group:
        raise CannotStart(_sentence(group)) from None
    finally:
        prepared.listener.close()
        with suppress(FlushFailed):
            prepared.host.journal.close()


def loop_factory(name: LoopName) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop: uvloop's if it is asked for, or if it is there and nothing is asked for."""
    if name == "asyncio":
        return None
    try:
        import uvloop  # noqa: PLC0415  # an extra
    except ImportError:
        if name == "auto":
            return None
        raise CannotStart("uvloop is not installed: install physalia[fast], or let loop be asyncio.") from None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made


async def _serve(prepared: Prepared, log: FilteringBoundLogger, told: Callable[[str], None]) -> bool:
    server = Server(prepared.settings, prepared.host, prepared.atlas, prepared.foundings, prepared.ring, log)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(server.run(prepared.listener, stop))

    def signalled() -> None:
        if stop.is_set():
            running.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled)
    told(f"server {prepared.settings.server} listens at {prepared.settings.listen}")
    try:
        await running
    except asyncio.CancelledError:
        return False
    return not len(server.requests)


def _bind(settings: Settings) -> socket.socket:
    address = settings.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"{address} is in use by another process: let listen name a free port.") from None
        raise CannotStart(f"{address} cannot be listened at ({error.strerror}): name one of this machine.") from None


def _foundings(files: Files, settings: Settings) -> Foundings:
    """The cells that were founded here since, all of which must fit the settings of today."""
    try:
        foundings = Foundings(files)
    except OSError as error:
        raise CannotStart(
            f"{files.path(NAME)} cannot be read ({error.strerror}): mend the cause, start again."
        ) from None
    servers, named = {settings.server, *settings.peers}, {plan.cell for plan in settings.cells}
    for founding in foundings.read:
        for fault in faults_of(plan_of(founding), servers):
            raise NotSettled(f"{files.path(NAME)} has cell {founding.cell}, and the settings do not fit it: {fault}.")
        if founding.cell in named:
            raise NotSettled(
                f"cell {founding.cell} stands in {files.path(NAME)} and in the settings: take it out there."
            )
    return foundings


def _bring_back(host: Host, atlas: Atlas, folder: Path) -> None:
    """Start every node of a known cell; the journal knows each of them, and no other that ever did something."""
    known = set(host.journal.nodes())
    for key, charter in atlas.all_here():
        if key not in known:
            raise NotSettled(_unknown(key, folder))
        try:
            host.start(key, charter)
        except (CorruptRecords, CodecError) as error:
            raise CannotStart(f"{folder} has impossible records of {key} ({error}): count the disk as lost.") from None
        known.discard(key)
    for key in sorted(known):
        if host.journal.read(key):  # else it was born, and the server ended before anybody was told of its cell
            raise NotSettled(f"{folder} has {key}, of which the settings say nothing: name its cell.")


def _unknown(key: NodeKey, folder: Path) -> str:
    return (
        f"{folder} never heard of {key}: a node that lost its disk comes back under a new incarnation, or not at all."
    )


def _sentence(group: BaseExceptionGroup[Exception]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, JournalError) else f"a node cannot go on from its disk: {error}."
