"""The directory of a journal, as far as SQLite does not see to it: its lock, its names, and its small files.

`Files` is what a journal asks of a directory; `Directory` is the real thing. The conformance suite has another one,
whose disk is simulated, below the same SQLite. Every operation raises `OSError` and nothing else. Nothing that fails is
taken for "not there": only a listing that succeeded says what there is.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """A directory that one journal uses, and the name of the SQLite VFS that sees the same files."""

    vfs: str

    def path(self, name: str) -> str:
        """The whole path of a file, for SQLite and for sentences."""

    def lock(self) -> None:
        """Take the directory for this journal; `BlockingIOError` if another holds it. It ends with `unlock`."""

    def unlock(self) -> None:
        """Give the directory back."""

    def names(self) -> frozenset[str]:
        """What stands in the directory."""

    def read(self, name: str, size_bytes: int | None = None) -> bytes:
        """The first bytes of a file, or all of them."""

    def write(self, name: str, data: bytes, offset: int) -> None:
        """Put bytes into an existing file. They are not safe until `sync`."""

    def sync(self, name: str) -> None:
        """Wait until the bytes and the length of a file are on disk."""

    def replace(self, name: str, data: bytes) -> None:
        """Make these the bytes of the file, at once or not at all, and safe when it returns."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; safe when it returns."""

    def sync_names(self) -> None:
        """Wait until what stands in the directory is on disk."""

    def random(self, size_bytes: int) -> bytes:
        """Bytes that nobody can guess."""


class Directory:
    """A real directory: `Files` on the operating system."""

    def __init__(self, folder: Path, vfs: str = "unix") -> None:
        self.folder = folder
        self.vfs = vfs
        self._locked: int | None = None
        self._open: dict[str, int] = {}

    def path(self, name: str) -> str:
        """The whole path of a file."""
        return str(self.folder.absolute() / name)

    def lock(self) -> None:
        """Take the directory, by a lock that ends with the process."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        self._locked = descriptor

    def unlock(self) -> None:
        """Give the directory back, and close what was kept open."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def names(self) -> frozenset[str]:
        """What stands in the directory."""
        return frozenset(entry.name for entry in self.folder.iterdir())

    def read(self, name: str, size_bytes: int | None = None) -> bytes:
        """The first bytes of a file, or all of them."""
        with self._opened(name, os.O_RDONLY) as descriptor:
            return _read_all(descriptor, size_bytes)

    def write(self, name: str, data: bytes, offset: int) -> None:
        """Put bytes into an existing file: one that somebody removed takes them, and nobody finds them there again."""
        descriptor = self._kept_open(name)
        _write_all(descriptor, data, offset)
        if not os.fstat(descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "somebody removed the file", str(self.folder / name))

    def sync(self, name: str) -> None:
        """Wait until the file is on disk."""
        os.fsync(self._kept_open(name))

    def replace(self, name: str, data: bytes) -> None:
        """Write a new file, flush it, and give it the name. Where there is no room for it, nothing of it is left."""
        fresh = f"{name}.new"
        try:
            with self._opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as descriptor:
                _write_all(descriptor, data, 0)
                os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                (self.folder / fresh).unlink()
            raise
        self._forget(name)
        (self.folder / fresh).replace(self.folder / name)
        self.sync_names()

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._forget(name)
        with suppress(FileNotFoundError):
            (self.folder / name).unlink()
        self.sync_names()

    def sync_names(self) -> None:
        """Wait until the names are on disk."""
        with self._opened(".", os.O_RDONLY) as descriptor:
            os.fsync(descriptor)

    def random(self, size_bytes: int) -> bytes:
        """Bytes that nobody can guess."""
        return os.urandom(size_bytes)

    def _kept_open(self, name: str) -> int:
        """A descriptor that lives until the file is replaced: the mark is written after every flush."""
        if name not in self._open:
            self._open[name] = os.open(self.folder / name, os.O_RDWR)
        return self._open[name]

    def _forget(self, name: str) -> None:
        descriptor = self._open.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def _opened(self, name: str, flags: int) -> Iterator[int]:
        path = self.folder / name
        descriptor = os.open(path, flags, 0o600)
        try:
            yield descriptor
        except OSError as error:  # so that whoever is told of it can be told of the file
            error.filename = error.filename or str(path)
            raise
        finally:
            os.close(descriptor)


def _read_all(descriptor: int, size_bytes: int | None) -> bytes:
    length = os.fstat(descriptor).st_size
    size = length if size_bytes is None else min(length, size_bytes)
    pieces, offset = [], 0
    while offset < size:
        piece = os.pread(descriptor, size - offset, offset)
        if not piece:
            raise OSError(f"a read ended after {offset} of {size} bytes")
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
