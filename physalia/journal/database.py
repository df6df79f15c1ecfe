"""SQLite as the journal uses it: how it is opened, its tables, and what its errors mean.

Write-ahead log, `synchronous=FULL`, one connection, which holds the file to itself: so there is no shared memory, no
second reader, and nobody who folds while another commits. SQLite never folds its log into the database on its own; the
journal says when, so that an error of that is told apart from an error of a commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import apsw

from physalia.journal.errors import CannotReach, JournalDamaged, JournalInUse, NotAJournal, OldSqlite
from physalia.journal.files import Files

NAME = "journal"
LOG = f"{NAME}-wal"
ROLLBACK = f"{NAME}-journal"
FORMAT_VERSION = 1
APPLICATION_ID = int.from_bytes(b"PhyJ")
OLDEST_SQLITE = (3, 51, 3)
"""Below it, SQLite can corrupt a write-ahead log (its own release notes: the WAL-reset bug)."""

SCHEMA = """
CREATE TABLE folded (one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL) STRICT;
CREATE TABLE nodes (cell INTEGER NOT NULL, life INTEGER NOT NULL, incarnation INTEGER NOT NULL,
    sequence INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (cell, life, incarnation)) STRICT, WITHOUT ROWID;
CREATE TABLE entries (number INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
"""

HEADER_BYTES = 100
MOST_PAGES = 4_294_967_294
"""So many pages a database of SQLite may have."""


def is_ours(header: bytes) -> bool:
    """Whether a file that begins so is a database that a journal made: by SQLite's own header."""
    return header.startswith(b"SQLite format 3\0") and header[68:72] == APPLICATION_ID.to_bytes(4)


def is_logging(header: bytes) -> bool:
    """Whether a database that begins so is written by way of a log: by SQLite's own header."""
    return header[18:20] == b"\2\2"


def refuse_old_sqlite() -> str:
    """The version of SQLite that `apsw` brings. Raises `OldSqlite` if a journal is not safe with it."""
    version = apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_SQLITE:
        oldest = ".".join(str(part) for part in OLDEST_SQLITE)
        raise OldSqlite(f"SQLite {version} can corrupt a journal: pip install 'apsw>={oldest}', which brings its own.")
    return version


def connect(files: Files, *, keep_log: bool = True, make: bool = False) -> apsw.Connection:
    """Open the database for one journal alone. Raises `apsw.Error`.

    Unless `keep_log` is false, closing leaves the log as it stands: after a failed flush nothing may be written.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if make else 0)
    return _set_up(apsw.Connection(files.path(NAME), vfs=files.vfs, flags=flags), keep_log=keep_log, make=make)


def look(files: Files) -> apsw.Connection:
    """Open a database beside which no log has anything: SQLite makes, changes and removes no file.

    Raises `apsw.Error`.
    """
    name = f"file:{quote(files.path(NAME))}?immutable=1"
    return _set_up(apsw.Connection(name, vfs=files.vfs, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI))


def _set_up(connection: apsw.Connection, *, keep_log: bool = True, make: bool = False) -> apsw.Connection:
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(keep_log))
        connection.pragma("locking_mode", "exclusive")
        if make:
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", FORMAT_VERSION)
            connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", True)
        connection.pragma("checkpoint_fullfsync", True)
        connection.pragma("temp_store", "memory")
        connection.pragma("cell_size_check", True)
        connection.wal_autocheckpoint(0)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reaching(where: str) -> Iterator[None]:
    """Turn what the disk and SQLite say about reading a journal into kinds of `JournalError`."""
    try:
        yield
    except apsw.NotADBError as error:
        raise no_journal(where) from error
    except (apsw.CorruptError, apsw.SQLError, apsw.MismatchError) as error:
        raise damaged(where, f"SQLite says: {error}") from error
    except apsw.BusyError as error:
        raise in_use(where) from error
    except (apsw.Error, OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        culprit = getattr(error, "filename", None)
        if culprit is not None and Path(culprit) != Path(where):
            reason = f"{culprit}: {reason}"
        raise CannotReach(
            f"{where} cannot be used now ({reason}): nothing is known of what is in it. Mend the cause and start again."
        ) from error


def no_journal(where: str) -> NotAJournal:
    """The sentence of a file that is something else."""
    return NotAJournal(
        f"{where} is no journal of Physalia: name the right directory. If it was one, its disk counts as lost."
    )


def damaged(where: str, what: str) -> JournalDamaged:
    """The sentence of a journal that stops for good."""
    return JournalDamaged(
        f"{where} is damaged: {what}. Its nodes stop for good: count them as lost, keep the files for whoever looks "
        "for the cause, and let the colony replace the nodes by new ones in another directory."
    )


def in_use(where: str) -> JournalInUse:
    """The sentence of a journal that somebody else has."""
    return JournalInUse(f"{where} is in use by another server: stop that one, or give this one its own directory.")
