"""What nobody may ask of a journal that is open: it refuses, changes nothing, and goes on with all others.

Limits of the journal are tried at the limit, and one byte beyond.
"""

import errno
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import apsw

from physalia.journal import (
    BatchRefused,
    CannotReach,
    Directory,
    FlushFailed,
    ForeignNode,
    Journal,
    JournalError,
    JournalExists,
    JournalFull,
    JournalInUse,
    NodeKey,
    UnknownNode,
    database,
    journal,
    marks,
    store,
)
from physalia.journal.opening import examine

SERVER = 7
OURS, SECOND = NodeKey(1, 3, 101), NodeKey(1, 3, 102)
FOLDED = NodeKey(2, 3, 201)
WAITING = NodeKey(5, 3, 501)
MOST_RECORD_BYTES, MOST_WAITING_BYTES = 64, 256
MANY = 1_000
"""So many flushes find no room any more in a journal that may not grow."""
IMPOSSIBLE = (NodeKey(-1, 3, 1), NodeKey(1, 2**63, 1), NodeKey(1, 3, 1.0))  # type: ignore[arg-type]
LARGEST = NodeKey(2**63 - 1, 2**63 - 1, 2**63 - 1)
UNPRINTABLE, ESCAPED = "red\x1b[31m\nü", r"red\x1b[31m\nü"
"""A name of a file, and how it is told."""
LOG_PAGES, FLUSHES, MOST_LOG_BYTES = 4, 64, 200_000
"""With a log that is emptied so early, it holds no more than this after so many flushes of some pages each."""

Act = Callable[[], object]


def wrongly_answered() -> Iterator[str]:
    """What a journal does that it should not, as sentences."""
    with (
        tempfile.TemporaryDirectory(prefix="physalia-asked-", ignore_cleanup_errors=True) as name,
        patch.object(journal, "MAX_RECORD_BYTES", MOST_RECORD_BYTES),
        patch.object(journal, "MAX_WAITING_BYTES", MOST_WAITING_BYTES),
        patch.object(store, "LOG_PAGES", LOG_PAGES),
    ):
        for number, question in enumerate(
            (_settings, _doors, _births, _readers, _batches, _takers, _room, _log, _closed, _interrupts, _culprits)
        ):
            folder = Path(name) / str(number)
            folder.mkdir()
            files = Directory(folder)
            Journal.create(files, SERVER)
            with Journal(files, SERVER, _encode) as opened:
                for key in (FOLDED, OURS):
                    opened.admit(key)
                    opened.flush()
                opened.fold(1)
                opened.forget(FOLDED)
                opened.read(OURS)
                opened.append([(OURS, b"first")])
                opened.flush()
                try:
                    yield from question(opened, folder)
                except JournalError as error:
                    yield f"a journal that did nothing wrong is stopped by {question.__name__[1:]}: {error}"


