"""What is under way, and what must still come: operations that only one state can serve, and who could bring it about.

A search that used up the last write of a value notices much later that somebody reads the value afterwards, and tries
everything that lies between. So it looks ahead: an operation that needs a state must find it now, or somebody under way
who makes it must be left, or begin later.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf

from attrs import Factory, define, frozen

from conformance.histories.history import Operation, Value
from conformance.histories.models import ANYTHING, Anything, Bounds, Kind, Model


@define(eq=False)
class Class:
    """Operations of one meaning.

    `needs` is the number of the only state in which they are legal, None if there are others, and `table` says what
    comes of them in a state. `shift` is where open ones are counted, and `field` the mask of that count.
    """

    example: Operation
    kind: Kind
    needs: int | None
    table: dict[int, int] = Factory(dict)
    shift: int = 0
    field: int = 0


@frozen
class Need:
    """A state that is needed, by its number, though nobody who makes it begins before it is.

    `waiting` has the bits of those under way that need it, 0 if one needs it that has not begun; `makers` the bits of
    those under way that make it, and `opened` counts those that never end, class by class.
    """

    state: int
    waiting: int
    makers: int
    opened: tuple[tuple[Class, int], ...]


Group = tuple[Class, tuple[int, ...], int]
"""Operations of one class that are under way: their bits, the first to end first, and all bits together."""


@frozen
class Position:
    """What is under way just before the end of an operation: what the search may choose from.

    `due` is the bit of the one that ends, at `end`. `reads` has the bits of each class of reads together, `others`
    those of each other class one by one; `opened` says of each class without ends how many have begun. `excused` has
    the bits of all that overwrite.
    """

    end: int
    due: int
    due_class: Class
    reads: tuple[tuple[Class, int], ...]
    others: tuple[Group, ...]
    opened: tuple[tuple[Class, int], ...]
    excused: int
    needed: tuple[Need, ...]

    def size_beside(self, last: "Position | None") -> int:
        """How many things it has that it does not share with the last one, and a few for itself."""
        if last is None:
            return 40
        size = 40 if self.reads is last.reads else 40 + len(self.reads)
        size += 0 if self.others is last.others else len(self.others)
        size += 0 if self.opened is last.opened else len(self.opened)
        return size + (0 if self.needed is last.needed else len(self.needed))


@define
class UnderWay:
    """What is under way, from end to end."""

    reads: dict[Class, tuple[Class, int]] = Factory(dict)
    groups: dict[Class, Group] = Factory(dict)
    ends: dict[Class, list[tuple[int, int]]] = Factory(dict)
    others: list[Group] = Factory(list)
    """The groups in the order of their first bits."""
    opened: dict[Class, tuple[Class, int]] = Factory(dict)
    excused: int = 0

    def begin(self, kind: Class, end: int | None, bit: int) -> None:
        """An operation begins."""
        if end is None:
            self.opened[kind] = kind, self.opened.get(kind, (kind, 0))[1] + 1
        elif kind.kind is Kind.READS:
            self.reads[kind] = kind, self.reads.get(kind, (kind, 0))[1] | bit
        else:
            insort(self.ends.setdefault(kind, []), (end, bit))
            self._regroup(kind, bit)

    def finish(self, kind: Class, bit: int) -> None:
        """The first of its class to end does so."""
        if kind.kind is not Kind.READS:
            del self.ends[kind][0]
            self._regroup(kind, bit)
        elif self.reads[kind][1] == bit:
            del self.reads[kind]
        else:
            self.reads[kind] = kind, self.reads[kind][1] & ~bit

    def _regroup(self, kind: Class, bit: int) -> None:
        if kind.kind in (Kind.OVERWRITES, Kind.ADDS):
            self.excused ^= bit
        old = self.groups.pop(kind, None)
        if old is not None:
            del self.others[bisect_left(self.others, _first_bit(old), key=_first_bit)]
        bits = tuple(one for _, one in self.ends[kind])
        if bits:
            self.groups[kind] = kind, bits, bit ^ (old[2] if old is not None else 0)
            insort(self.others, self.groups[kind], key=_first_bit)

    def position(self, ending: tuple[int, int, Class], needed: tuple[Need, ...], last: Position | None) -> Position:
        """The position just before an end. It shares with the last one what did not change."""
        reads, others, opened = tuple(self.reads.values()), tuple(self.others), tuple(self.opened.values())
        if last is not None:
            reads = last.reads if reads == last.reads else reads
            others = last.others if others == last.others else others
            opened = last.opened if opened == last.opened else opened
        return Position(*ending, reads, others, opened, self.excused, needed)


def _first_bit(group: Group) -> int:
    return group[1][0]


@define
class _Moment:
    """What changes before the end of an operation, for which state: by how much, or the bit that comes or goes."""

    later: list[tuple[Value, int]] = Factory(list)
    waiting: list[tuple[Value, int]] = Factory(list)
    makers: list[tuple[Value, int]] = Factory(list)
    opened: list[tuple[Value, Class]] = Factory(list)


def needs(
    operations: Sequence[Operation], marks: Sequence[int | Class], model: Model, initial: Value,
    number: Callable[[Value], int], work: Callable[[int], None],
) -> Iterator[tuple[Need, ...]]:  # fmt: skip
    """The needs just before each end; none, if the model cannot say what an operation needs or makes.

    Operations come by their beginning, each with a mark: its bit, or of an open one its class. `number` numbers states,
    and `work` is told of every few steps. Needs that do not change from one end to the next are the same object.
    """
    ends = sorted(one.end for one in operations if one.end is not None)
    moments = [_Moment() for _ in range(len(ends) + 1)]
    bounds = [bound for bound in map(model.bounds, operations) if bound is not None]
    if len(bounds) < len(operations):
        yield from (() for _ in ends)
        return
    begins = _begins(operations, bounds, initial)
    sources = _sources(operations, bounds, begins, model, work)
    for one, mark, bound in zip(operations, marks, bounds, strict=True):
        if bound.makes is not ANYTHING and bound.makes != bound.needs:
            _note_maker(one, mark, bound.makes, ends, moments)
        if bound.needs is not ANYTHING and one.end is not None:
            made = max((_last(begins[state], one.end) for state in sources[bound.needs]), default=_NEVER)
            _note_need(one, mark, bound.needs, made, ends, moments)
    yield from _sweep(moments[:-1], sources, number, work)


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
    operations: Sequence[Operation], bounds: Sequence[Bounds], begins: Mapping[Value, object], model: Model,
    work: Callable[[int], None],
) -> dict[Value, tuple[Value, ...]]:  # fmt: skip
    """For each state that is needed those that may become it, if somebody makes them: mostly itself alone."""
    grows = any(
        bound.makes is ANYTHING and model.kind(one) is not Kind.READS
        for one, bound in zip(operations, bounds, strict=True)
    )
    needed = dict.fromkeys(bound.needs for bound in bounds if bound.needs is not ANYTHING)
    if not grows:
        return {state: (state,) if state in begins else () for state in needed}
    found = {}
    for state in needed:
        work(len(begins))
        found[state] = tuple(made for made in begins if made == state or model.may_become(made, state))
    return found


_NEVER = -2


def _last(begins: Sequence[int], end: int) -> int:
    """The last of these moments before an end."""
    place = bisect_left(begins, end)
    return begins[place - 1] if place else _NEVER


def _note_maker(one: Operation, mark: int | Class, state: Value, ends: Sequence[int], moments: list[_Moment]) -> None:
    begin = bisect_right(ends, one.begin)
    if isinstance(mark, Class):
        moments[begin].opened.append((state, mark))
    elif one.end is not None:
        moments[begin].makers.append((state, mark))
        moments[bisect_left(ends, one.end) + 1].makers.append((state, mark))


def _note_need(
    one: Operation, mark: int | Class, state: Value, made: int, ends: Sequence[int], moments: list[_Moment]
) -> None:
    """From the last beginning of somebody who makes the state, it must be there, or somebody under way make it."""
    assert one.end is not None
    assert isinstance(mark, int)
    since, begin = bisect_right(ends, made), bisect_right(ends, one.begin)
    if since < begin:
        moments[since].later.append((state, 1))
        moments[begin].later.append((state, -1))
    moments[max(since, begin)].waiting.append((state, mark))
    moments[bisect_left(ends, one.end) + 1].waiting.append((state, mark))


def _sweep(
    moments: Iterable[_Moment], sources: Mapping[Value, tuple[Value, ...]], number: Callable[[Value], int],
    work: Callable[[int], None],
) -> Iterator[tuple[Need, ...]]:  # fmt: skip
    later: dict[Value, int] = {}
    waiting: dict[Value, int] = {}
    makers: dict[Value, int] = {}
    opened: dict[Value, dict[Class, int]] = {}
    serves: dict[Value, dict[Value, None]] = {}
    for state, made_from in sources.items():
        for made in made_from:
            serves.setdefault(made, {})[state] = None
    now: dict[Value, Need] = {}
    found: tuple[Need, ...] = ()
    for moment in moments:
        changed: dict[Value, None] = {}
        for state, change in moment.later:
            _set(later, state, later.get(state, 0) + change)
            changed[state] = None
        for state, bit in moment.waiting:
            _set(waiting, state, waiting.get(state, 0) ^ bit)
            changed[state] = None
        for made, bit in moment.makers:
            _set(makers, made, makers.get(made, 0) ^ bit)
            changed.update(serves.get(made, {}))
        for made, kind in moment.opened:
            counts = opened.setdefault(made, {})
            counts[kind] = counts.get(kind, 0) + 1
            changed.update(serves.get(made, {}))
        for state in changed:
            if state in later or state in waiting:
                made_by = sources[state]
                bits = sum(makers.get(made, 0) for made in made_by)
                able = tuple(count for made in made_by for count in opened.get(made, {}).items()) if opened else ()
                now[state] = Need(number(state), 0 if state in later else waiting[state], bits, able)
                work(10 + len(made_by) + len(able))
            else:
                now.pop(state, None)
        if changed:
            work(len(changed))
            found = tuple(now.values())
        yield found


def _set(counts: dict[Value, int], state: Value, count: int) -> None:
    if count:
        counts[state] = count
    else:
        counts.pop(state, None)
