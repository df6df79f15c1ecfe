"""A process that is killed at every boundary, for real: `python -m tests.physalia.journal.killed FOLDER`.

For n = 1, 2, 3 ... a child works on a journal of its own and kills itself with SIGKILL right before the n-th time that
anything is written, flushed, made, renamed or removed; until one comes through. The parent hears what was acknowledged
through a pipe, opens the journal as a restarted server would, and prints a line of JSON for each child.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import apsw

from physalia.journal import Directory, Journal, JournalMissing, NodeKey

SERVER = 7
NODE = NodeKey(1, 1, 1)
BATCHES = 8
VFS = "killing"


class Countdown:
    """Kills the process when it reaches zero."""

    left = sys.maxsize

    @classmethod
    def tick(cls) -> None:
        """One boundary."""
        cls.left -= 1
        if cls.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class KillingFile(apsw.VFSFile):
    """A real file whose changes are boundaries."""

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802  # SQLite's name
        Countdown.tick()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        Countdown.tick()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        Countdown.tick()
        super().xTruncate(newsize)


class KillingVfs(apsw.VFS):
    """SQLite's own VFS, with such files."""

    def __init__(self) -> None:
        super().__init__(VFS, base="unix")

    def xOpen(self, name: Any, flags: list[int]) -> KillingFile:  # noqa: N802
        Countdown.tick()
        return KillingFile("unix", name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        Countdown.tick()
        super().xDelete(filename, syncdir)


Change = Literal["write", "sync", "replace", "remove", "sync_names"]


class KillingDirectory(Directory):
    """A real directory whose changes are boundaries."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, VFS)
        for name in ("write", "sync", "replace", "remove", "sync_names"):
            setattr(self, name, self._counted(getattr(self, name)))

    @staticmethod
    def _counted(change: Callable[..., None]) -> Callable[..., None]:
        def counted(*given: Any) -> None:
            Countdown.tick()
            change(*given)

        return counted


def work(folder: Path, told: int) -> None:
    """What the child does: batches of two records, a fold now and then, and a byte in the pipe for each batch."""
    Journal.create(KillingDirectory(folder), SERVER)
    with Journal(KillingDirectory(folder), SERVER) as journal:
        journal.admit(NODE)
        journal.flush()
        os.write(told, b"n")
        for batch in range(BATCHES):
            journal.append([(NODE, b"%d first" % batch), (NODE, b"%d second" % batch)])
            journal.flush()
            os.write(told, b"b")
            if batch % 3 == 1:
                journal.fold(2)


def kill_at(folder: Path, boundary: int) -> tuple[bool, bytes]:
    """Let a child live until the boundary; whether it was killed, and what it acknowledged."""
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hears)
        Countdown.left = boundary
        work(folder, tells)
        os._exit(0)
    os.close(tells)
    with os.fdopen(hears, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"the child fell over at boundary {boundary}")
    return os.WIFSIGNALED(status), told


def shown(folder: Path) -> Sequence[str] | None:
    """What a restarted server finds: the records of the node, or None if it was never born."""
    try:
        journal = Journal(Directory(folder), SERVER)
    except JournalMissing:
        return None
    with journal:
        return [record.decode() for record in journal.read(NODE)] if NODE in set(journal.nodes()) else None


def main() -> None:
    """Every boundary, one after the other."""
    vfs = KillingVfs()
    for boundary in range(1, 10_000):
        folder = Path(sys.argv[1]) / str(boundary)
        folder.mkdir()
        killed, told = kill_at(folder, boundary)
        line = {"boundary": boundary, "killed": killed, "told": told.decode(), "shown": shown(folder)}
        print(json.dumps(line), flush=True)
        if not killed:
            break
    vfs.unregister()


if __name__ == "__main__":
    main()
