"""How a server starts and ends: what must be right before anything is changed, and what a signal means."""

import asyncio
import errno
import gc
import resource
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from attrs import frozen
from structlog.typing import FilteringBoundLogger

from physalia.cell import CorruptRecords
from physalia.host import Charter, Host, encode_kept
from physalia.journal import (
    Directory,
    FlushFailed,
    Journal,
    JournalDamaged,
    JournalError,
    JournalExists,
    NodeKey,
)
from physalia.server.atlas import Atlas, charter_of, key_on
from physalia.server.logs import logger
from physalia.server.server import BACKLOG, Server
from physalia.server.settings import LoopName, Settings
from physalia.tracing import CannotRecord, Recorder, record_in
from physalia.transport import Address, KeyFile
from physalia.transport.limits import MAX_CONNECTIONS, MAX_STRANGERS
from physalia.wire import CodecError, decode_charter, is_charter

BORN_AT_ONCE = 2_000
FOLDED_AT_ONCE = 4096
YOUNG_OBJECTS = 50_000
"""So many objects more than at the last look make Python look for unused ones again, instead of 700.

What nodes remember is all in use, and nothing on the way of a command leaves anything that only a look would find.
"""

OTHER_FILES = 256
"""So many files a server has open beside the connections that come in: journal, threads, traces, and who is dialled."""

LEAST_FILES = 64
"""With fewer files it could neither serve nor say why."""


class CannotStart(Exception):
    """Something here does not let the server start, or go on; the message is a sentence."""


class NotSettled(ValueError):
    """What the server was told does not fit what is on its disk; the message is a sentence."""


@frozen
class Prepared:
    """A server that could be started: its port is bound, its journal open, its nodes back."""

    settings: Settings
    listener: socket.socket
    watching: socket.socket | None
    """Where it can be looked at."""
    host: Host
    atlas: Atlas
    ring: KeyFile


