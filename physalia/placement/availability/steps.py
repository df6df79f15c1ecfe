"""The steps of a walk over a fabric: what each makes of the probabilities of states, and back, of what they are worth.

Forwards a step moves probability from the states before it to those after. Backwards it tells what a state before is
*worth*, the probability that a walk that comes by it ends without a majority, from what the states after it are. Where
the two meet, what a single device takes with it can be read off without another walk: put the device down in its own
step, and weigh what comes of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from attrs import frozen

from physalia.placement.availability import blocks
from physalia.placement.availability.blocks import LOST, Blocks, Bundle, Groups, State
from physalia.placement.availability.power_states import States, Vector

Moves = Iterable[tuple[State, Vector | float]]
Built = Callable[[str | None], Bundle]
"""The bundle of a rack as it is, or with one of its devices down."""


class Step(ABC):
    """A step that moves each state by itself."""

    @abstractmethod
    def moves(self, state: State) -> Moves:
        """The states that come of one, each with its share."""

    @abstractmethod
    def down(self, before: Mapping[State, Vector], values: Mapping[State, Vector]) -> dict[str, float]:
        """For each device that is met here, what everything together is worth while it is down."""

    def forward(self, states: Mapping[State, Vector]) -> States:
        """The probabilities after it, from those before."""
        found: States = {}
        for state, vector in states.items():
            for after, share in self.moves(state):
                part = vector * share
                found[after] = found[after] + part if after in found else part
        return found

    def backward(self, before: Mapping[State, Vector], values: Mapping[State, Vector]) -> States:
        """What every state before is worth, from what those after are."""
        found: States = {}
        for state, vector in before.items():
            worth = np.zeros(len(vector))
            for after, share in self.moves(state):
                if after in values:
                    worth += values[after] * share
            found[state] = worth
        return found


def worth(before: Mapping[State, Vector], values: Mapping[State, Vector]) -> float:
    """What states are worth together, each as much as it is likely."""
    return sum(float(vector @ values[state]) for state, vector in before.items() if state in values)


@frozen(eq=False)
class Powered:
    """How likely something has power, by combination of shared power; ``fails`` is what its own rack adds."""

    supplied: Vector
    fails: float

    @property
    def dark(self) -> Vector:
        """Without power."""
        found: Vector = (1.0 - self.supplied) + self.supplied * self.fails
        return found

    @property
    def lit(self) -> Vector:
        """With power."""
        found: Vector = self.supplied * (1.0 - self.fails)
        return found


@frozen(eq=False)
class SwitchShown(Step):
    """A switch comes in sight, dead or alive; ``devices`` are those without which it is dead."""

    bit: int
    fails: float
    powered: Powered
    devices: tuple[str, ...]

    def moves(self, state: State) -> Moves:
        """Dead it changes nothing."""
        if state == LOST:
            return ((LOST, 1.0),)
        dead = self.powered.dark + self.powered.lit * self.fails
        lives = self.powered.lit * (1.0 - self.fails)
        return (state, dead), (blocks.with_switch(state, self.bit), lives)

    def down(self, before: Mapping[State, Vector], values: Mapping[State, Vector]) -> dict[str, float]:
        """Without its rack or itself it is dead."""
        return dict.fromkeys(self.devices, worth(before, values))


@frozen(eq=False)
class LinkJoined(Step):
    """A link joins two switches in sight; one without a name does not fail."""

    both: int
    fails: float
    link: str | None

    def moves(self, state: State) -> Moves:
        """A link that fails changes nothing, nor does one between what is joined, or dead."""
        joined = None if state == LOST else blocks.with_link(state, self.both)
        if joined is None:
            return ((state, 1.0),)
        return ((joined, 1.0 - self.fails), *(((state, self.fails),) if self.fails else ()))

    def down(self, before: Mapping[State, Vector], values: Mapping[State, Vector]) -> dict[str, float]:
        """Without it nothing changes."""
        return {} if self.link is None else {self.link: worth(before, values)}


@frozen(eq=False)
class SwitchesDropped(Step):
    """Switches go out of sight."""

    gone: int

    def moves(self, state: State) -> Moves:
        """Every state becomes one."""
        return ((state if state == LOST else blocks.without(state, self.gone), 1.0),)

    def down(self, _before: Mapping[State, Vector], _values: Mapping[State, Vector]) -> dict[str, float]:
        """No device is met here."""
        return {}


@frozen(eq=False)
class RackAdded(Step):
    """A rack's switches and nodes; states with fewer than ``needed`` nodes have then lost the majority for good."""

    built: Built
    powered: Powered
    needed: int
    rack: str | None
    devices: tuple[str, ...]

    def moves(self, state: State) -> Moves:
        """Without power it changes nothing, but for the nodes that are lost with it."""
        if state == LOST:
            return ((LOST, 1.0),)
        shares: dict[State, float] = {}
        for after, brought, chance in blocks.in_sight(self.built(None), state[0]):
            end = self._end(state, after, brought)
            shares[end] = shares.get(end, 0.0) + chance
        lit = self.powered.lit
        return (self._kept(state), self.powered.dark), *((end, lit * share) for end, share in shares.items())

    def down(self, before: Mapping[State, Vector], values: Mapping[State, Vector]) -> dict[str, float]:
        """The rack down is a rack without power; of what is in it every outcome is weighed once, for all devices."""
        lost = before[LOST] @ values[LOST] if LOST in before and LOST in values else 0.0
        dark, dark_value = 0.0, 0.0
        weights: dict[Blocks, dict[tuple[Blocks, Groups], float]] = {}
        for state, vector in before.items():
            if state == LOST:
                continue
            stays = values.get(self._kept(state))
            if stays is not None:
                dark += float(vector @ stays)
                dark_value += float((vector * self.powered.dark) @ stays)
            lit, of_blocks = vector * self.powered.lit, weights.setdefault(state[0], {})
            for after, brought, _ in blocks.in_sight(self.built(None), state[0]):
                value = values.get(self._end(state, after, brought))
                if value is not None:
                    of_blocks[after, brought] = of_blocks.get((after, brought), 0.0) + float(lit @ value)
        found = {} if self.rack is None else {self.rack: float(lost) + dark}
        for device in self.devices:
            bundle, total = self.built(device), float(lost) + dark_value
            for known, of_blocks in weights.items():
                for after, brought, chance in blocks.in_sight(bundle, known):
                    total += chance * of_blocks.get((after, brought), 0.0)
            found[device] = total
        return found

    def _end(self, state: State, after: Blocks, brought: Groups) -> State:
        return self._kept(blocks.with_nodes(state[1], after, brought))

    def _kept(self, state: State) -> State:
        return LOST if sum(nodes for _, nodes in state[1]) < self.needed else state


