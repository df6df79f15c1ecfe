"""Which versions of SQLite a journal goes on with: below 3.51.3 SQLite can corrupt its own log, without any crash.

There is one SQLite here, which is new enough. So the journal is told by its binding that it has another one, and is
asked for all that touches a disk. An old one must be refused, each time, before anything was changed.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import apsw

from physalia.journal import Directory, Journal, OldSqlite
from physalia.journal.opening import examine

OLD = ("3.7.0", "3.9.3", "3.50.99", "3.51.2")
SAFE = ("3.51.3", "3.51.10", "3.52.0", "4.0.0")


def wrong_versions() -> Iterator[str]:
    """What a journal does with a version that it should not, as sentences."""
    with tempfile.TemporaryDirectory(prefix="physalia-versions-", ignore_cleanup_errors=True) as name:
        for version in (*OLD, *SAFE):
            folder = Path(name) / version
            for what in _asks(folder):
                before = _bytes(folder)
                is_refused = _is_refused(version, what)
                if is_refused != (version in OLD):
                    yield f"SQLite {version} {'is refused' if is_refused else 'is used'} by {what.__name__}"
                if is_refused and _bytes(folder) != before:
                    yield f"SQLite {version} is refused by {what.__name__} after something was changed"


def _asks(folder: Path) -> Iterator[Callable[[], None]]:
    """To make a journal, to open it, and to look at it; of the last two, where there is one."""

    def make() -> None:
        Journal.create(Directory(folder), server=1)

    def opening() -> None:
        Journal(Directory(folder), server=1).close()

    def looking() -> None:
        examine(Directory(folder), server=1)

    folder.mkdir()
    yield make
    if not _bytes(folder):
        make()
    yield from (opening, looking)


def _is_refused(version: str, what: Callable[[], None]) -> bool:
    with patch.object(apsw, "sqlite_lib_version", lambda: version):
        try:
            what()
        except OldSqlite:
            return True
    return False


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
