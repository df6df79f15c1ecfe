"""The one connection of an open journal, and its latch.

SQLite keeps no latch: after a failed flush the next commit of the same connection succeeds, on top of a log that the
disk does not have. So whatever fails while something is written ends the store (design rule R16), with one exception:
no room. SQLite reports that before it flushes, and takes the transaction back.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from physalia.journal import marks
from physalia.journal.database import reaching
from physalia.journal.errors import FlushFailed, JournalDamaged, JournalError
from physalia.journal.files import Files
from physalia.journal.marks import Mark

LOG_PAGES = 1000
"""When SQLite's log has so many pages, they go into its database."""


class NoRoom(Exception):
    """The disk is full; nothing of the transaction is stored."""


class Store:
    """A connection through which nothing goes once a flush failed or damage was seen."""

    def __init__(self, files: Files, where: str, connection: apsw.Connection) -> None:
        self.files = files
        self.where = where
        self.connection = connection
        self.stopped: JournalError | None = None
        self._log_pages = 0
        connection.set_wal_hook(self._count_pages)

    @property
    def flush_failed(self) -> bool:
        """Whether a flush failed, so that whatever waits for one waits for ever."""
        return isinstance(self.stopped, FlushFailed)

    def require_alive(self) -> None:
        """Raise again what stopped the store, if anything did."""
        if self.stopped is not None:
            raise type(self.stopped)(str(self.stopped))

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """One transaction, on disk when it ends. Raises `NoRoom`, and `FlushFailed` for every other failure."""
        connection = self.connection
        with self._latching():
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except apsw.FullError:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise NoRoom from None

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """Read. Raises `CannotReach`, and `JournalDamaged`, which stops the store."""
        try:
            with reaching(self.where):
                yield self.connection
        except JournalDamaged as error:
            self.stopped = error
            raise

    def flushed(self, mark: Mark) -> None:
        """Vouch for what was flushed, and empty the log when it is long. Raises `FlushFailed`."""
        with self._latching():
            marks.note(self.files, mark)
            if self._log_pages >= LOG_PAGES:
                self._empty_log(mark, apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self, mark: Mark) -> None:
        """Empty the log and let go of the directory. A store that stopped writes nothing, and keeps the directory.

        So nothing in this process opens it again, and another process does only when this one has ended.
        Raises `FlushFailed`.
        """
        try:
            if self.stopped is None:
                with self._latching():
                    self._empty_log(mark, apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            self.connection.close()
            if self.stopped is None:
                self.files.unlock()

    def _empty_log(self, mark: Mark, mode: int) -> None:
        """Put the log into the database. Without room for it, the log grows until there is some.

        The mark comes first: the log is evidence of what was flushed, and soon there is no log.
        """
        marks.settle(self.files, mark)
        try:
            self.connection.wal_checkpoint(mode=mode)
        except apsw.FullError:
            return
        self._log_pages = 0

    def _count_pages(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    @contextmanager
    def _latching(self) -> Iterator[None]:
        """Whatever goes wrong inside ends the store, an interrupt too: nobody knows what the disk has."""
        try:
            yield
        except NoRoom:
            raise
        except BaseException as error:
            self.stopped = FlushFailed(
                f"{self.where} could not be flushed ({str(error) or type(error).__name__}): nothing more is "
                "acknowledged. Restart the server, on another disk if this one fails again."
            )
            if isinstance(error, (apsw.Error, OSError, MemoryError)):
                raise self.stopped from error
            raise