@frozen(eq=False)
class HomeReached:
    """The end: the instance's own rack decides whether the instance is up, and how many nodes it reaches."""

    built: Built
    powered: Powered
    itself: bool
    majority: int
    rack: str | None
    devices: tuple[str, ...]

    def values(self, states: Iterable[State]) -> States:
        """How likely the instance is up without a majority, after each state."""
        bundle, lit = self.built(None), self.powered.lit
        return {state: lit * blocks.failure(bundle, self.itself, self.majority, state) for state in states}

    def down(self, before: Mapping[State, Vector]) -> dict[str, float]:
        """The same for everything together, with each device down; without its rack the instance is not up.

        Where the instance finds itself is weighed once, for all devices.
        """
        found = {} if self.rack is None else {self.rack: 0.0}
        likely = {state: float(vector @ self.powered.lit) for state, vector in before.items()}
        lost, intact = likely.pop(LOST, 0.0), self.built(None)
        weights: dict[Blocks, dict[blocks.Way, float]] = {}
        for state, chance in likely.items():
            of_blocks = weights.setdefault(state[0], {})
            for way, _ in blocks.reached(intact, state[0]):
                if blocks.misses(way, state, self.itself, self.majority):
                    of_blocks[way] = of_blocks.get(way, 0.0) + chance
        for device in self.devices:
            bundle, total = self.built(device), lost * blocks.is_up(self.built(device))
            for known, of_blocks in weights.items():
                for way, chance in blocks.reached(bundle, known):
                    total += chance * of_blocks.get(way, 0.0)
            found[device] = total
        return found
