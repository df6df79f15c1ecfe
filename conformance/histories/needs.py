"""What must still come: operations that only one state can serve, and who could bring that state about.

A search that used up the last write of a value notices much later that somebody reads the value afterwards, and tries
everything that lies between. So it looks ahead: an operation that needs a state must find it now, or somebody under way
who makes it must be left, or begin later.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf

from attrs import Factory, define, frozen

from conformance.histories.history import Operation, Value
from conformance.histories.models import ANYTHING, Anything, Bounds, Kind, Model


@frozen
class Need:
    """A state that is needed, though nobody who makes it begins before it is.

    `waiting` has the bits of those under way that need it, 0 if one needs it that has not begun; `makers` the bits of
    those under way that make it, and `opened` counts those that never end, class by class.
    """

    state: Value
    waiting: int
    makers: int
    opened: Mapping[int, int]


@define
class _Moment:
    """What changes before the end of an operation: by how much, for which state."""

    later: list[tuple[Value, int]] = Factory(list)
    waiting: list[tuple[Value, int]] = Factory(list)
    makers: list[tuple[Value, int]] = Factory(list)
    opened: list[tuple[Value, int]] = Factory(list)


def needs(
    operations: Sequence[Operation], marks: Sequence[int], model: Model, initial: Value
) -> Iterator[tuple[Need, ...]]:
    """The needs just before each end; none, if the model cannot say what an operation needs or makes.

    Operations come by their beginning, each with a mark: its bit, or of an open one the number of its class.
    """
    ends = sorted(one.end for one in operations if one.end is not None)
    moments = [_Moment() for _ in range(len(ends) + 1)]
    bounds = [bound for bound in map(model.bounds, operations) if bound is not None]
    if len(bounds) < len(operations):
        yield from (() for _ in ends)
        return
    begins = _begins(operations, bounds, initial)
    sources = _sources(operations, bounds, begins, model)
    for one, mark, bound in zip(operations, marks, bounds, strict=True):
        if bound.makes is not ANYTHING and bound.makes != bound.needs:
            _note_maker(one, mark, bound.makes, ends, moments)
        if bound.needs is not ANYTHING and one.end is not None:
            made = max((_last(begins[state], one.end) for state in sources[bound.needs]), default=_NEVER)
            _note_need(one, mark, bound.needs, made, ends, moments)
    yield from _sweep(moments[:-1], sources)


def needed_until(operations: Sequence[Operation], model: Model) -> dict[Value | Anything, float]:
    """Each state that is needed, and until when somebody needs it; `ANYTHING` until when somebody sees any state."""
    until: dict[Value | Anything, float] = {}
    for one in operations:
        if model.kind(one) in (Kind.READS, Kind.CHANGES):
            bound = model.bounds(one)
            needed = ANYTHING if bound is None else bound.needs
            until[needed] = max(until.get(needed, -1), inf if one.end is None else one.end)
    return until


def _begins(operations: Sequence[Operation], bounds: Sequence[Bounds], initial: Value) -> dict[Value, list[int]]:
    """When operations begin that make a state, for each state, in order; the first one is there from the beginning."""
    begins: dict[Value, list[int]] = {initial: [-1]}
    for one, bound in zip(operations, bounds, strict=True):
        if bound.makes is not ANYTHING and bound.makes != bound.needs:
            begins.setdefault(bound.makes, []).append(one.begin)
    return begins


def _sources(
    operations: Sequence[Operation], bounds: Sequence[Bounds], begins: Mapping[Value, object], model: Model
) -> dict[Value, tuple[Value, ...]]:
    """For each state that is needed those that may become it, if somebody makes them: mostly itself alone."""
    grows = any(
        bound.makes is ANYTHING and model.kind(one) is not Kind.READS
        for one, bound in zip(operations, bounds, strict=True)
    )
    needed = {bound.needs for bound in bounds if bound.needs is not ANYTHING}
    if not grows:
        return {state: (state,) if state in begins else () for state in needed}
    return {state: tuple(made for made in begins if made == state or model.may_become(made, state)) for state in needed}


_NEVER = -2


def _last(begins: Sequence[int], end: int) -> int:
    """The last of these moments before an end."""
    place = bisect_left(begins, end)
    return begins[place - 1] if place else _NEVER


def _note_maker(one: Operation, mark: int, state: Value, ends: Sequence[int], moments: list[_Moment]) -> None:
    begin = bisect_right(ends, one.begin)
    if one.end is None:
        moments[begin].opened.append((state, mark))
    else:
        moments[begin].makers.append((state, mark))
        moments[bisect_left(ends, one.end) + 1].makers.append((state, -mark))


def _note_need(one: Operation, mark: int, state: Value, made: int, ends: Sequence[int], moments: list[_Moment]) -> None:
    """From the last beginning of somebody who makes the state, it must be there, or somebody under way make it."""
    assert one.end is not None
    since, begin = bisect_right(ends, made), bisect_right(ends, one.begin)
    if since < begin:
        moments[since].later.append((state, 1))
        moments[begin].later.append((state, -1))
    moments[max(since, begin)].waiting.append((state, mark))
    moments[bisect_left(ends, one.end) + 1].waiting.append((state, -mark))


def _sweep(moments: Iterable[_Moment], sources: Mapping[Value, tuple[Value, ...]]) -> Iterator[tuple[Need, ...]]:
    later: dict[Value, int] = {}
    waiting: dict[Value, int] = {}
    makers: dict[Value, int] = {}
    opened: dict[Value, dict[int, int]] = {}
    for moment in moments:
        _add(later, moment.later)
        _add(waiting, moment.waiting)
        _add(makers, moment.makers)
        for state, number in moment.opened:
            known = opened.get(state, {})
            opened[state] = {**known, number: known.get(number, 0) + 1}
        yield tuple(
            Need(
                state,
                0 if state in later else waiting[state],
                sum(makers.get(made, 0) for made in sources[state]),
                {number: began for made in sources[state] for number, began in opened.get(made, {}).items()},
            )
            for state in dict.fromkeys((*later, *waiting))
        )


def _add(counts: dict[Value, int], changes: Iterable[tuple[Value, int]]) -> None:
    for state, change in changes:
        counts[state] = counts.get(state, 0) + change
        if not counts[state]:
            del counts[state]