def create(settings: Settings, *, are_cells_new: bool = False) -> None:
    """Make the journal of a new server, safe when it returns, without a node of any cell.

    Settings that name cells are refused, since they may be those of a server that lost its disk: its nodes would come
    back under their old names, without their promises (design rules R8, R15). Only whoever has just minted the names of
    the cells, and never wrote them down before, knows that they are new; then their nodes are born here.

    Only if there is no journal, or one in which no node was ever born. Raises `NotSettled` and what a journal raises.
    """
    folder = settings.directory
    if settings.cells and not are_cells_new:
        raise NotSettled(
            f"the settings name cell {settings.cells[0].cell}, and a new server has none: take all cells out of them. "
            "New cells are founded by `physalia admin create`, and nodes of a lost disk are replaced by "
            "`physalia admin move CELL --from N --to N --lost`."
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be made ({error.strerror}): name another directory.") from None
    files = Directory(folder)
    with suppress(JournalExists):
        Journal.create(files, settings.server)
    with Journal(files, settings.server, encode_kept) as journal:
        if next(journal.nodes(), None) is not None:
            raise NotSettled(
                f"{folder} has nodes already, which are never made anew: start the server without --create."
            )
        keys = ((key_on(settings.server, plan), charter_of(plan)) for plan in settings.cells)
        found_all(journal, ((key, charter) for key, charter in keys if key is not None))


def found_all(journal: Journal, nodes: Iterable[tuple[NodeKey, Charter]]) -> None:
    """Let nodes be born with their charters, safe and folded when it returns. Raises what a journal raises.

    What was born is folded now and then, so that the append table, whose pages stay in the file, stays small.
    """
    for number, (key, charter) in enumerate(nodes, start=1):
        journal.admit(key)
        journal.append([(key, charter)])
        if number % BORN_AT_ONCE == 0:
            _fold_all(journal)
    _fold_all(journal)


def _fold_all(journal: Journal) -> None:
    journal.flush()
    while journal.fold(FOLDED_AT_ONCE):
        pass


def prepare(settings: Settings) -> Prepared:
    """Do all that can go wrong, the port first, so that nothing is changed by a server that cannot serve.

    Raises `CannotStart`, `NotSettled`, `BadKeys` and what a journal raises.
    """
    ring = KeyFile(settings.keys)
    _must_be_there(settings.directory)
    for peer in (*settings.peers, *settings.caches):
        if ring().between(settings.server, peer) is None:
            raise NotSettled(
                f"{settings.keys} has no key for servers {settings.server} and {peer}: add one that both have, and "
                "nobody else."
            )
    listener = _bind(settings.listen, "listen")
    try:
        watching = None if settings.watch is None else _bind(settings.watch, "watch")
    except CannotStart:
        listener.close()
        raise
    try:
        host = Host(Journal(Directory(settings.directory), settings.server, encode_kept))
    except BaseException:
        _close(listener, watching)
        raise
    try:
        if settings.record is not None:
            host.recording = _recorder(settings, settings.record)
        atlas = Atlas(settings.server, host, host.journal.nodes())
        _bring_back(host, atlas, settings)
    except BaseException:
        _close(listener, watching)
        with suppress(FlushFailed):
            host.journal.close()
        raise
    return Prepared(settings, listener, watching, host, atlas, ring)


def _must_be_there(folder: Path) -> None:
    if not folder.exists():
        raise CannotStart(
            f"{folder} is not there: bring its disk back, or make a new one by --create. If it is lost, "
            "its nodes are replaced by others: `physalia admin move CELL --from N --to N --lost`."
        )


def serve(prepared: Prepared, told: Callable[[str], None]) -> bool:
    """Serve until a signal says to end; a second one ends at once. Returns whether all that was asked was answered.

    `told` is called with a sentence when the server listens. Raises `CannotStart` if something failed meanwhile.
    """
    settings = prepared.settings
    log = logger(settings.server)
    try:
        make_room()
        with asyncio.Runner(loop_factory=loop_factory(settings.loop)) as runner:
            return runner.run(_serve(prepared, log, told))
    except* (FlushFailed, JournalDamaged, CorruptRecords, CodecError) as group:
        raise CannotStart(_sentence(group)) from None
    finally:
        _close(prepared.listener, prepared.watching)
        with suppress(FlushFailed):
            prepared.host.journal.close()


def make_room() -> None:
    """Let this process open as many files as its door lets in, as far as the system lets it.

    Raises `CannotStart` if that is too few to begin with: uvloop would abort the process, and say nothing.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST_FILES:
        raise CannotStart(f"a server opens {LEAST_FILES} files and more, and may open {hard} here: raise `ulimit -n`.")
    wanted = MAX_CONNECTIONS + MAX_STRANGERS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


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
    server = Server(prepared.settings, prepared.host, prepared.atlas, prepared.ring, log)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(server.run(prepared.listener, stop, prepared.watching))

    def signalled() -> None:
        if stop.is_set():
            running.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled)
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    told(f"server {prepared.settings.server} listens at {prepared.settings.listen}")
    try:
        await running
    except asyncio.CancelledError:
        return False
    if prepared.host.recording is not None:
        prepared.host.recording.close(prepared.host.all_hosted())
    return not len(server.requests)


def _recorder(settings: Settings, folder: Path) -> Recorder:
    try:
        return record_in(folder, settings.server, settings.record_most_mib << 20)
    except CannotRecord as error:
        raise CannotStart(str(error)) from None


def _bind(address: Address, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"{address} is in use by another process: let {setting} name a free port.") from None
        why = str(error.strerror).partition(" (while ")[0]
        raise CannotStart(f"{address} cannot be listened at ({why}): name one of this machine.") from None


def _close(*sockets: socket.socket | None) -> None:
    for one in sockets:
        if one is not None:
            one.close()


def _bring_back(host: Host, atlas: Atlas, settings: Settings) -> None:
    """See that the settings name no cell that the journal does not know, or knows otherwise.

    Nodes are read when somebody speaks to them; one whose charter is in the settings alone is read now.
    """
    folder = settings.directory
    for plan in settings.cells:
        key, charter = key_on(settings.server, plan), charter_of(plan)
        if key is None:
            continue
        if not atlas.index.has(key):
            here = atlas.here(plan.cell)
            raise NotSettled(_unknown(key, folder) if here is None else _another(key, here, folder))
        try:
            kept = host.journal.read(key)
            if not (kept and is_charter(kept[0])):
                host.start(key, charter)
            elif decode_charter(kept[0]) != charter:
                raise NotSettled(f"{folder} knows cell {plan.cell} otherwise than the settings: take it out of them.")
        except (CorruptRecords, CodecError) as error:
            raise CannotStart(f"{folder} has impossible records of {key} ({error}): count the disk as lost.") from None
        if host.hosted(key) is None:
            host.journal.forget(key)


def _unknown(key: NodeKey, folder: Path) -> str:
    return (
        f"{folder} never heard of {key}: a node that lost its disk comes back under a new incarnation, or not at all."
    )


def _another(key: NodeKey, here: NodeKey, folder: Path) -> str:
    return f"{folder} holds {here}, not {key}: name the directory of that one, or take the cell out of the settings."


def _sentence(group: BaseExceptionGroup[Exception]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, JournalError) else f"a node cannot go on from its disk: {error}."
