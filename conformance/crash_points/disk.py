"""A simulated disk: what a file system promises, and nothing more.

A process sees what it wrote at once. On the disk is only what was synced: every write, every change of a length and
every change of a name that was not synced has its own fate when the power goes. A write is cut at the borders of
sectors; of each piece the disk has the new bytes, the old ones, or zeros. Bytes that were synced are safe.

A sync that fails loses its writes to such fates and *forgets* that they are due: the page cache goes on showing them,
and the next sync says that all is well. That is how Linux behaves (Rebello and others, USENIX ATC 2020).

Every operation is one *step*. A step may be told to fail, and is written to the record, from which the state of the
disk at any moment can be built again: those moments are the crash points.
"""

import errno
from collections.abc import Callable, Mapping
from random import Random

from attrs import Factory, define, frozen

SECTOR_BYTES = 512


@frozen
class Write:
    """Bytes that were put into a file."""

    offset: int
    data: bytes


@frozen
class Resize:
    """A length that a file was given."""

    size_bytes: int


Change = Write | Resize


@define(eq=False)
class File:
    """The bytes of a file: as processes see them, as the disk has them, and the changes that were not synced."""

    seen: bytearray = Factory(bytearray)
    safe: bytearray = Factory(bytearray)
    due: list[Change] = Factory(list)

    def change(self, change: Change) -> None:
        """What processes see changes at once."""
        apply(self.seen, change)
        self.due.append(change)

    def sync(self) -> None:
        """What is due becomes safe."""
        for change in self.due:
            apply(self.safe, change)
        self.due.clear()

    def forget(self, rng: Random) -> None:
        """What is due meets its fate, and nobody remembers that it was due."""
        suffer(self.safe, self.due, rng)
        self.due.clear()

    def copy(self) -> "File":
        """The same, apart."""
        return File(bytearray(self.seen), bytearray(self.safe), list(self.due))


def apply(data: bytearray, change: Change) -> None:
    """Carry a change out; a gap before a write is filled with zeros."""
    match change:
        case Write(offset, new):
            if len(data) < offset:
                data.extend(bytes(offset - len(data)))
            data[offset : offset + len(new)] = new
        case Resize(size_bytes):
            del data[size_bytes:]
            data.extend(bytes(size_bytes - len(data)))


Fate = Callable[[int, int], str]
"""From the number of a piece and how many there are to `new`, `old` or `zero`."""


def fate_of(rng: Random) -> Fate:
    """How the disk treats what was not synced: in one of several manners, each of which real disks have."""
    share, border = rng.random(), rng.random()
    manners: list[Fate] = [
        lambda *_: "new",
        lambda *_: "old",
        lambda place, count: "new" if place < border * count else "old",
        lambda place, count: "old" if place < border * count else "new",
        lambda place, count: "new" if place < border * count else "zero",
        lambda place, count: "zero" if place == int(border * count) else "new",
        lambda *_: "new" if rng.random() < share else "old",
        lambda *_: rng.choice(("new", "old", "zero")),
    ]
    return rng.choice(manners)


def suffer(data: bytearray, due: list[Change], rng: Random) -> None:
    """Let every change meet its fate."""
    pieces = [piece for change in due for piece in pieces_of(change)]
    fate = fate_of(rng)
    for place, piece in enumerate(pieces):
        match fate(place, len(pieces)), piece:
            case "new", _:
                apply(data, piece)
            case "zero", Write(offset, new):
                apply(data, Write(offset, bytes(len(new))))
            case _:
                pass


def pieces_of(change: Change) -> list[Change]:
    """A write, cut at the borders of sectors; a length is one piece."""
    if isinstance(change, Resize):
        return [change]
    pieces: list[Change] = []
    start = change.offset
    end = start + len(change.data)
    while start < end:
        border = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        pieces.append(Write(start, change.data[start - change.offset : border - change.offset]))
        start = border
    return pieces


@frozen
class Name:
    """A change of the directory: `name` is given to a file, or to none; a rename takes it from `old` in one go."""

    name: str
    file: File | None
    old: str = ""

    def carry_out(self, names: dict[str, File]) -> None:
        """Change the directory."""
        if self.old:
            names.pop(self.old, None)
        if self.file is None:
            names.pop(self.name, None)
        else:
            names[self.name] = self.file


@frozen
class Step:
    """One operation that was carried out: what it was, on which file, with what. It is enough to do it again."""

    kind: str
    name: str = ""
    change: Change | None = None
    to: str = ""


Faults = Mapping[int, str]
"""Which steps fail, and how: `eio`, `enospc`, `emfile`, `enomem`, or `short` for a read that ends early."""


