"""SQLite on the simulated disk, and the journal's own files beside it.

`SimulatedVfs` is a VFS written in Python: the real SQLite, with its real write-ahead log, does its input and output
here. It is registered once; `mounted` says which disk it shows. It is the default VFS while a disk is mounted, since
SQLite draws its random numbers from there, and they are to follow from the seed.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

import apsw

from conformance.crash_points.disk import Disk, Resize, Write

VFS = "physalia-simulated"
FOLDER = "/simulated/"


class SimulatedVfs(apsw.VFS):
    """The VFS. Its only state is which disk it shows."""

    def __init__(self) -> None:
        self.disk = Disk("")
        self.rng = Random(0)  # noqa: S311  # repeatable, no secret
        super().__init__(VFS, base="", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "SimulatedFile":  # type: ignore[override]
        """Open a file of the disk, or make it."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        with _as_sqlite(apsw.CantOpenError, {}):
            short = path.removeprefix(FOLDER)
            if short not in self.disk.names and flags[0] & apsw.SQLITE_OPEN_CREATE:
                self.disk.make(short)
                is_fresh = bool(flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL))
            else:
                self.disk.attempt("open", short)
                is_fresh = False
            self.disk.file(short)
        flags[1] = flags[0]
        return SimulatedFile(self.disk, short, is_fresh)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002  # as SQLite calls it
        """Whether there is such a file; like SQLite's own, it takes an empty one for none."""
        file = self.disk.names.get(pathname.removeprefix(FOLDER))
        return file is not None and bool(file.seen)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Remove a file."""
        with _as_sqlite(apsw.IOError, {}, apsw.SQLITE_IOERR_DELETE):
            self.disk.remove(filename.removeprefix(FOLDER))
            if syncdir:
                self.disk.sync_names()

    def xFullPathname(self, name: str) -> str:
        """Every name is whole."""
        return name

    def xRandomness(self, numbytes: int) -> bytes:
        """What follows from the seed."""
        return self.rng.randbytes(numbytes)

    def xSleep(self, microseconds: int) -> int:
        """Time does not pass here."""
        return microseconds

    def xCurrentTime(self) -> float:
        """Always the same."""
        return 2460000.5

    def xCurrentTimeInt64(self) -> int:
        """Always the same."""
        return 212464080000000

    def xGetLastError(self) -> tuple[int, str]:
        """Whatever there is to say is in the exception."""
        return 0, ""


class SimulatedFile:
    """An open file."""

    def __init__(self, disk: Disk, name: str, is_fresh: bool) -> None:
        self.disk = disk
        self.name = name
        self.is_fresh = is_fresh
        """Whether its name is not safe yet: SQLite's own VFS syncs the directory with the first sync of a new log."""

    def xRead(self, amount: int, offset: int) -> bytes:
        """What is there: less at the end of the file. A read that ends early is read on, as SQLite's own VFS does."""
        with _as_sqlite(apsw.IOError, {}, apsw.SQLITE_IOERR_READ):
            return read_on(self.disk, self.name, offset, amount)

    def xWrite(self, data: bytes, offset: int) -> None:
        """Write all of it."""
        with _as_sqlite(apsw.IOError, {errno.ENOSPC: apsw.FullError}, apsw.SQLITE_IOERR_WRITE):
            self.disk.change(self.name, Write(offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        """Give the file a length."""
        with _as_sqlite(apsw.IOError, {}, apsw.SQLITE_IOERR_TRUNCATE):
            self.disk.change(self.name, Resize(newsize))

    def xSync(self, flags: int) -> None:  # noqa: ARG002  # as SQLite calls it
        """Make it safe, and its name too if it is a new log."""
        with _as_sqlite(apsw.IOError, {}, apsw.SQLITE_IOERR_FSYNC):
            self.disk.sync(self.name)
            if self.is_fresh:
                self.disk.sync_names()
                self.is_fresh = False

    def xFileSize(self) -> int:
        """Its length."""
        return len(self.disk.file(self.name).seen)

    def xLock(self, level: int) -> None:
        """Nobody else is here: the directory is locked."""

    def xUnlock(self, level: int) -> None:
        """Nobody else is here."""

    def xCheckReservedLock(self) -> bool:
        """Nobody else is here."""
        return False

    def xSectorSize(self) -> int:
        """As SQLite's own VFS says."""
        return 4096

    def xDeviceCharacteristics(self) -> int:
        """As SQLite's own VFS says: a write that is cut off leaves the bytes around it alone."""
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: ARG002  # as SQLite calls it
        """Nothing special."""
        return False

    def xClose(self) -> None:
        """Nothing to do."""


class SimulatedFiles:
    """The journal's own files on the simulated disk: `physalia.journal.Files`."""

    vfs = VFS

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.is_locked = False

    def path(self, name: str) -> str:
        """The whole path."""
        return FOLDER + name

    def lock(self) -> None:
        """Take the directory."""
        self.disk.attempt("open", "")
        if self.is_locked:
            raise BlockingIOError(errno.EWOULDBLOCK, "EWOULDBLOCK")
        self.is_locked = True

    def unlock(self) -> None:
        """Give it back."""
        self.is_locked = False

    def names(self) -> frozenset[str]:
        """What stands there."""
        self.disk.attempt("open", "")
        return frozenset(self.disk.names)

    def read(self, name: str, size_bytes: int | None = None) -> bytes:
        """All bytes, or the first ones."""
        self.disk.attempt("open", name)
        size = len(self.disk.file(name).seen)
        return read_on(self.disk, name, 0, size if size_bytes is None else min(size, size_bytes))

    def write(self, name: str, data: bytes, offset: int) -> None:
        """Put bytes into a file."""
        self.disk.change(name, Write(offset, data))

    def sync(self, name: str) -> None:
        """Make a file safe."""
        self.disk.sync(name)

    def replace(self, name: str, data: bytes) -> None:
        """Make these the bytes of the file, in the steps of `physalia.journal.Directory`."""
        fresh = f"{name}.new"
        try:
            if fresh in self.disk.names:
                self.disk.change(fresh, Resize(0))
            else:
                self.disk.make(fresh)
            self.disk.change(fresh, Write(0, data))
            self.disk.sync(fresh)
        except OSError:
            with suppress(OSError):
                self.remove(fresh)
            raise
        self.disk.rename(fresh, name)
        self.disk.sync_names()

    def remove(self, name: str) -> None:
        """Remove a file."""
        if name in self.disk.names:
            self.disk.remove(name)
        self.disk.sync_names()

    def sync_names(self) -> None:
        """Make the directory safe."""
        self.disk.sync_names()

    def random(self, size_bytes: int) -> bytes:
        """What follows from the seed."""
        return Random(self.disk.seed).randbytes(size_bytes)  # noqa: S311  # repeatable, no secret


def read_on(disk: Disk, name: str, offset: int, size_bytes: int) -> bytes:
    """So many bytes, or all up to the end of the file, however many reads that takes."""
    data = b""
    while len(data) < size_bytes:
        piece = disk.read(name, offset + len(data), size_bytes - len(data))
        if not piece:
            break
        data += piece
    return data


@contextmanager
def simulated_vfs() -> Iterator[SimulatedVfs]:
    """Register the VFS, as the default one, and take it away again."""
    vfs = SimulatedVfs()
    try:
        yield vfs
    finally:
        vfs.unregister()
        apsw.randomness(0)


def mount(vfs: SimulatedVfs, disk: Disk) -> SimulatedFiles:
    """Show this disk from here on, to a process that begins here: SQLite's random numbers start anew."""
    vfs.disk = disk
    vfs.rng = Random(f"{disk.seed}/{len(disk.names)}")  # noqa: S311  # repeatable, no secret
    apsw.randomness(0)
    return SimulatedFiles(disk)


@contextmanager
def _as_sqlite(kind: type[apsw.Error], kinds: dict[int, type[apsw.Error]], extended: int = 0) -> Iterator[None]:
    """Tell SQLite of an `OSError` in its own way."""
    try:
        yield
    except OSError as error:
        chosen = kinds.get(error.errno or 0, kind)
        told = chosen(str(error))
        if chosen is kind and extended:
            told.extendedresult = extended  # type: ignore[attr-defined]  # as apsw documents
        raise told from error
