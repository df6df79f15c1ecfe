"""The disk of a machine: the simulated one of the crash points, which takes its time."""

from collections.abc import Callable

from conformance.crash_points.disk import Disk


class SlowDisk(Disk):
    """A disk of which each sync takes `sync_s` seconds, of which `wait` is told."""

    def __init__(self, seed: str, wait: Callable[[float], None]) -> None:
        super().__init__(seed)
        self.sync_s = 0.0002
        self._wait = wait

    def attempt(self, kind: str, name: str) -> str:
        """Begin a step; a sync takes its time, whatever comes of it."""
        if kind == "sync":
            self._wait(self.sync_s)
        return super().attempt(kind, name)

    def fill(self) -> None:
        """From here on there is no room for another byte."""
        self.room_bytes = self.size_bytes

    def free(self) -> None:
        """There is room again."""
        self.room_bytes = None

    def fail_flush(self) -> None:
        """The next sync fails, and what it was to make safe meets its fate."""
        self.failing_sync = self.syncs + 1

    def apart(self, wait: Callable[[float], None]) -> "SlowDisk":
        """The same disk for the next process: what the last one still does reaches nothing."""
        other = SlowDisk(self.seed, wait)
        same = self.copy()
        other.names, other.safe_names, other.due_names = same.names, same.safe_names, same.due_names
        other.failed, other.sync_s = same.failed, self.sync_s
        return other