class Disk:
    """One directory on a disk. `record` has every step since the disk was made or copied."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.names: dict[str, File] = {}
        self.safe_names: dict[str, File] = {}
        self.due_names: list[Name] = []
        self.record: list[Step] = []
        self.failed = False
        """Whether a sync failed, so that what processes see and what the disk has may differ with nothing due."""
        self.steps = 0
        self.syncs = 0
        self.faults: Faults = {}
        self.failing_sync: int | None = None
        """Which sync fails, counted from 1."""
        self.met: list[tuple[int, str, str]] = []
        """The faults that were met: the step, its kind, the fault."""
        self.room_bytes: int | None = None
        """How far all files together may grow; None for as far as they like."""

    def attempt(self, kind: str, name: str) -> str:
        """Begin a step; return `short` if a read is to end early. Raises `OSError` if the step is to fail."""
        fault = self.faults.get(self.steps, "")
        self.steps += 1
        if kind == "sync":
            self.syncs += 1
            fault = "eio" if self.syncs == self.failing_sync else fault
        if not fault or (fault == "short" and kind != "read"):
            return ""
        self.met.append((self.steps - 1, kind, fault))
        if fault == "short":
            return fault
        if fault == "eio" and kind == "sync":
            self._do(Step("fail", name))
        number = {"eio": errno.EIO, "enospc": errno.ENOSPC, "emfile": errno.EMFILE, "enomem": errno.ENOMEM}[fault]
        raise OSError(number, errno.errorcode[number])

    @property
    def size_bytes(self) -> int:
        """How large all files are together, as processes see them."""
        return sum(len(file.seen) for file in self.names.values())

    def file(self, name: str) -> File:
        """The file of that name. Raises `FileNotFoundError`."""
        if name not in self.names:
            raise FileNotFoundError(errno.ENOENT, "ENOENT", name)
        return self.names[name]

    def make(self, name: str) -> None:
        """Make an empty file."""
        self.attempt("make", name)
        self._do(Step("make", name))

    def read(self, name: str, offset: int, size_bytes: int) -> bytes:
        """Up to so many bytes, and none only at the end of the file."""
        fault = self.attempt("read", name)
        data = bytes(self.file(name).seen[offset : offset + size_bytes])
        return data[: (len(data) + 1) // 2] if fault else data

    def change(self, name: str, change: Change) -> None:
        """Write, or give a file a length."""
        self.attempt("write", name)
        self._need_room(name, change)
        self._do(Step("change", name, change))

    def sync(self, name: str) -> None:
        """Make the bytes and the length of a file safe."""
        self.attempt("sync", name)
        self._do(Step("sync", name))

    def remove(self, name: str) -> None:
        """Take a name away."""
        self.attempt("remove", name)
        self._do(Step("remove", name))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, which it takes from whoever has it."""
        self.attempt("rename", new)
        self._do(Step("rename", old, to=new))

    def sync_names(self) -> None:
        """Make the directory safe."""
        self.attempt("sync", "")
        self._do(Step("names"))

    def again(self, step: Step) -> None:
        """Carry a recorded step out."""
        self._do(step)

    def copy(self) -> "Disk":
        """The same disk, apart, with nothing recorded."""
        files: dict[int, File] = {}

        def twin(file: File) -> File:
            return files.setdefault(id(file), file.copy()) if id(file) not in files else files[id(file)]

        other = Disk(self.seed)
        other.names = {name: twin(file) for name, file in self.names.items()}
        other.safe_names = {name: twin(file) for name, file in self.safe_names.items()}
        other.due_names = [
            Name(due.name, None if due.file is None else twin(due.file), due.old) for due in self.due_names
        ]
        other.failed = self.failed
        return other

    def cut_power(self, seed: str) -> None:
        """Whatever was not synced meets its fate; what the disk then has is what everybody sees."""
        rng = Random(seed)  # noqa: S311  # repeatable, no secret
        fate = fate_of(rng)
        for place, due in enumerate(self.due_names):
            if fate(place, len(self.due_names)) == "new":
                due.carry_out(self.safe_names)
        for name in sorted(self.safe_names):
            self.safe_names[name].forget(rng)
            self.safe_names[name].seen[:] = self.safe_names[name].safe
        self.names = dict(self.safe_names)
        self.due_names = []
        self.failed = False

    def _need_room(self, name: str, change: Change) -> None:
        if self.room_bytes is None or isinstance(change, Resize):
            return
        growth = change.offset + len(change.data) - len(self.file(name).seen)
        if growth > 0 and growth + self.size_bytes > self.room_bytes:
            self.met.append((self.steps - 1, "write", "full"))
            raise OSError(errno.ENOSPC, "ENOSPC")

    def _do(self, step: Step) -> None:
        match step:
            case Step("make", name):
                self._rename(Name(name, File()))
            case Step("change", name, change) if change is not None:
                self.file(name).change(change)
            case Step("sync", name):
                self.file(name).sync()
            case Step("fail", name):
                self._fail(name)
                self.failed = True
            case Step("remove", name):
                self._rename(Name(name, None))
            case Step("rename", old, to=new):
                self._rename(Name(new, self.file(old), old))
            case Step("names"):
                for due in self.due_names:
                    due.carry_out(self.safe_names)
                self.due_names = []
        self.record.append(step)

    def _rename(self, change: Name) -> None:
        change.carry_out(self.names)
        self.due_names.append(change)

    def _fail(self, name: str) -> None:
        rng = Random(f"{self.seed}/{name}/{len(self.record)}")  # noqa: S311  # repeatable, no secret
        if name:
            self.file(name).forget(rng)
        else:
            fate = fate_of(rng)
            for place, due in enumerate(self.due_names):
                if fate(place, len(self.due_names)) == "new":
                    due.carry_out(self.safe_names)
            self.due_names = []
