"""Which shared elements have power: every combination that can be, as one axis of an array of probabilities.

Devices fail independently of each other, but what hangs on one element of power goes dark together. So elements that
several parts of a computation hang on are *introduced* before the first of them and *forgotten* after the last: in
between, every number is a vector over the combinations of what is on.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from physalia.placement.availability.blocks import State

Vector = NDArray[np.float64]
States = dict[State, Vector]

_MOST_BITS = 62
"""How many elements can be told apart at a time in one number of 64 bits with a sign."""


class TooHard(Exception):
    """Too much of the fabric would have to be remembered at a time."""


@frozen(eq=False)
class Introduced:
    """From here on the combinations are told apart by whether an element is on.

    ``dark`` and ``lit`` are the combinations before that come to one in which it is off, or on; in this order they are
    those after. ``supplied`` says for those before whether it has a supply that is on, as 1 or 0.
    """

    element: str
    fails: float
    supplied: Vector
    dark: NDArray[np.int64]
    lit: NDArray[np.int64]

    def forward(self, states: Mapping[State, Vector]) -> States:
        """The probabilities after it, from those before."""
        off = (1.0 - self.supplied) + self.supplied * self.fails
        on = self.supplied * (1.0 - self.fails)
        factors = np.concatenate([off[self.dark], on[self.lit]])
        places = np.concatenate([self.dark, self.lit])
        return {state: vector[places] * factors for state, vector in states.items()}

    def backward(self, _before: Mapping[State, Vector], values: Mapping[State, Vector]) -> States:
        """What every state before is worth, from what those after are."""
        size = len(self.supplied)
        off = (1.0 - self.supplied) + self.supplied * self.fails
        on = self.supplied * (1.0 - self.fails)
        found = {}
        for state, value in values.items():
            worth = np.zeros(size)
            worth[self.dark] += off[self.dark] * value[: len(self.dark)]
            worth[self.lit] += on[self.lit] * value[len(self.dark) :]
            found[state] = worth
        return found

    def down(self, before: Mapping[State, Vector], values: Mapping[State, Vector]) -> dict[str, float]:
        """What everything together is worth while the element is down."""
        worth = 0.0
        for state, vector in before.items():
            if state in values:
                worth += float(vector[self.dark] @ values[state][: len(self.dark)])
        return {self.element: worth}


@frozen(eq=False)
class Forgotten:
    """From here on combinations that became alike are one: ``place`` says which, of ``count``."""

    place: NDArray[np.int64]
    count: int

    def forward(self, states: Mapping[State, Vector]) -> States:
        """The probabilities after it, from those before."""
        if not states:
            return {}
        summed = np.zeros((len(self.place), self.count))
        summed[np.arange(len(self.place)), self.place] = 1.0
        rows = np.stack(list(states.values())) @ summed
        return dict(zip(states, rows, strict=True))

    def backward(self, _before: Mapping[State, Vector], values: Mapping[State, Vector]) -> States:
        """What every state before is worth, from what those after are."""
        return {state: value[self.place] for state, value in values.items()}

    def down(self, _before: Mapping[State, Vector], _values: Mapping[State, Vector]) -> dict[str, float]:
        """No device is met here."""
        return {}


@define
class PowerStates:
    """The combinations of the active elements, one bit each, and what they mean for whoever hangs on them."""

    bits: dict[str, int] = field(factory=dict)
    masks: NDArray[np.int64] = field(factory=lambda: np.zeros(1, np.int64))
    _free: int = 0

    def on(self, supplies: Sequence[str]) -> Vector:
        """For each combination 1 if any of the supplies is on, or if there is none to need, else 0."""
        if not supplies:
            return np.ones(len(self.masks))
        wanted = sum(self.bits[supply] for supply in supplies)
        found: Vector = (self.masks & wanted != 0).astype(np.float64)
        return found

    def introduce(self, element: str, fails: float, supplies: Sequence[str]) -> Introduced:
        """Tell the combinations apart by whether an element is on; its supplies are active or there are none.

        TooHard if there are too many at a time.
        """
        supplied = self.on(supplies)
        dark = np.nonzero((supplied == 0.0) | (fails > 0.0))[0]
        lit = np.nonzero((supplied == 1.0) & (fails < 1.0))[0]
        bit = ~self._free & (self._free + 1)  # the lowest that is free
        if bit >> _MOST_BITS:
            raise TooHard(f"more than {_MOST_BITS} elements of power would have to be told apart at a time")
        self._free |= bit
        self.bits[element] = bit
        self.masks = np.concatenate([self.masks[dark], self.masks[lit] | bit])
        return Introduced(element, fails, supplied, dark, lit)

    def forget(self, elements: Iterable[str]) -> Forgotten | None:
        """No longer tell the combinations apart by these elements; None if there are none."""
        dropped = sum(self.bits.pop(element) for element in elements)
        if not dropped:
            return None
        self._free &= ~dropped
        self.masks, place = np.unique(self.masks & ~dropped, return_inverse=True)
        return Forgotten(place, len(self.masks))
