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

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from sys import getsizeof
from time import process_time

from attrs import define, evolve

from conformance.histories.history import Operation, Value
from conformance.histories.models import ANYTHING, ILLEGAL, Anything, Kind, Model
from conformance.histories.needs import Class, Position, UnderWay, needed_until, needs

MOST_CONFIGURATIONS = 2_000_000
"""So many situations are remembered at most, some 300 bytes each, and more where many operations are under way."""
MOST_MIB = 2_048
"""So much may all that a search keeps take, as far as it is counted: situations, and what there is to choose from."""

_TOLD_EVERY = 4096
_LOOK_EVERY = 50_000
"""After so many steps, some 10 ms, the clock is looked at."""
_NOT_LEGAL = -1
_ANY_STATE = -1
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
    mib: int = MOST_MIB
    tried: int = 0
    _until: float | None = None
    _steps: int = 0

    def start(self) -> None:
        """The clock starts, if it has not; it shows processor time."""
        if self.seconds is not None and self._until is None:
            self._until = process_time() + self.seconds

    def share(self, configurations: int, searches: int) -> "Budget":
        """A part of it: fewer situations, and of the time that is left what is due to one of so many searches."""
        self.start()
        until = None if self._until is None else process_time() + (self._until - process_time()) / searches
        return evolve(self, configurations=configurations, tried=0, until=until)

    def spend(self, remembered: int, ended: int) -> None:
        """One more situation is remembered. Raises `Exhausted`."""
        self.tried += 1
        if remembered > self.configurations:
            raise Exhausted(f"{self.configurations:,} situations are remembered, and no more may be")
        if self.tried % _TOLD_EVERY == 0:
            self.told(ended, self.tried)
            self.work(_LOOK_EVERY)

    def work(self, steps: int) -> None:
        """So many steps of any kind were gone. Raises `Exhausted`."""
        self._steps += steps
        if self._steps >= _LOOK_EVERY:
            self._steps = 0
            if self._until is not None and process_time() > self._until:
                raise Exhausted(f"{self.seconds:g} s of processor time are used up")


