"""How Java is started for TLC, so that a short run is ready soon and a long one is fast.

Most runs of the ladder take a second, and nearly all of that is Java reading TLC's classes and finding out which of its
code is worth translating. So short runs translate in the quick way only, and the first of many leaves the classes, as
they are in memory, in a file that the others map.
"""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Short runs are finished in half the time, long ones take up to twice as long."""
AT_FULL_SPEED = ("-XX:+UseParallelGC",)
LARGE_GENERATED = 100_000
"""Generated states from which on a run is long."""


def options_for(generated: int, *, slow: bool = False) -> tuple[str, ...]:
    """The options for a run that generates so many states, each of which may be slow to judge."""
    return AT_FULL_SPEED if slow or generated >= LARGE_GENERATED else QUICK_START


@define
class Classes:
    """The file with TLC's classes. Java before 25 has none, and is told to pass over what it does not know."""

    folder: Path = field(factory=lambda: Path(tempfile.mkdtemp(prefix="physalia-java-")))
    ready: bool = False
    _begun: bool = False
    _lock: threading.Lock = field(factory=threading.Lock)

    @property
    def file(self) -> Path:
        """Where it is, or will be."""
        return self.folder / "tlc.aot"

    @contextmanager
    def for_run(self) -> Iterator[tuple[str, ...]]:
        """Options for one run: the first writes the file, and those that begin after its end map it."""
        with self._lock:
            writes, self._begun = not self._begun, True
        if writes:
            yield "-XX:+IgnoreUnrecognizedVMOptions", f"-XX:AOTCacheOutput={self.file}"
            self.ready = self.file.is_file()
        else:
            yield (f"-XX:AOTCache={self.file}",) if self.ready else ()

    def remove(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
