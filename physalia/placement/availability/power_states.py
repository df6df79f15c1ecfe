"""Which shared elements have power: every combination that can be, as one axis of an array of probabilities.

Devices fail independently of each other, but what hangs on one element of power goes dark together. So elements that
several parts of a computation hang on are *introduced* before the first of them and *forgotten* after the last: in
between, every number is a vector over the combinations of what is on.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_MOST_BITS = 62
"""How many elements can be told apart at a time in one number of 64 bits with a sign."""


class TooHard(Exception):
    """Too much of the fabric would have to be remembered at a time."""


@define
class PowerStates:
    """The combinations of the active elements, one bit each, and what they mean for whoever hangs on them."""

    probability: Callable[[str], float]
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

    def introduce(self, element: str, supplies: Sequence[str], states: dict[Any, Vector]) -> dict[Any, Vector]:
        """Tell the combinations apart by whether an element is on; its supplies are active or there are none.

        TooHard if there are too many at a time.
        """
        bit = ~self._free & (self._free + 1)  # the lowest that is free
        if bit >> _MOST_BITS:
            raise TooHard(f"more than {_MOST_BITS} elements of power would have to be told apart at a time")
        self._free |= bit
        self.bits[element] = bit
        lives = (1.0 - self.probability(element)) * self.on(supplies)
        without, with_it = np.nonzero(lives < 1.0)[0], np.nonzero(lives > 0.0)[0]
        self.masks = np.concatenate([self.masks[without], self.masks[with_it] | bit])
        places, factors = np.concatenate([without, with_it]), np.concatenate([1.0 - lives[without], lives[with_it]])
        return {key: vector[places] * factors for key, vector in states.items()}

    def forget(self, elements: Iterable[str], states: dict[Any, Vector]) -> dict[Any, Vector]:
        """No longer tell the combinations apart by these elements."""
        dropped = sum(self.bits.pop(element) for element in elements)
        if not dropped or not states:
            return states
        self._free &= ~dropped
        self.masks, place = np.unique(self.masks & ~dropped, return_inverse=True)
        summed = np.zeros((len(place), len(self.masks)))
        summed[np.arange(len(place)), place] = 1.0
        rows = np.stack(list(states.values())) @ summed
        return dict(zip(states, rows, strict=True))
