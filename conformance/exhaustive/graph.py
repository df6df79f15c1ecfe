"""The graph of the specification in one scope, as the exploration of the code needs it: masks of steps for each state.

Steps are actions with their arguments; a set of steps is an integer, with the bit of each step's number.
"""

from collections.abc import Callable, Iterator

from attrs import define, field

from conformance.exhaustive.performing import Label
from conformance.refutation import Refuted
from spec.cell import Cell, State
from spec.machine import Exploration, Status, explore

INTERNAL = ("propose", "decide", "learn", "consult", "serve", "install", "erase")
"""Actions that a node takes by itself, once it has heard enough. All others happen to it."""


@define(eq=False)
class Projected:
    """A state of the specification that some state of the code projects to.

    `outside` and `internal` are the steps that the specification can take from here; `taken` those that the code took.
    """

    number: int
    outside: int
    internal: int
    taken: int = 0
    after: "dict[int, Projected]" = field(factory=dict)
    """Where a shift of the code leads, once it was compared."""


class Graph:
    """The whole graph of the specification, and how much of it the code has shown."""

    def __init__(self, machine: Cell, progress: Callable[[Status], None] | None = None) -> None:
        self.machine = machine
        self.found: Exploration[State] = explore(machine, invariants=(), record=True, progress=progress)
        self.step_of: dict[Label, int] = {step: number for number, step in enumerate(self.found.steps)}
        self.projected: dict[int, Projected] = {}
        self._first_edge = self._first_edges()

    @property
    def all_steps(self) -> int:
        """The set of all steps."""
        return (1 << len(self.found.steps)) - 1

    @property
    def edges(self) -> int:
        """How many steps there are, each once for each list of arguments."""
        return len(self.found.edge_sources)

    def _first_edges(self) -> list[int]:
        """Where the edges of each state begin; edges are found state by state."""
        first, sources = [0] * (self.found.distinct + 1), self.found.edge_sources
        for source in sources:
            first[source + 1] += 1
        for number in range(self.found.distinct):
            first[number + 1] += first[number]
        return first

    def edges_from(self, number: int) -> Iterator[tuple[int, int]]:
        """Step and target of each edge from a state."""
        first, end = self._first_edge[number], self._first_edge[number + 1]
        return zip(self.found.edge_steps[first:end], self.found.edge_targets[first:end], strict=True)

    def at(self, number: int) -> Projected:
        """The state of that number."""
        known = self.projected.get(number)
        if known is None:
            outside = internal = 0
            for step, _ in self.edges_from(number):
                if self.found.steps[step][0] in INTERNAL:
                    internal |= 1 << step
                else:
                    outside |= 1 << step
            known = self.projected[number] = Projected(number, outside, internal)
        return known

    def same_slot(self, step: int) -> int:
        """The steps that differ from this one at most in the value that is proposed."""
        name, args = self.found.steps[step]
        if name != "propose":
            return 1 << step
        return sum(1 << self.step_of[name, (*args[:2], value)] for value in self.machine.values)

    def calls(self, steps: int) -> list[Label]:
        """The steps in a set."""
        return [self.found.steps[number] for number in range(steps.bit_length()) if steps >> number & 1]

    def number(self, label: Label) -> int:
        """The number of a step. Raises `Refuted` if there is none such in this scope."""
        if label not in self.step_of:
            raise Refuted(f"the code announces {label[0]}{label[1]}, which is no step in this scope")
        return self.step_of[label]

    def never_taken(self) -> tuple[Projected, int] | None:
        """The first state from which the specification can take steps that the code never took, and these steps."""
        for number in range(self.found.distinct):
            state = self.at(number)
            missing = (state.outside | state.internal) & ~state.taken
            if missing:
                return state, missing
        return None
