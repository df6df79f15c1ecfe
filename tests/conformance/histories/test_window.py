"""A window shows by itself that a history is wrong, and has nothing in it that is not needed."""

from collections.abc import Sequence
from random import Random

import pytest

from conformance.histories.checker import Budget, check
from conformance.histories.generate import ask_cas_register, linearizable, small, spoil
from conformance.histories.history import Operation, before, opened
from conformance.histories.known import MODELS
from conformance.histories.models import Anything, Kind, Model
from conformance.histories.window import Window, smallest

CAS = MODELS["cas-register"]


def is_wrong(operations: Sequence[Operation], bound: Sequence[Operation], model: Model) -> bool:
    """Whether what is bound cannot be ordered beside everything else, set free, from the beginning of the history."""
    kept = {one.begin for one in bound}
    return not check([one if one.begin in kept else opened(one) for one in operations], model, Budget())


def is_wrong_from_any_start(operations: Sequence[Operation], window: Window, model: Model) -> bool:
    """The same in every state that occurs, of a window of which whatever came before has ended before it begins."""
    first, last = min(one.begin for one in window.bound), max(one.end or 0 for one in window.bound)
    shown = {one.begin for one in (*window.bound, *window.free)}
    left_out = [one for one in operations if one.begin not in shown and one.begin < last]
    assert all(one.end is not None and one.end < first for one in left_out if model.kind(one) is not Kind.READS)
    known = [one for one in operations if one.begin < last]
    bounds = [bound.makes for bound in map(model.bounds, known) if bound is not None]
    starts = {model.initial, *(state for state in bounds if not isinstance(state, Anything))}
    return not any(check([*window.bound, *window.free], model, Budget(), start) for start in starts)


@pytest.mark.parametrize("name", MODELS)
def test_windows_of_small_histories_are_wrong_and_smallest(name: str) -> None:
    model, random, found = MODELS[name], Random(3), 0
    for _ in range(80):
        operations = [model.admit(one) for one in small(name, random, 6)]
        for part in model.parts(operations):
            if check(part, model, Budget()):
                continue
            window, found = smallest(part, model, 5.0), found + 1
            assert window.is_smallest
            if window.is_any_start:
                assert is_wrong_from_any_start(part, window, model)
                continue
            assert is_wrong(part, window.bound, model)
            for one in window.bound:
                assert not is_wrong(before(part, last_end(window)), [o for o in window.bound if o is not one], model)
    assert found > 10


def last_end(window: Window) -> int:
    return max(one.end for one in window.bound if one.end is not None)


def test_the_window_of_a_long_history_is_a_few_operations() -> None:
    operations = spoil(linearizable(CAS, ask_cas_register(5), clients=50, operations=4000, seed=9), Random(9), 99)
    window = smallest(operations, CAS, 20.0)
    assert [one.answer for one in window.bound] == [99]
    assert window.is_smallest


def test_what_was_set_free_is_no_evidence() -> None:
    """A read of a value is explained by its write, free or not; the stale one is not."""
    history = [
        Operation(process=0, f="write", asked=1, begin=0, end=1),
        Operation(process=0, f="write", asked=2, begin=2, end=3),
        Operation(process=1, f="read", asked=None, answer=2, begin=4, end=5),
        Operation(process=1, f="read", asked=None, answer=1, begin=6, end=7),
    ]
    window = smallest(history, CAS, 5.0)
    assert [one.begin for one in window.bound] == [4, 6]
    assert window.is_any_start