def _encode(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return bytearray(value)  # type: ignore[return-value]  # whoever encodes may be wrong
    raise TypeError("no bytes")


def is_sentence(error: Exception) -> bool:
    """Whether it names a file of the journal, ends as a sentence does, and stands on one line."""
    said = str(error)
    return "physalia-" in said and said.endswith(".") and "\n" not in said


def _must(what: str, kind: type[JournalError], act: Act) -> Iterator[str]:
    try:
        act()
    except JournalError as error:
        if type(error) is not kind:
            yield f"{what}: it should say {kind.__name__}, and says {type(error).__name__}: {error}"
        if not is_sentence(error):
            yield f"{what}: what is said is no sentence: {error}"
        return
    except Exception as error:  # noqa: BLE001  # it is another answer than the right one
        yield f"{what}: it should say {kind.__name__}, and raises {type(error).__name__}: {error}"
        return
    yield f"{what}: it is done, and should be {kind.__name__}"


def _culprits(_: Journal, folder: Path) -> Iterator[str]:
    """Whatever cannot be reached is named, and named once; what of a name cannot be printed is escaped."""
    where, other = str(folder / database.NAME), str(folder / marks.NAME)
    for culprit, times in ((None, 0), (where, 0), (other, 1)):
        try:
            with database.reaching(where):
                raise PermissionError(errno.EACCES, "Permission denied", culprit)
        except CannotReach as error:
            if str(error).count(f"{other}: ") != times or str(error).count(where) != 1:
                yield f"it is not said what cannot be reached, {culprit}: {error}"
        else:
            yield f"what cannot be reached is passed over: {culprit}"
    said = str(CannotReach(f"{folder}/{UNPRINTABLE}"))
    if said != f"{folder}/{ESCAPED}":
        yield f"a name that cannot be printed is not told escaped: {said!a}"


SETTINGS = {
    "synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1, "temp_store": 2, "cell_size_check": 1,
    "locking_mode": "exclusive", "journal_mode": "wal", "wal_autocheckpoint": 0,
}  # fmt: skip
"""What SQLite must say of the connection of an open journal, in its own words and numbers."""


def _settings(opened: Journal, _: Path) -> Iterator[str]:
    """SQLite flushes whatever is committed, also where a system needs to be asked twice, and nothing lies elsewhere."""
    connection = opened._store.connection
    for setting, wanted in SETTINGS.items():
        if (found := connection.pragma(setting)) != wanted:
            yield f"SQLite is opened with {setting} = {found}, and should be with {wanted}"
    if not connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1):
        yield "SQLite would write once more when it is closed, after a failed flush as well"


def _doors(_: Journal, folder: Path) -> Iterator[str]:
    """One journal has the directory; another may neither make, open nor look."""
    for act in (Journal.create, Journal, examine):
        yield from _must("a second one comes to an open journal", JournalInUse, partial(act, Directory(folder), SERVER))
    beside = folder / "beside"
    beside.mkdir()
    Journal.create(Directory(beside), SERVER)
    before = {path.name: path.read_bytes() for path in beside.iterdir()}
    again = partial(Journal.create, Directory(beside), SERVER)
    yield from _must("a journal is made where one stands", JournalExists, again)
    if before != {path.name: path.read_bytes() for path in beside.iterdir()}:
        yield "a journal is made where one stands: that one is not what it was"
    (beside / "marks").unlink()
    yield from _must("a journal is made where half of one is", JournalExists, again)


def _births(opened: Journal, _: Path) -> Iterator[str]:
    """A node is born once, and in the one life of its cell: whether its cell waits, is in the table, or is folded."""
    opened.admit(WAITING)
    for known in (OURS, FOLDED, WAITING):
        yield from _must(f"{known} is born again", BatchRefused, partial(opened.admit, known))
        other = known._replace(life=4, incarnation=9)
        yield from _must(f"{known}, and then {other}, is born", ForeignNode, partial(opened.admit, other))
    for key in IMPOSSIBLE:
        yield from _must(f"{tuple(key)} is born", BatchRefused, partial(opened.admit, key))
    opened.admit(LARGEST)
    opened.admit(SECOND)
    opened.append([(SECOND, b"born")])
    opened.flush()
    if opened.read(SECOND) != [b"born"] or opened.read(WAITING) != []:
        yield "a second node of a cell is not what it stored"
    if sorted(opened.nodes()) != sorted((OURS, FOLDED, WAITING, SECOND, LARGEST)):
        yield f"the nodes of the journal are {sorted(opened.nodes())}"


