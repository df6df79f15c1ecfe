"""The smallest window: of a part that cannot be ordered, the operations that alone show it.

What is left out is not cut away, which could make wrong what is right, or the other way round. It is *set free*: a
read is dropped, and anything else may take effect at any moment after it began, or never. Whatever orders the
operations orders those with more freedom too; so if these cannot be ordered, nor can those. Likewise a window may begin
at a moment of which nothing is known: in *any* state that occurs, whatever was under way may have happened or not. The
operations that remain bound are as few as setting free one after the other finds.
"""

from collections.abc import Callable, Sequence
from time import process_time

from attrs import define, frozen

from conformance.histories.checker import Budget, Exhausted, check
from conformance.histories.history import Operation, Value, before, opened
from conformance.histories.models import ANYTHING, Kind, Model

_MOST_STARTS = 64
_CONFIGURATIONS = 50_000
"""So many situations each trial may remember; what it cannot refute with that stays as it is."""


@frozen(kw_only=True)
class Window:
    """`bound` cannot be ordered, even if the `free` others before its end took effect at any moment, or never.

    `is_any_start` says that this is so whatever the state was when the first of them began; `is_smallest`, that none of
    them can be set free, as far as the trials could tell.
    """

    bound: tuple[Operation, ...]
    free: tuple[Operation, ...]
    is_any_start: bool
    is_smallest: bool


@define
class _Trials:
    """Which operations are still bound, and how long trials may go on."""

    model: Model
    operations: Sequence[Operation]
    until: float
    told: Callable[[int], None]
    starts: Sequence[Value] = ()
    """The states in one of which the window begins; the model's own if there is none."""
    tried: int = 0

    def is_refuted(self, bound: Sequence[Operation]) -> bool:
        """Whether it is certain that these cannot be ordered when the others are free."""
        self.tried += 1
        self.told(self.tried)
        kept = {one.begin for one in bound}
        freed = [one if one.begin in kept else opened(one) for one in self.operations]
        budget = Budget(_CONFIGURATIONS, max(0.5, self.until - process_time()))
        try:
            return not any(check(freed, self.model, budget, start) for start in self.starts or (self.model.initial,))
        except Exhausted:
            return False

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return process_time() > self.until


def smallest(
    operations: Sequence[Operation], model: Model, seconds: float, told: Callable[[int], None] = lambda _: None
) -> Window:
    """The smallest window of a part that cannot be ordered, found within so many seconds of processor time or so."""
    until = process_time() + seconds
    known = _shortest_prefix(operations, model, until, told)
    trials = _Trials(model, known, until, told)
    ended = sorted((one for one in known if one.end is not None), key=lambda one: one.end or 0)
    late = _latest(ended, known, model, until, told)
    if late is None:
        bound = ended[_most(len(ended) - 1, lambda first: trials.is_refuted(ended[first:])) :]
    else:
        trials, bound = late
        known = tuple(trials.operations)
    size = max(1, len(bound) // 2)
    is_smallest = False
    while not is_smallest and not trials.is_over:
        place = 0
        before_this_round = len(bound)
        while place < len(bound) and not trials.is_over:
            less = bound[:place] + bound[place + size :]
            if trials.is_refuted(less):
                bound = less
            else:
                place += size
        is_smallest = size == 1 and len(bound) == before_this_round
        size = max(1, size // 2)
    kept = {one.begin for one in bound}
    free = tuple(one for one in known if one.begin not in kept and model.kind(one) is not Kind.READS)
    return Window(
        bound=tuple(sorted(bound, key=lambda one: one.begin)), free=free, is_any_start=late is not None,
        is_smallest=is_smallest,
    )  # fmt: skip


def _shortest_prefix(
    operations: Sequence[Operation], model: Model, until: float, told: Callable[[int], None]
) -> tuple[Operation, ...]:
    """What was known at the first end at which the history could not be ordered any more."""
    ends = sorted(one.end for one in operations if one.end is not None)
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        known = before(operations, ends[middle])
        if _Trials(model, known, until, told).is_refuted(known):
            high = middle
        else:
            low = middle + 1
    return before(operations, ends[low])


def _latest(
    ended: Sequence[Operation], known: Sequence[Operation], model: Model, until: float, told: Callable[[int], None]
) -> tuple[_Trials, list[Operation]] | None:
    """The latest moment from which on nothing can be ordered in any state; None if there is none, or many states."""
    starts = _states(known, model)
    if not starts:
        return None

    def since(first: int) -> tuple[_Trials, list[Operation]]:
        moment = ended[first].end if first >= 0 else None
        after = [one for one in known if moment is None or one.end is None or one.end > moment]
        bound = [one for one in after if one.end is not None and (moment is None or one.begin > moment)]
        return _Trials(model, after, until, told, starts), bound

    def holds(first: int) -> bool:
        trials, bound = since(first - 1)
        return trials.is_refuted(bound)

    first = _most(len(ended) - 1, holds)
    return since(first - 1) if first > 0 or holds(0) else None


def _states(operations: Sequence[Operation], model: Model) -> list[Value]:
    """Every state that can occur, if the model can tell, and there are few."""
    states = {model.initial: None}
    for one in operations:
        bounds = model.bounds(one)
        if bounds is None or (bounds.makes is ANYTHING and model.kind(one) is not Kind.READS):
            return []
        if bounds.makes is not ANYTHING:
            states[bounds.makes] = None
    return list(states) if len(states) <= _MOST_STARTS else []


def _most(most: int, holds: Callable[[int], bool]) -> int:
    """The highest number up to `most` for which something holds that holds for 0, and for all below one that has it.

    It is looked for from above, where trials are small, in ever longer steps.
    """
    low, high, step = most, most, 1
    while low > 0 and not holds(low):
        low, high, step = max(0, low - step), low - 1, 2 * step
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
