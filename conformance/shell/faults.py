"""What a story does to disks, clocks and members, by the names of their machines."""

from typing import Any, Protocol

from conformance.shell.clients import Call
from conformance.shell.clocks import Clock
from conformance.shell.disks import SlowDisk
from conformance.shell.machines import PORT
from conformance.shell.unrest.moving import Move


class Machines(Protocol):
    """Whoever has the machines."""

    seed: str
    machines: dict[str, Any]
    clients: list[Any]
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
        clocks = {one.asks.process.name: one.asks.process.clock for one in self._colony.clients}
        clocks |= {name: machine.clock for name, machine in self._colony.machines.items()}
        clock = clocks[name]
        self._colony.simulator.note(f"clock {name} {rate}")
        clock.go(self._colony.simulator.now_s, rate)
        if clock.rate != 1.0:
            self._colony.saw("a clock went at a rate of its own")


class Moves:
    """`colony.moves.begin(1, "a", "d")`. `begun` has every move so far, with what an operator does about it."""

    def __init__(self, colony: Any) -> None:
        self._colony = colony
        self.begun: list[tuple[Move, Call]] = []

    def begin(self, cell: int, leaves_from: str, to: str) -> Call:
        """Replace the node of a cell on one server by a new one on another; one move comes after the other."""
        colony = self._colony
        assert all(move.is_over for move, _ in self.begun), "one after the other"
        plan = next(plan for plan in colony.plans if plan.cell == cell)
        joins = len(plan.nodes) + 1 + sum(move.cell == cell for move, _ in self.begun)
        assert joins <= len(plan.nodes) + colony.spares, "there are no spare nodes"
        numbers = {name: machine.number for name, machine in colony.machines.items()}
        addresses = {number: f"{name}:{PORT}" for name, number in numbers.items()}
        return self.go_on(Move(cell, numbers[leaves_from], numbers[to], joins, addresses, colony.keys))

    def go_on(self, move: Move) -> Call:
        """An operator goes on with a move, from a machine of its own."""
        colony = self._colony
        name = f"operator{move.tries}.{move.cell}.{move.joins}"
        move.tries += 1
        call = Call(colony, colony.process(name, name, Clock()).start(move.go_on()))
        self.begun = [one for one in self.begun if one[0] is not move] + [(move, call)]
        return call
