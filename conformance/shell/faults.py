"""What a story does to disks and clocks, by the names of their machines."""

from typing import Any, Protocol

from conformance.shell.disks import SlowDisk


class Machines(Protocol):
    """Whoever has the machines."""

    seed: str
    machines: dict[str, Any]
    simulator: Any

    def block(self, seconds: float) -> None:
        """The process that runs now waits for its disk."""

    def saw(self, mark: str) -> None:
        """Something was reached."""


class Disks:
    """`colony.disk.fail_flush("c")`."""

    def __init__(self, colony: Machines) -> None:
        self._colony = colony

    def fail_flush(self, name: str) -> None:
        """The next flush fails: what it was to make safe may be lost, and the server ends."""
        self._note("fail flush", name)
        self._colony.machines[name].disk.fail_flush()

    def fill(self, name: str) -> None:
        """There is no room for another byte."""
        self._note("fill", name)
        self._colony.machines[name].disk.fill()

    def free(self, name: str) -> None:
        """There is room again."""
        self._note("free", name)
        self._colony.machines[name].disk.free()

    def slow(self, name: str, sync_s: float) -> None:
        """Every sync takes so long."""
        self._note(f"slow {sync_s}", name)
        self._colony.machines[name].disk.sync_s = sync_s

    def lose(self, name: str) -> None:
        """A machine on which nothing runs gets another disk, with nothing on it."""
        self._note("lose", name)
        machine = self._colony.machines[name]
        assert not machine.is_up, f"{name} runs"
        machine.disk = SlowDisk(f"{self._colony.seed}/{name}/{machine.starts}", self._colony.block)
        machine.is_lost = True
        self._colony.saw("a disk was lost")

    def _note(self, what: str, name: str) -> None:
        self._colony.simulator.note(f"disk {what} {name}")


class Clocks:
    """`colony.clock.rate("a", 3)`."""

    def __init__(self, colony: Machines) -> None:
        self._colony = colony

    def rate(self, name: str, rate: float) -> None:
        """The clock of a machine goes so many times as fast as true time."""
        self._colony.simulator.note(f"clock {name} {rate}")
        self._colony.machines[name].clock.go(self._colony.simulator.now_s, rate)
