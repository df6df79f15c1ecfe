"""Moves of joint states, and who makes them.

A joint state is one integer: the numbers of the local states of all nodes, and above them a bit for each thing that was
said. A move turns it into `(s ^ flip) | add`. As the specification sees it, it is a shift, or nothing at all.
"""

from typing import NamedTuple, Protocol

from attrs import define, field

from conformance.exhaustive.events import Happening, Hear
from conformance.exhaustive.graph import Graph
from conformance.exhaustive.network import Sent
from conformance.exhaustive.translation import NOBODY, Said, Written
from physalia.model import NodeId


class Shift(NamedTuple):
    """A step of the code as the specification sees it: of the node, its new view, and what is written down beside."""

    step: int
    node: NodeId
    view: int
    written: frozenset[Written]


class Move(NamedTuple):
    """What an event does to a joint state. `shift` is the number of the step, -1 for a stutter."""

    flip: int
    add: int
    shift: int


@define(eq=False)
class Row:
    """What a node can do: every move that changes something, and what the demands need to know of it."""

    moves: tuple[Move, ...]
    happenings: tuple[Happening, ...]
    """What each of the moves is."""
    takes: int
    """The steps of the specification that they are."""
    hidden: tuple[Move, ...]
    """Those that nothing shows: receipts."""
    rejects: frozenset[str]
    """Commands that the node turns away."""
    steps: int
    """How many of the moves are steps of the specification."""
    reaches: int = -1
    """The internal steps that it can reach by hidden moves alone, whatever value is proposed; -1 if not yet known."""


@define
class Shifts:
    """All shifts, and their numbers."""

    known: list[Shift] = field(factory=list)
    number_of: dict[Shift, int] = field(factory=dict)

    def number(self, shift: Shift) -> int:
        """The number of a shift."""
        number = self.number_of.setdefault(shift, len(self.known))
        if number == len(self.known):
            self.known.append(shift)
        return number


class Mover(Protocol):
    """Whoever moves: a node, or the clients."""

    known: dict[int, Row]

    @property
    def mask(self) -> int:
        """The bits of a joint state on which its row depends."""

    def row(self, part: int) -> Row:
        """The row for this part of a joint state."""

    def reaches(self, part: int) -> int:
        """The internal steps that it can reach by hidden moves alone."""

    def words(self, happening: Happening) -> str:
        """An event of it in words."""


@define(eq=False)
class Clients:
    """The clients, of whom one may ask for a command at any time, once."""

    sent: Sent
    graph: Graph
    shifts: Shifts
    asks: list[Said]
    known: dict[int, Row] = field(factory=dict)

    @property
    def mask(self) -> int:
        """The bits of everything that may be asked for."""
        return sum(self.sent.bit(said) for said in self.asks)

    def row(self, part: int) -> Row:
        """What was not asked for yet."""
        if part not in self.known:
            self.known[part] = self._make(part)
        return self.known[part]

    def _make(self, part: int) -> Row:
        moves: list[Move] = []
        happenings: list[Happening] = []
        takes = 0
        for said in self.asks:
            bit, written = self.sent.bit(said), self.sent.translation.written(said)
            if part & bit or written is None:
                continue
            step = self.graph.number(("issue", (written[1],)))
            takes |= 1 << step
            moves.append(Move(0, bit, self.shifts.number(Shift(step, NOBODY, 0, frozenset({written})))))
            happenings.append(Hear(said))
        return Row(tuple(moves), tuple(happenings), takes, (), frozenset(), len(moves), 0)

    def reaches(self, part: int) -> int:
        """Nothing: clients take no internal steps."""
        return self.row(part).reaches

    def words(self, happening: Happening) -> str:
        """A request in words."""
        assert isinstance(happening, Hear)
        return f"a client asks for {self.sent.translation.written(happening.said)[1]}"  # type: ignore[index]
