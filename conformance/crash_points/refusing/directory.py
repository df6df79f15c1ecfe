"""The real directory beside the simulated one: whatever one of them does to a disk, the other does as well.

All other judges of a journal have the simulated directory below it, or a real disk that nobody cuts off. So a flush
that `physalia.journal.Directory` leaves out shows here alone: its calls to the operating system are carried out, the
reads and writes a piece at a time, and noted on a simulated disk, which must be that of the simulated directory.
"""

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from conformance.crash_points.disk import Disk, Resize, Write
from conformance.crash_points.vfs import SimulatedFiles
from physalia.journal import Directory, Files, files

FILE, OTHER = "marks", "journal"
OWNER_ALONE = 0o600
RANDOM_BYTES = 8
MOST_READS = 1_000
"""Nothing here takes so many."""

Act = Callable[[Files], object]


class EndlessError(Exception):
    """The directory would wait or read for ever."""


class System:
    """Stands for `os` and `fcntl`. `disk` is what came of all calls, `opened` what is open.

    With `is_full` no write succeeds; with `is_cut` files end before their length says so.
    """

    def __init__(self) -> None:
        self.disk = Disk("directory")
        self.opened: dict[int, str] = {}
        self.is_full = False
        self.is_cut = False
        self._reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os if hasattr(os, name) else fcntl, name)

    def flock(self, descriptor: int, how: int) -> None:
        """Lock a file, without waiting for it."""
        if not how & fcntl.LOCK_NB:
            raise EndlessError("it waits for a lock")
        fcntl.flock(descriptor, how)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        """Open a file, or make it; the directory itself has no name."""
        is_new = not path.exists()
        descriptor = os.open(path, flags, mode)
        self.opened[descriptor] = name = "" if path.is_dir() else path.name
        if is_new:
            self.disk.make(name)
        elif flags & os.O_TRUNC:
            self.disk.change(name, Resize(0))
        return descriptor

    def close(self, descriptor: int) -> None:
        """Close it."""
        os.close(descriptor)
        del self.opened[descriptor]

    def pread(self, descriptor: int, size_bytes: int, offset: int) -> bytes:
        """Half of what is asked for, as a disk may."""
        self._reads += 1
        if self._reads > MOST_READS:
            raise EndlessError("it reads on and on")
        return b"" if self.is_cut else os.pread(descriptor, (size_bytes + 1) // 2, offset)

    def pwrite(self, descriptor: int, data: memoryview, offset: int) -> int:
        """Half of what is given, as a disk may."""
        if self.is_full:
            raise OSError(errno.ENOSPC, "ENOSPC")
        some, name = bytes(data[: (len(data) + 1) // 2]), self.opened[descriptor]
        if name in self.disk.names:
            self.disk.change(name, Write(offset, some))
        return os.pwrite(descriptor, some, offset)

    def fsync(self, descriptor: int) -> None:
        """Make a file safe, or the names of all."""
        name = self.opened[descriptor]
        self.disk.sync(name) if name else self.disk.sync_names()


def unlike_the_simulation() -> Iterator[str]:
    """What the real directory does otherwise than the simulated one, as sentences."""
    system, simulated = System(), Disk("directory")

    def rename(old: Path, new: Path) -> None:
        os.replace(old, new)  # noqa: PTH105  # that is what is stood for, and below
        system.disk.rename(old.name, new.name)

    def unlink(path: Path) -> None:
        os.unlink(path)  # noqa: PTH108
        system.disk.remove(path.name)

    with (
        tempfile.TemporaryDirectory(prefix="physalia-directory-") as name,
        patch.object(files, "os", system),
        patch.object(files, "fcntl", system),
        patch.object(Path, "replace", rename),
        patch.object(Path, "unlink", unlink),
    ):
        real, other = Directory(Path(name)), SimulatedFiles(simulated)
        try:
            yield from _acts(real, other, system, simulated)
            yield from _full(real, system)
            yield from _locks(Path(name), real, system)
        except EndlessError as error:
            yield f"the real directory does not come to an end: {error}"
        if len({real.random(RANDOM_BYTES) for _ in range(2)}) != 2 or len(real.random(RANDOM_BYTES)) != RANDOM_BYTES:  # noqa: PLR2004
            yield "random bytes are too few, or the same again"


ACTS: dict[str, Act] = {
    "a file is made": lambda of: of.replace(FILE, b"one" * 400),
    "it gives way to another": lambda of: of.replace(FILE, b"two, which is shorter"),
    "some bytes of it change": lambda of: of.write(FILE, b"three", 2),
    "it is synced": lambda of: of.sync(FILE),
    "it grows": lambda of: of.write(FILE, b"far behind its end", 5_000),
    "it gives way while it is kept open": lambda of: of.replace(FILE, b"four" * 3),
    "the new one changes": lambda of: of.write(FILE, b"5", 1),
    "and is synced": lambda of: of.sync(FILE),
    "a second one comes": lambda of: of.replace(OTHER, b"six" * 2_000),
    "the names are synced": lambda of: of.sync_names(),
    "the first is removed": lambda of: of.remove(FILE),
    "it is removed again": lambda of: of.remove(FILE),
    "it changes though it is not there": lambda of: of.write(FILE, b"nobody", 0),
    "one was not written to its end once": lambda of: of.replace(f"{FILE}.new", b"a long beginning" * 99),
    "it comes once more": lambda of: of.replace(FILE, b"seven"),
    "and changes": lambda of: of.write(FILE, b"eight", 3),
}


def _acts(real: Directory, other: Files, system: System, simulated: Disk) -> Iterator[str]:
    for what, act in ACTS.items():
        told, wanted = _outcome(real, act), _outcome(other, act)
        if told != wanted:
            yield f"where {what}, the real directory says {told}, and the simulated one {wanted}"
        if _on_disk(system.disk) != _on_disk(simulated):
            yield f"where {what}, the real directory has another disk than the simulated one: {_on_disk(system.disk)}"
        for name in (FILE, OTHER):
            for size_bytes in (None, 0, 3, 100_000):
                read = partial(_read, name=name, size_bytes=size_bytes)
                if (told := _outcome(real, read)) != (wanted := _outcome(other, read)):
                    yield f"where {what}, {size_bytes or 'all'} bytes of {name} are {told}, and should be {wanted}"
        if real.names() != other.names():
            yield f"where {what}, there are {sorted(real.names())}, and should be {sorted(other.names())}"
    for path in real.folder.iterdir():
        if (allowed := path.stat().st_mode & 0o777) != OWNER_ALONE:
            yield f"{path.name} is open to others: {allowed:o}"


def _read(of: Files, name: str, size_bytes: int | None) -> bytes:
    return of.read(name, size_bytes)


def _outcome(of: Files, act: Act) -> object:
    """What it returns, or which error it raises: another than an `OSError` is wrong wherever it comes."""
    try:
        return act(of)
    except EndlessError:
        raise
    except Exception as error:  # noqa: BLE001  # it is told
        return type(error).__name__


def _on_disk(disk: Disk) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What every process sees, and what a power cut leaves at least."""
    seen = {name: bytes(file.seen) for name, file in disk.names.items()}
    return seen, {name: bytes(file.safe) for name, file in disk.safe_names.items()}


def _full(real: Directory, system: System) -> Iterator[str]:
    """Where there is no room, what stood there stands, and nothing lies beside it. Half a read is no read."""
    before, system.is_full = _on_disk(system.disk)[0], True
    if _outcome(real, lambda of: of.replace(FILE, b"no room")) != "OSError":
        yield "a file that found no room is said to be written"
    system.is_full, system.is_cut = False, True
    if _outcome(real, lambda of: of.read(FILE)) != "OSError":
        yield "a file that ends too early is said to be read"
    system.is_cut = False
    if _on_disk(system.disk)[0] != before:
        yield f"a file that found no room leaves {sorted(system.disk.names)}"


def _locks(folder: Path, real: Directory, system: System) -> Iterator[str]:
    """One has the directory; whoever comes second is told so, and leaves nothing open. In the end nothing is."""
    second = Directory(folder)
    real.lock()
    count = len(system.opened)
    if _outcome(second, lambda of: of.lock()) != "BlockingIOError":
        yield "two have the directory"
    if len(system.opened) != count:
        yield "who does not get the directory leaves it open"
    real.unlock()
    if system.opened:
        yield f"a directory that is given back leaves open: {sorted(system.opened.values())}"
    if _outcome(second, lambda of: of.lock()) is not None:
        yield "a directory that was given back cannot be had"
    second.unlock()
    again: tuple[Act, ...] = (lambda of: of.unlock(), lambda of: of.lock(), lambda of: of.write(FILE, b"9", 0))
    for act in again:
        if (said := _outcome(real, act)) is not None:
            yield f"a directory that was given back cannot be used again: {said}"
    if real.path(FILE) != str(folder / FILE):
        yield f"the path of a file is {real.path(FILE)}"