def _readers(opened: Journal, _: Path) -> Iterator[str]:
    """Nobody gets what another one stored, and what waits is safe before it is shown."""
    yield from _must("a node is read that nobody knows", UnknownNode, lambda: opened.read(NodeKey(3, 3, 301)))
    for other in (OURS._replace(life=4), OURS._replace(incarnation=9)):
        yield from _must(f"{other} is read", ForeignNode, partial(opened.read, other))
    opened.append([(OURS, b"waits")])
    if opened.read(OURS) != [b"first", b"waits"] or opened.needs_flush:
        yield "what waits is shown before it is safe, or not at all"
    opened.forget(OURS)
    yield from _must("a node appends that left memory", BatchRefused, lambda: opened.append([(OURS, b"x")]))
    opened.read(OURS)
    opened.append([(OURS, b"waits too")])
    opened.forget(OURS)
    if opened.needs_flush:
        yield "a node leaves memory, and what it stored waits"


def _batches(opened: Journal, _: Path) -> Iterator[str]:
    """A batch is taken whole or not at all, and its nodes must be read again then."""
    wrong: dict[str, list[tuple[NodeKey, object]]] = {
        "too large a record": [(OURS, b"fine"), (OURS, bytes(MOST_RECORD_BYTES + 1))],
        "too much at once": [*[(OURS, bytes(MOST_RECORD_BYTES))] * 4, (OURS, b"1")],
        "a record that does not encode": [(OURS, b"fine"), (OURS, "text")],
        "a record that is not bytes": [(OURS, b"fine"), (OURS, 3)],
        "a record of a node that was not read": [(OURS, b"fine"), (FOLDED, b"x")],
    }
    for what, batch in wrong.items():
        opened.read(OURS)
        yield from _must(f"a batch with {what}", BatchRefused, partial(opened.append, batch))
        if opened.needs_flush:
            yield f"a batch with {what} is refused, and something of it waits"
        yield from _must(f"after {what}", BatchRefused, lambda: opened.append([(OURS, b"from memory")]))
    opened.read(OURS)
    opened.append([(OURS, bytes(MOST_RECORD_BYTES))] * 3)
    opened.append([(OURS, bytes(MOST_RECORD_BYTES))])
    yield from _must("a byte more than may wait", BatchRefused, lambda: opened.append([(OURS, b"1")]))
    opened.flush()
    if opened.read(OURS) != [b"first", *[bytes(MOST_RECORD_BYTES)] * 4]:
        yield "what was taken of batches at the limit is not there"


def _takers(opened: Journal, _: Path) -> Iterator[str]:
    """The same, for whoever asks whether it would be taken: nothing changes by a no."""
    wrong: dict[str, list[tuple[NodeKey, object]]] = {
        "too large a record": [(OURS, bytes(MOST_RECORD_BYTES + 1))],
        "too much at once": [(OURS, bytes(MOST_RECORD_BYTES))] * 5,
        "a record that does not encode": [(OURS, "text")],
        "a record that is not bytes": [(OURS, 3)],
        "a record of a node that was not read": [(OURS, b"fine"), (FOLDED, b"x")],
    }
    for what, batch in wrong.items():
        if opened.take(batch) or opened.needs_flush:
            yield f"a batch with {what} is taken"
    if not opened.take([(OURS, bytes(MOST_RECORD_BYTES))] * 4):
        yield "a batch at the limit is not taken"
    if opened.take([(OURS, b"1")]):
        yield "a byte more than may wait is taken"
    opened.flush()
    opened.admit(WAITING)
    if not opened.take([(OURS, bytes(MOST_RECORD_BYTES))] * 4):
        yield "beside a birth, which weighs nothing, a batch at the limit is not taken"
    opened.flush()
    if opened.read(OURS) != [b"first", *[bytes(MOST_RECORD_BYTES)] * 8]:
        yield "what was taken is not there"