class Search:
    """One search on one part of a history."""

    def __init__(self, operations: Sequence[Operation], model: Model, budget: Budget, initial: Value) -> None:
        self.model, self.budget, self.initial = model, budget, initial
        budget.start()
        self._held = 0
        self._states: list[Value] = []
        self._numbers: dict[Value, int] = {}
        self._needed = needed_until(operations, model)
        self._matters_until: dict[int, float] = {}
        self._classes: dict[object, Class] = {}
        useful = [one for one in operations if not (one.is_open and model.kind(one) is Kind.READS)]
        useful.sort(key=lambda one: one.begin)
        kinds = [self._class_of(one) for one in useful]
        self._width = 0
        """Bits for operations that end, one each while it is under way; above them open ones are counted."""
        self._guards = 0
        bits = self._give_bits(useful, kinds)
        ended = (one for one in zip(useful, kinds, bits, strict=True) if one[0].end is not None)
        self._ends = sorted(ended, key=lambda one: _end(one[0]))
        self._positions: list[Position] = []
        """As far as the search has come."""
        self._coming = self._prepare(useful, kinds, bits)
        self._seen: dict[tuple[int, int, int, int], list[int]] = {}
        self._remembered = 0

    def _hold(self, size: int) -> None:
        """So many bytes more are kept. Raises `Exhausted`."""
        self._held += size
        if self._held > self.budget.mib << 20:
            raise Exhausted(f"the {self.budget.mib:,} MiB that one search may keep are used up")

    def _class_of(self, operation: Operation) -> Class:
        meaning = (operation.f, operation.asked, operation.answer, operation.is_open)
        known = self._classes.get(meaning)
        if known is None:
            bounds = self.model.bounds(operation)
            needed = None if bounds is None or bounds.needs is ANYTHING else self._number(bounds.needs)
            known = self._classes[meaning] = Class(operation, self.model.kind(operation), needed)
        return known

    def _prepare(self, useful: Sequence[Operation], kinds: Sequence[Class], bits: Sequence[int]) -> Iterator[Position]:
        """Everything that the search may choose from, end by end."""
        marks = [kind if one.is_open else bit for one, kind, bit in zip(useful, kinds, bits, strict=True)]
        needed = needs(useful, marks, self.model, self.initial, self._number, self._work_and_hold)
        under_way, begun = UnderWay(), 0
        last: Position | None = None
        for ending, due_class, due in self._ends:
            end = _end(ending)
            while begun < len(useful) and useful[begun].begin < end:
                under_way.begin(kinds[begun], useful[begun].end, bits[begun])
                begun += 1
            new = under_way.position((end, due, due_class), next(needed), last)
            self._work_and_hold(new.size_beside(last) + 2 * len(under_way.ends.get(due_class, ())))
            yield new
            last = new
            under_way.finish(due_class, due)

    def _work_and_hold(self, many: int) -> None:
        """So many things were looked at, and are kept."""
        self.budget.work(many)
        self._hold(8 * many)

    def _give_bits(self, useful: Sequence[Operation], kinds: Sequence[Class]) -> list[int]:
        """A bit for each operation that ends, free again afterwards; and room to count the open ones of each class."""
        free: list[int] = []
        ending: list[tuple[int, int]] = []
        counts: dict[Class, int] = {}
        bits = []
        for one, kind in zip(useful, kinds, strict=True):
            if one.is_open:
                counts[kind] = counts.get(kind, 0) + 1
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
            self._work_and_hold(4 + number // 64)
        shift = self._width
        for kind, count in counts.items():
            width = count.bit_length()
            kind.shift, kind.field = shift, (1 << width) - 1
            self._guards |= 1 << (shift + width)
            shift += width + 1
        self._guards >>= self._width
        return bits

    def run(self) -> bool:
        """Whether there is an order. Raises `Exhausted`."""
        stack: list[tuple[int, Iterator[tuple[int, int, int]]]] = []
        step: tuple[int, int, int, int] | None = (0, 0, 0, self._number(self.initial))
        while True:
            if step is not None:
                place, used, excused, state = self._settle(*step)
                if place == len(self._ends):
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
        while place < len(self._ends):
            if place == len(positions):
                positions.append(next(self._coming))
            position = positions[place]
            self.budget.work(len(position.reads))
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
        yield from self._others(position, used, excused, state, overwritten, True)
        yield from self._others(position, used, excused, state, overwritten, False)

    def _others(
        self, position: Position, used: int, excused: int, state: int, overwritten: bool, helps: bool
    ) -> Iterator[tuple[int, int, int]]:
        """What comes of each operation that is under way and not due, and helps the one that is, or does not."""
        self.budget.work(len(position.others) + len(position.opened))
        for one, bits, mask in position.others:
            after = self._after(one, state)
            if (
                after == _NOT_LEGAL
                or not mask & ~used
                or helps == (self._after(position.due_class, after) == _NOT_LEGAL)
            ):
                continue
            bit = next(bit for bit in bits if not used & bit)
            if bit == position.due:
                continue
            if one.kind is not Kind.OVERWRITES:
                if one.kind is Kind.CHANGES or self._matters(position, after):
                    yield used | bit, excused | bit, after
            elif overwritten or self._helps_somebody(position, used, after):
                yield used | bit, excused | bit | position.excused, after
        for one, began in position.opened:
            after = self._after(one, state)
            if after in (_NOT_LEGAL, state) or (used >> one.shift & one.field) >= began:
                continue
            if helps == (self._after(position.due_class, after) == _NOT_LEGAL):
                continue
            more = used + (1 << one.shift)
            if self._helps_somebody(position, more, after):
                hidden = position.excused if one.kind is Kind.OVERWRITES else 0
                yield more, excused | hidden, after

    def _is_seen(self, position: Position, used: int, state: int) -> bool:
        """Whether something that is under way, ends, and does not overwrite could take effect in that state."""
        self.budget.work(len(position.reads) + len(position.others) + len(position.opened))
        return any(mask & ~used and self._after(one, state) != _NOT_LEGAL for one, mask in position.reads) or any(
            one.kind is not Kind.OVERWRITES and mask & ~used and self._after(one, state) != _NOT_LEGAL
            for one, _, mask in position.others
        )

    def _helps_somebody(self, position: Position, used: int, state: int) -> bool:
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

    def _matters(self, position: Position, state: int) -> bool:
        """Whether somebody who ends later needs that state, or one that it may become."""
        until = self._matters_until.get(state)
        if until is None:
            here = self._states[state]
            self._work_and_hold(10 + len(self._needed))
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
        needed = self._positions[place].needed
        self.budget.work(len(needed))
        for need in needed:
            if need.state == state or need.makers & ~used or (need.waiting and not need.waiting & ~used):
                continue
            if self.model.may_become(self._states[state], self._states[need.state]):
                continue
            if not any((used >> one.shift & one.field) < began for one, began in need.opened):
                return False
        return True

    def _is_new(self, place: int, used: int, excused: int, state: int) -> bool:
        """Remember the situation, unless one that can do as much was there before."""
        opened, guards = used >> self._width, self._guards
        known = self._seen.setdefault((place, used & ((1 << self._width) - 1), excused, state), [])
        if any(((opened | guards) - one) & guards == guards for one in known):
            return False
        known.append(opened)
        self._remembered += 1
        self._hold(300 + used.bit_length() // 2)
        self.budget.spend(self._remembered, place)
        return True

    def _after(self, one: Class, state: int) -> int:
        if one.needs is not None and one.needs != state:
            return _NOT_LEGAL
        place = _ANY_STATE if one.kind is Kind.OVERWRITES else state
        after = one.table.get(place)
        if after is None:
            self._hold(100)
            result = self.model.step(self._states[state], one.example)
            after = one.table[place] = _NOT_LEGAL if result is ILLEGAL else self._number(result)
        return after

    def _number(self, state: Value) -> int:
        number = self._numbers.get(state)
        if number is None:
            self._hold(200 + getsizeof(state))
            number = self._numbers[state] = len(self._states)
            self._states.append(state)
        return number


def _end(operation: Operation) -> int:
    assert operation.end is not None
    return operation.end


def check(operations: Sequence[Operation], model: Model, budget: Budget, initial: Value | Anything = ANYTHING) -> bool:
    """Whether the operations of one part can be ordered, beginning with the model's state or with another one.

    Raises `Exhausted`.
    """
    return Search(operations, model, budget, model.initial if initial is ANYTHING else initial).run()
