"""Linearizability by its definition, for a handful of operations: some order of them explains every answer.

Of the open operations any may be left out. It shares the models with the checker, and nothing else.
"""

from collections.abc import Sequence
from itertools import chain, combinations, permutations

from conformance.histories.history import Operation, Value
from conformance.histories.models import ILLEGAL, Model


def is_linearizable(operations: Sequence[Operation], model: Model) -> bool:
    """Whether some order of all that ended, and of some that are open, agrees with real time and with the model."""
    ended = [one for one in operations if not one.is_open]
    opened = [one for one in operations if one.is_open]
    subsets = chain.from_iterable(combinations(opened, size) for size in range(len(opened) + 1))
    return any(
        _agrees_with_time(order) and _is_legal(order, model)
        for happened in subsets
        for order in permutations((*ended, *happened))
    )


def _agrees_with_time(order: Sequence[Operation]) -> bool:
    return not any(
        later.end is not None and later.end < earlier.begin
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
    )


def _is_legal(order: Sequence[Operation], model: Model) -> bool:
    """Whether the model gives every answer in that order; each key has a state of its own."""
    states: dict[Value, Value] = {}
    for operation in order:
        after = model.step(states.get(operation.key, model.initial), operation)
        if after is ILLEGAL:
            return False
        states[operation.key] = after
    return True
