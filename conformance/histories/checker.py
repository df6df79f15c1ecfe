"""The checker: whether there is an order of the operations of one part in which the model gives every answer.

The search of Wing and Gong, with Lowe's memory of what was tried, one operation at a time, just in time: when an
operation's end comes it must have taken effect, and whichever of those under way come before it is what is searched.

Four things keep the search small, and leave no order out:

* Operations of one meaning, under way at the same time, are interchangeable: the one that ends first goes first.
* An operation that only reads takes effect at once where its answer is right: nothing becomes harder by it.
* An operation that overwrites everything hides those under way that can always happen and learn nothing: they
  may have taken effect just before it, and left no trace. So they are *excused*, and may still take effect visibly if
  that helps. One that overwrites and is not due goes first only where somebody under way sees it, or where it excuses
  the one that is due.
* Of two situations that differ only in how many open operations were used up, the one that used fewer can do more.

Operations that never end take effect at any time after they began, or never: they are used where they help.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from time import process_time

from attrs import Factory, define, frozen

from conformance.histories.history import Operation, Value
from conformance.histories.models import ANYTHING, ILLEGAL, Anything, Kind, Model
from conformance.histories.needs import Need, needed_until, needs

MOST_CONFIGURATIONS = 2_000_000
"""So many situations are remembered at most, some 200 bytes each."""

_TOLD_EVERY = 4096
_NOT_LEGAL = -1
_MANY = 64


class Exhausted(Exception):
    """The search ended before its end: the budget of memory or time is used up."""


@define
class Budget:
    """How much may be remembered and how long it may take, for everything that is checked with it."""

    configurations: int = MOST_CONFIGURATIONS
    seconds: float | None = None
    told: Callable[[int, int], None] = lambda _ended, _tried: None
    """Called now and then with the number of ends that were reached, and of situations that were tried."""
    tried: int = 0
    _until: float | None = None

    def start(self) -> None:
        """The clock starts, if it has not; it shows processor time."""
        if self.seconds is not None and self._until is None:
            self._until = process_time() + self.seconds

    def spend(self, remembered: int, ended: int) -> None:
        """One more situation is remembered. Raises `Exhausted`."""
        self.tried += 1
        if remembered > self.configurations:
            raise Exhausted(f"{self.configurations:,} situations are remembered, and no more may be")
        if self.tried % _TOLD_EVERY == 0:
            self.told(ended, self.tried)
            if self._until is not None and process_time() > self._until:
                raise Exhausted(f"{self.seconds:g} s of processor time are used up")


@define
class _Class:
    """Operations of one meaning. `shift` is where open ones are counted, and `field` the mask of that count."""

    number: int
    example: Operation
    kind: Kind
    table: dict[int, int] = Factory(dict)
    shift: int = 0
    field: int = 0


@frozen
class _Needed:
    """A `Need`, with the number of its state."""

    state: int
    waiting: int
    makers: int
    opened: tuple[tuple[_Class, int], ...]


@frozen
class _Position:
    """What is under way just before the end of an operation: what the search may choose from.

    `end` is when it ends, and `due` its bit. `reads` has the bits of each class of reads together, `others` those of
    each other class one by one, the first to end first; `opened` says of each class without ends how many have begun.
    `excused` has the bits of all that overwrite.
    """

    end: int
    due: int
    due_class: _Class
    reads: tuple[tuple[_Class, int], ...]
    others: tuple[tuple[_Class, tuple[int, ...]], ...]
    opened: tuple[tuple[_Class, int], ...]
    excused: int
    needed: tuple[_Needed, ...]


class Search:
    """One search on one part of a history."""

    def __init__(self, operations: Sequence[Operation], model: Model, budget: Budget, initial: Value) -> None:
        self.model, self.budget, self.initial = model, budget, initial
        self._states: list[Value] = []
        self._numbers: dict[Value, int] = {}
        self._needed = needed_until(operations, model)
        self._matters_until: dict[int, float] = {}
        self._becomes: dict[tuple[int, int], bool] = {}
        self._classes: dict[object, _Class] = {}
        useful = [one for one in operations if not (one.is_open and model.kind(one) is Kind.READS)]
        useful.sort(key=lambda one: one.begin)
        self._ends = sorted((one for one in useful if one.end is not None), key=_end)
        self._width = 0
        """Bits for operations that end, one each while it is under way; above them open ones are counted."""
        self._guards = 0
        self._positions = self._prepare(useful)
        self._seen: dict[tuple[int, int, int, int], list[int]] = {}
        self._remembered = 0

    def _class_of(self, operation: Operation) -> _Class:
        meaning = (operation.f, operation.asked, operation.answer, operation.is_open)
        known = self._classes.get(meaning)
        if known is None:
            known = self._classes[meaning] = _Class(len(self._classes), operation, self.model.kind(operation))
        return known

    def _prepare(self, useful: Sequence[Operation]) -> list[_Position]:
        """Everything that the search may choose from, end by end."""
        bits = self._give_bits(useful)
        marks = [self._class_of(one).number if one.is_open else bit for one, bit in zip(useful, bits, strict=True)]
        needed = needs(useful, marks, self.model, self.initial)
        opened: dict[int, tuple[_Class, int]] = {}
        under_way: dict[int, tuple[_Class, tuple[tuple[int, int], ...]]] = {}
        positions = []
        begun = 0
        for ending in self._ends:
            end = _end(ending)
            while begun < len(useful) and useful[begun].begin < end:
                one = useful[begun]
                kind = self._class_of(one)
                if one.is_open:
                    opened[kind.number] = (kind, opened.get(kind.number, (kind, 0))[1] + 1)
                else:
                    members = under_way.get(kind.number, (kind, ()))[1]
                    under_way[kind.number] = (kind, tuple(sorted((*members, (_end(one), bits[begun])))))
                begun += 1
            kind = self._class_of(ending)
            members = under_way[kind.number][1]
            needed_now = tuple(self._need(one) for one in next(needed))
            positions.append(_position(end, members[0][1], kind, under_way.values(), opened.values(), needed_now))
            if members[1:]:
                under_way[kind.number] = (kind, members[1:])
            else:
                del under_way[kind.number]
        return positions

    def _need(self, need: Need) -> _Needed:
        classes = list(self._classes.values())
        opened = tuple((classes[number], began) for number, began in need.opened.items())
        return _Needed(self._number(need.state), need.waiting, need.makers, opened)

    def _give_bits(self, useful: Sequence[Operation]) -> list[int]:
        """A bit for each operation that ends, free again afterwards; and room to count the open ones of each class."""
        free: list[int] = []
        ending: list[tuple[int, int]] = []
        counts: dict[int, tuple[_Class, int]] = {}
        bits = []
        for one in useful:
            if one.is_open:
                kind = self._class_of(one)
                counts[kind.number] = (kind, counts.get(kind.number, (kind, 0))[1] + 1)
                bits.append(0)
                continue
            while ending and ending[0][0] < one.begin:
                heappush(free, heappop(ending)[1])
            if not free:
                heappush(free, self._width)
                self._width += 1
            number = heappop(free)
            heappush(ending, (_end(one), number))
            bits.append(1 << number)
        shift = self._width
        for kind, count in counts.values():
            width = count.bit_length()
            kind.shift, kind.field = shift, (1 << width) - 1
            self._guards |= 1 << (shift + width)
            shift += width + 1
        self._guards >>= self._width
        return bits

    def run(self) -> bool:
        """Whether there is an order. Raises `Exhausted`."""
        self.budget.start()
        stack: list[tuple[int, Iterator[tuple[int, int, int]]]] = []
        step: tuple[int, int, int, int] | None = (0, 0, 0, self._number(self.initial))
        while True:
            if step is not None:
                place, used, excused, state = self._settle(*step)
                if place == len(self._positions):
                    return True
                if self._can_be_served(place, used, state) and self._is_new(place, used, excused, state):
                    stack.append((place, self._choices(place, used, excused, state)))
            if not stack:
                return False
            place, choices = stack[-1]
            chosen = next(choices, None)
            step = None if chosen is None else (place, *chosen)
            if chosen is None:
                stack.pop()

    def _settle(self, place: int, used: int, excused: int, state: int) -> tuple[int, int, int, int]:
        """Let reads take effect whose answer is right, and go on to the next end that asks for something."""
        positions = self._positions
        while place < len(positions):
            position = positions[place]
            for one, mask in position.reads:
                if self._after(one, state) == state:
                    used |= mask
                    excused |= mask
            if not used & position.due:
                break
            used &= ~position.due
            excused &= ~position.due
            place += 1
        return place, used, excused, state

    def _choices(self, place: int, used: int, excused: int, state: int) -> Iterator[tuple[int, int, int]]:
        """Which operation may take effect next, and what comes of it: the one that is due first, open ones last."""
        position = self._positions[place]
        due, due_class = position.due, position.due_class
        is_excused = bool(excused & due)
        overwritten = bool(position.excused & due) and not is_excused
        if is_excused:
            yield used | due, excused, state
        after = self._after(due_class, state)
        useless = is_excused and due_class.kind is Kind.ADDS and not self._matters(position, after)
        if after != _NOT_LEGAL and not useless:
            hidden = position.excused if due_class.kind is Kind.OVERWRITES else 0
            yield used | due, excused | due | hidden, after
        others = self._others(position, used, excused, state, overwritten)
        helps = [one for one in others if self._after(due_class, one[2]) != _NOT_LEGAL]
        yield from helps
        yield from (one for one in others if one not in helps)

    def _others(
        self, position: _Position, used: int, excused: int, state: int, overwritten: bool
    ) -> list[tuple[int, int, int]]:
        """What comes of each operation that is under way and not due."""
        found = []
        for one, bits in position.others:
            after = self._after(one, state)
            bit = next((bit for bit in bits if not used & bit), 0)
            if after == _NOT_LEGAL or not bit or bit == position.due:
                continue
            if one.kind is not Kind.OVERWRITES:
                if one.kind is Kind.CHANGES or self._matters(position, after):
                    found.append((used | bit, excused | bit, after))
            elif overwritten or self._helps_somebody(position, used, after):
                found.append((used | bit, excused | bit | position.excused, after))
        for one, began in position.opened:
            after = self._after(one, state)
            if after == _NOT_LEGAL or (used >> one.shift & one.field) >= began:
                continue
            more = used + (1 << one.shift)
            if after != state and self._helps_somebody(position, more, after):
                hidden = position.excused if one.kind is Kind.OVERWRITES else 0
                found.append((more, excused | hidden, after))
        return found

    def _is_seen(self, position: _Position, used: int, state: int) -> bool:
        """Whether something that is under way, ends, and does not overwrite could take effect in that state."""
        return any(mask & ~used and self._after(one, state) != _NOT_LEGAL for one, mask in position.reads) or any(
            one.kind is not Kind.OVERWRITES and sum(bits) & ~used and self._after(one, state) != _NOT_LEGAL
            for one, bits in position.others
        )

    def _helps_somebody(self, position: _Position, used: int, state: int) -> bool:
        """Whether that state is seen, or open operations may lead from it to one that is."""
        tried, waiting = {state}, [state]
        while waiting:
            here = waiting.pop()
            if self._is_seen(position, used, here) or len(tried) > _MANY:
                return True
            for one, began in position.opened:
                if one.kind is not Kind.OVERWRITES and (used >> one.shift & one.field) < began:
                    after = self._after(one, here)
                    if after != _NOT_LEGAL and after not in tried:
                        tried.add(after)
                        waiting.append(after)
        return False

    def _matters(self, position: _Position, state: int) -> bool:
        """Whether somebody who ends later needs that state, or one that it may become."""
        until = self._matters_until.get(state)
        if until is None:
            here = self._states[state]
            until = self._matters_until[state] = max(
                (
                    end
                    for needed, end in self._needed.items()
                    if needed is ANYTHING or needed == here or self.model.may_become(here, needed)
                ),
                default=-1,
            )
        return until >= position.end

    def _can_be_served(self, place: int, used: int, state: int) -> bool:
        """Whether every state that somebody needs is there, or can still be made."""
        for need in self._positions[place].needed:
            if need.state == state or need.makers & ~used or (need.waiting and not need.waiting & ~used):
                continue
            if self._may_become(state, need.state):
                continue
            if not any((used >> one.shift & one.field) < began for one, began in need.opened):
                return False
        return True

    def _may_become(self, state: int, needed: int) -> bool:
        known = self._becomes.get((state, needed))
        if known is None:
            known = self.model.may_become(self._states[state], self._states[needed])
            self._becomes[state, needed] = known
        return known

    def _is_new(self, place: int, used: int, excused: int, state: int) -> bool:
        """Remember the situation, unless one that can do as much was there before."""
        opened, guards = used >> self._width, self._guards
        known = self._seen.setdefault((place, used & ((1 << self._width) - 1), excused, state), [])
        if any(((opened | guards) - one) & guards == guards for one in known):
            return False
        known.append(opened)
        self._remembered += 1
        self.budget.spend(self._remembered, place)
        return True

    def _after(self, one: _Class, state: int) -> int:
        after = one.table.get(state)
        if after is None:
            result = self.model.step(self._states[state], one.example)
            after = one.table[state] = _NOT_LEGAL if result is ILLEGAL else self._number(result)
        return after

    def _number(self, state: Value) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self._states)
            self._states.append(state)
        return number


def _end(operation: Operation) -> int:
    assert operation.end is not None
    return operation.end


def _position(
    end: int,
    due: int,
    due_class: _Class,
    under_way: Iterable[tuple[_Class, tuple[tuple[int, int], ...]]],
    opened: Iterable[tuple[_Class, int]],
    needed: tuple[_Needed, ...],
) -> _Position:
    reads, others, excused = [], [], 0
    for one, members in under_way:
        bits = tuple(bit for _, bit in members)
        if one.kind is Kind.READS:
            reads.append((one, sum(bits)))
        else:
            others.append((one, bits))
        if one.kind in (Kind.OVERWRITES, Kind.ADDS):
            excused |= sum(bits)
    others.sort(key=lambda pair: pair[1])
    return _Position(end, due, due_class, tuple(reads), tuple(others), tuple(opened), excused, needed)


def check(operations: Sequence[Operation], model: Model, budget: Budget, initial: Value | Anything = ANYTHING) -> bool:
    """Whether the operations of one part can be ordered, beginning with the model's state or with another one.

    Raises `Exhausted`.
    """
    return Search(operations, model, budget, model.initial if initial is ANYTHING else initial).run()