def _room(opened: Journal, folder: Path) -> Iterator[str]:
    """A journal that may not grow is full, says so, and goes on when it may."""
    opened.read(OURS)
    opened.cap(1)
    for _ in range(MANY):
        opened.append([(OURS, bytes(MOST_RECORD_BYTES))] * 4)
        try:
            opened.flush()
        except JournalFull as full:
            if full.nodes != {OURS}:
                yield f"a full journal names {sorted(full.nodes)} as those whose memory is ahead"
            break
    if not opened.full or opened.needs_flush:
        yield "a journal that may not grow does not say that it is full"
    yield from _must("a node of a full journal appends", BatchRefused, lambda: opened.append([(OURS, b"x")]))
    stored = opened.read(OURS)
    opened.cap(0)
    opened.append([(OURS, b"room")])
    opened.flush()
    if opened.full or opened.read(OURS) != [*stored, b"room"]:
        yield "a journal that may grow again does not go on"
    count = opened.unfolded
    if opened.fold(count - 1) != count - 1 or opened.unfolded != 1 or opened.fold(9) != 1:
        yield "a fold does not say how many entries it folded"
    log = (folder / database.LOG).read_bytes()
    if opened.read(OURS) != [*stored, b"room"] or opened.fold(9) != 0 or opened.fold(-1) != 0:
        yield "what was folded is not what was stored"
    if (folder / database.LOG).read_bytes() != log:
        yield "a fold of nothing writes something"


def _log(opened: Journal, folder: Path) -> Iterator[str]:
    """SQLite's log goes into its database now and then, so that it does not grow for ever; and not at every flush."""
    with patch.object(store, "LOG_PAGES", FLUSHES * LOG_PAGES), patch.object(marks, "settle") as settle:
        for _ in range(LOG_PAGES):
            opened.append([(OURS, bytes(MOST_RECORD_BYTES))])
            opened.flush()
    if settle.called:
        yield "the log is emptied before it is long, and flushes wait for the disk more often than they need to"
    for _ in range(FLUSHES):
        opened.append([(OURS, bytes(MOST_RECORD_BYTES))])
        opened.flush()
    size_bytes = (folder / database.LOG).stat().st_size
    if size_bytes > MOST_LOG_BYTES:
        yield f"after {FLUSHES} flushes the log is not emptied: it has {size_bytes} bytes"


def _closed(_: Journal, folder: Path) -> Iterator[str]:
    """Of a journal that is closed the database has all, and the log nothing."""
    files, log = Directory(folder / "closed"), folder / "closed" / database.LOG
    files.folder.mkdir()
    Journal.create(files, SERVER)
    with Journal(files, SERVER, _encode) as opened:
        opened.admit(OURS)
        opened.flush()
        grown_bytes = log.stat().st_size
    if not grown_bytes or (log.exists() and log.stat().st_size):
        yield "a journal is closed, and what is in its log is not in its database"


def _interrupts(_: Journal, folder: Path) -> Iterator[str]:
    """Whoever is interrupted while something is written knows nothing of the disk: that journal says no more."""
    for where in ("commit", "mark"):
        files = Directory(folder / where)
        files.folder.mkdir()
        Journal.create(files, SERVER)
        opened = Journal(files, SERVER, _encode)
        opened.admit(OURS)
        opened.flush()
        opened.append([(OURS, b"interrupted")])
        connection = opened._store.connection
        if where == "commit":
            connection.set_commit_hook(_interrupt)
        with patch.object(marks, "note", _interrupt):
            try:
                opened.flush()
            except KeyboardInterrupt:
                pass
            else:
                yield f"an interrupt of the {where} is not heard of"
        connection.set_commit_hook(None)
        if not opened.needs_flush:
            yield f"after an interrupt of the {where} nothing needs a flush"
        for again in (opened.flush, partial(opened.append, []), partial(opened.read, OURS), partial(opened.fold, 1)):
            yield from _must(f"somebody goes on after an interrupt of the {where}", FlushFailed, again)
        opened.close()
        second = partial(Journal, files, SERVER)
        yield from _must(f"somebody opens it after an interrupt of the {where}", JournalInUse, second)
        files.unlock()


def _interrupt(*_: object) -> bool:
    raise KeyboardInterrupt
