"""How a journal comes to be, and how it is opened again.

Making one: a mark that says "not complete", then the database, then the mark that says "complete". So a journal whose
making was cut short is known for one in which nothing was ever acknowledged, and a file that is missing later is known
for lost.

Opening one: read everything and judge it, change nothing until then; write anew what was read, flush it, and only then
let anybody act on it (design rule R16). The records that a killed process left in the page cache are on no disk yet;
the ones that a failed flush left there may never get to one, since the system takes them for written. Hence the log
and the marks are copied to new files. It is not enough to fold the log: SQLite does so page by page, trusting it to be
safe, and a power cut in between would leave a database of which the log no longer knows half.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import apsw

from physalia.journal import database, marks
from physalia.journal.audit import Standing, audit
from physalia.journal.database import connect, damaged, in_use, is_logging, is_ours, look, no_journal, reaching
from physalia.journal.entries import JOURNAL_BYTES
from physalia.journal.errors import ForeignJournal, JournalExists, JournalMissing, NewerJournal
from physalia.journal.evidence import last_batch
from physalia.journal.files import Files
from physalia.journal.folded import Fold, pack_fold
from physalia.journal.marks import Mark

_OURS = (database.NAME, database.LOG, database.ROLLBACK)


class Opened(NamedTuple):
    """A journal that may be acted on."""

    connection: apsw.Connection
    standing: Standing


def make(files: Files, server: int) -> None:
    """Make a journal for `server`, safe when it returns. Raises `JournalExists`, `JournalInUse`, `CannotReach`."""
    database.refuse_old_sqlite()
    where = files.path(database.NAME)
    with _held(files), reaching(where):
        journal = _unfinished(files) or files.random(JOURNAL_BYTES)
        for name in _OURS:
            files.remove(name)
        begun = Mark(journal, server, is_complete=False, batch=0, number=0, check=0)
        marks.renew(files, begun)
        connection = connect(files, keep_log=False, make=True)
        try:
            connection.execute(database.SCHEMA)
            connection.execute("INSERT INTO folded VALUES (1, ?)", (pack_fold(Fold(begun.journal, server)),))
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            connection.close()
        files.sync_names()
        marks.settle(files, begun._replace(is_complete=True))


def examine(files: Files, server: int) -> Standing:
    """Judge a journal that nobody has open, and change nothing. Raises what `bring_back` raises."""
    database.refuse_old_sqlite()
    with _held(files), reaching(files.path(database.NAME)):
        return _judge(files, server)[1]


def bring_back(files: Files, server: int) -> Opened:
    """Open a journal and hold its directory until `files.unlock`; let go of it if anything is raised.

    Raises `JournalMissing`, `JournalInUse`, `CannotReach`, `NotAJournal`, `NewerJournal`, `ForeignJournal` and
    `JournalDamaged`.
    """
    database.refuse_old_sqlite()
    where = files.path(database.NAME)
    with _held(files, keep=True), reaching(where):
        log, standing = _judge(files, server)
        if log:
            files.replace(database.LOG, log)
        marks.renew(files, standing.mark)
        connection = connect(files)
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except BaseException:
            connection.close()
            raise
        return Opened(connection, standing)


def _judge(files: Files, server: int) -> tuple[bytes, Standing]:
    """SQLite's log as it stands, and where the journal stands with it. No file is made, changed or removed."""
    where = files.path(database.NAME)
    names = files.names()
    mark = _mark_of(files, names, server)
    log = files.read(database.LOG) if database.LOG in names else b""
    connection = connect(files) if log else look(files)
    try:
        _check_kind(connection, where)
        if not (connection.pragma("journal_mode") == "wal" if log else is_logging(_header(files))):
            raise damaged(where, "its header is not what was written")
        return log, audit(connection, where, log, mark)
    finally:
        connection.close()


@contextmanager
def _held(files: Files, *, keep: bool = False) -> Iterator[None]:
    """Hold the directory; afterwards let go of it, unless all went well and it is to be kept."""
    where = files.path("")
    with reaching(where):
        try:
            files.lock()
        except BlockingIOError:
            raise in_use(where) from None
    try:
        yield
    except BaseException:
        files.unlock()
        raise
    if not keep:
        files.unlock()


def _unfinished(files: Files) -> bytes | None:
    """The name of a journal whose making was cut short here, so that it is made under the same name; None for nothing.

    Raises `JournalExists` for anything else.
    """
    names = files.names()
    present = names & {marks.NAME, *_OURS}
    mark = marks.last_of(files.read(marks.NAME)) if marks.NAME in names else None
    if present and (mark is None or not _is_unfinished(files, names, mark)):
        raise JournalExists(f"{files.path(min(present))} stands there already: open it, or name an empty directory.")
    return None if mark is None else mark.journal


def _is_unfinished(files: Files, names: frozenset[str], mark: Mark) -> bool:
    """Whether the making of a journal was cut short. One that holds a batch was finished, whatever its mark says."""
    if mark.is_complete:
        return False
    return not any(last_batch(mark.journal, files.read(name)) for name in names & {database.NAME, database.LOG})


def _mark_of(files: Files, names: frozenset[str], server: int) -> Mark:
    where = files.path(database.NAME)
    if marks.NAME not in names:
        if database.NAME not in names and database.LOG not in names:
            raise JournalMissing(f"{where} does not exist: create the journal of this server first.")
        raise _without_marks(files, names)
    data = files.read(marks.NAME)
    mark = marks.last_of(data)
    if mark is None:
        version = marks.version_of(data)
        if version is not None and version > marks.FORMAT_VERSION:
            raise _newer(files.path(marks.NAME), version)
        raise damaged(where, f"neither half of {files.path(marks.NAME)} is what was written")
    if mark.server != server:
        raise ForeignJournal(
            f"{where} belongs to server {mark.server}, not to server {server}: name the right directory."
        )
    if _is_unfinished(files, names, mark):
        raise JournalMissing(f"{where} was never finished, and nothing is in it: create the journal again.")
    if not mark.is_complete:
        raise damaged(where, f"{files.path(marks.NAME)} is from the time when the journal was made")
    if database.NAME not in names:
        raise damaged(where, "the file is missing")
    if not files.read(database.NAME, 1):
        raise damaged(where, "the file is empty")
    if database.ROLLBACK in names and files.read(database.ROLLBACK, 1):
        undoing = files.path(database.ROLLBACK)
        raise damaged(where, f"{undoing} is no file of a journal, and with it SQLite would undo what was written")
    return mark


def _without_marks(files: Files, names: frozenset[str]) -> Exception:
    where = files.path(database.NAME)
    if database.NAME in names and not is_ours(_header(files)):
        return no_journal(where)
    return damaged(where, f"{files.path(marks.NAME)} is missing")


def _header(files: Files) -> bytes:
    return files.read(database.NAME, database.HEADER_BYTES)


def _check_kind(connection: apsw.Connection, where: str) -> None:
    """Whether this is a journal of a version that is known. SQLite is asked, since its log may hold the first page."""
    if connection.pragma("application_id") != database.APPLICATION_ID:
        raise no_journal(where)
    version = connection.pragma("user_version")
    if version > database.FORMAT_VERSION:
        raise _newer(where, version)
    if version != database.FORMAT_VERSION:
        raise damaged(where, "its header is not what was written")


def _newer(where: str, version: int) -> NewerJournal:
    return NewerJournal(
        f"{where} is a journal of version {version}, and this software reads version {database.FORMAT_VERSION}: "
        "run the software that wrote it, or a later one."
    )
