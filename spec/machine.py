"""The kernel: what a state machine is, and how all its states are found. It knows no protocol.

A machine is a class with an `init` and with methods that are actions or invariants. A state is a `NamedTuple` of
immutable, hashable values. An action is a pure function of a state and of its arguments; it gives the next state, or
None where its guard is false. From one state, a name and its arguments lead to at most one next state.

What makes exploration fast is here and in `spec/observed.py`, so that protocols need not be clever.
"""

import gc
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from itertools import product
from random import Random
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from attrs import define, field, frozen

from spec.observed import Numbering, Numbers, Remembered, changes_of

T = TypeVar("T")
State = TypeVar("State", bound=tuple[Any, ...])
Args: TypeAlias = tuple[Any, ...]


def pure(method: Callable[..., T]) -> Callable[..., T]:
    """Remember what a method without side effects gave, for each machine and each list of hashable arguments."""
    name = f"_{method.__name__}_of"

    @wraps(method)
    def remembered(self: Any, *args: Any) -> T:
        known: dict[Args, T] | None = self.__dict__.get(name)
        if known is None:
            known = self.__dict__[name] = {}
        if args not in known:
            known[args] = method(self, *args)
        return known[args]

    return remembered


# What a machine is.


def action(**domains: str) -> Callable[[T], T]:
    """Mark a method as an action. Each argument is given the machine's attribute that holds its values: `n="nodes"`."""

    def mark(method: T) -> T:
        method.domains = domains  # type: ignore[attr-defined]
        return method

    return mark


def invariant(method: T) -> T:
    """Mark a method as an invariant: a predicate on states that holds in all that can be reached."""
    method.is_invariant = True  # type: ignore[attr-defined]
    return method


def _marked(machine: "type[Machine[Any]]", mark: str) -> tuple[str, ...]:
    classes = reversed(machine.__mro__)
    names = dict.fromkeys(name for c in classes for name, value in vars(c).items() if hasattr(value, mark))
    return tuple(name for name in names if hasattr(getattr(machine, name), mark))


class Machine(Generic[State]):
    """The base of all machines. Constants are attributes; they do not change after the first step."""

    def init(self) -> Iterable[State]:
        """The initial states."""
        raise NotImplementedError

    def above(self) -> "Machine[Any] | None":
        """The machine that this one refines, with the constants it gets; None at the top."""
        return None

    def seen_from_above(self, s: State) -> Any:
        """The refinement mapping: the state that `above()` is in when this machine is in `s`."""
        raise NotImplementedError

    @classmethod
    def action_names(cls) -> tuple[str, ...]:
        """The names of the actions, in the order of the module."""
        return _marked(cls, "domains")

    @classmethod
    def invariant_names(cls) -> tuple[str, ...]:
        """The names of the invariants, in the order of the module."""
        return _marked(cls, "is_invariant")

    def arguments(self, name: str) -> Iterator[Args]:
        """Every list of arguments of action `name`."""
        domains: dict[str, str] = getattr(self, name).domains
        return product(*(getattr(self, domain) for domain in domains.values()))


class Step(NamedTuple):
    """An action with its arguments, and the state that it leads to."""

    name: str
    args: Args
    state: Any


def successor(machine: Machine[State], state: State, name: str, args: Args) -> State | None:
    """Where action `name` leads from `state`, or None if it is not enabled. KeyError if there is no such action."""
    act: Any = getattr(machine, name, None)
    if not hasattr(act, "domains"):
        raise KeyError(name)
    after: State | None = act(state, *args)
    return after


def enabled(machine: Machine[State], state: State) -> Iterator[Step]:
    """Every step that can be taken from `state`, in the order of the module."""
    for name in machine.action_names():
        act = getattr(machine, name)
        for args in machine.arguments(name):
            after = act(state, *args)
            if after is not None:
                yield Step(name, args, after)


def walk(machine: Machine[State], seed: int, *, most_steps: int) -> Iterator[Step]:
    """A random walk, the same for the same seed: first ("init", (), state), then a step each until none is enabled."""
    random = Random(seed)  # noqa: S311  # a reproducible walk, no secret
    state = random.choice(list(machine.init()))
    yield Step("init", (), state)
    for _ in range(most_steps):
        steps = list(enabled(machine, state))
        if not steps:
            return
        step = random.choice(steps)
        yield step
        state = step.state


# Exploration.


@frozen(kw_only=True)
class Limits:
    """When to give up. An exploration that gave up shows nothing about the states that it did not see."""

    states: int | None = None
    seconds: float | None = None
    memory_bytes: int | None = None
    """Of the whole process, at its peak."""

    def reached(self, states: int, seconds: float) -> str:
        """Which limit was reached, in words; empty if none was."""
        if self.states is not None and states >= self.states:
            return f"the limit of {self.states:,} states"
        if self.seconds is not None and seconds >= self.seconds:
            return f"the limit of {self.seconds:g} seconds"
        if self.memory_bytes is not None and peak_memory_bytes() >= self.memory_bytes:
            return f"the limit of {self.memory_bytes / 2**20:,.0f} MiB"
        return ""


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far."""
    import resource  # noqa: PLC0415  # not on every system, and needed for this only
    import sys  # noqa: PLC0415

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class Status(NamedTuple):
    """How far an exploration is."""

    distinct: int
    generated: int
    queue: int
    depth: int
    seconds: float


@frozen
class Violation:
    """What does not hold, and a shortest path to where it does not."""

    name: str
    path: tuple[Step, ...]


class _Recorder(Protocol):
    """Is told every edge: numbers of the two states, and of the step."""

    def __call__(self, source: int, step: int, target: int) -> None: ...


@define
class Exploration(Generic[State]):
    """What was found. States are numbered in the order in which they were found, from 0.

    `distinct` and `depth` mean what they mean to TLC: `depth` is the number of states on the longest of the shortest
    paths. `generated` counts the initial states and every step, to a new state or not, each once; TLC counts a step
    once more for every further way in which a disjunction in its guard holds, so its number may be larger.
    """

    machine: Machine[State]
    _numbering: Numbering
    _states: list[Numbers] = field(factory=list)
    _number_of: dict[Numbers, int] = field(factory=dict)
    steps: list[tuple[str, Args]] = field(factory=list)
    """Actions with their arguments; edges name them by their place here."""
    _parents: "array[int]" = field(factory=lambda: array("q"))
    _parent_steps: "array[int]" = field(factory=lambda: array("q"))
    edge_sources: "array[int]" = field(factory=lambda: array("q"))
    edge_steps: "array[int]" = field(factory=lambda: array("q"))
    edge_targets: "array[int]" = field(factory=lambda: array("q"))
    """The graph, if it was asked for: for each edge the source, the step and the target."""
    initial: int = 0
    """How many of the first states are initial."""
    generated: int = 0
    depth: int = 0
    seconds: float = 0.0
    taken: dict[str, int] = field(factory=dict)
    """How often each action was taken."""
    gave_up_at: str = ""
    """Which limit was reached, in words; empty if the exploration is whole or stopped at a violation."""
    violation: Violation | None = None

    @property
    def distinct(self) -> int:
        """How many states were found."""
        return len(self._states)

    @property
    def whole(self) -> bool:
        """Whether every reachable state was seen."""
        return not self.gave_up_at and self.violation is None

    def number(self, state: State) -> int | None:
        """The number of a state; None if it was not found."""
        return self._number_of.get(self._numbering.pack(state))

    def state(self, number: int) -> State:
        """The state of that number."""
        return cast("State", self._numbering.unpack(self._states[number]))

    def path(self, number: int) -> tuple[Step, ...]:
        """A shortest path to a state: ("init", (), state) and then a step each."""
        path: list[Step] = []
        while number >= self.initial:
            path.append(Step(*self.steps[self._parent_steps[number]], self.state(number)))
            number = self._parents[number]
        return (Step("init", (), self.state(number)), *reversed(path))


def explore(
    machine: Machine[State],
    *,
    invariants: Iterable[str] | None = None,
    refinement: bool = False,
    record: bool = False,
    limits: Limits | None = None,
    progress: Callable[[Status], None] | None = None,
) -> Exploration[State]:
    """Find every state that can be reached, breadth first, until a violation, a limit or the end.

    `invariants` are all unless named; `refinement` checks every step against `machine.above()`; `record` keeps the
    graph. `progress` is called about once a second.
    """
    collecting = gc.isenabled()
    gc.disable()  # what is made here stays, and holds no cycles
    try:
        return _Explorer(machine, invariants, refinement).run(record, limits or Limits(), progress)
    finally:
        if collecting:
            gc.enable()


Effect: TypeAlias = tuple[int, tuple[tuple[int, int], ...]]  # a step, and (place, number) of what it changes


class _Explorer(Generic[State]):
    """One exploration."""

    def __init__(self, machine: Machine[State], invariants: Iterable[str] | None, refinement: bool) -> None:
        initial = list(machine.init())
        make = type(initial[0])
        self.fields: tuple[str, ...] = make._fields  # type: ignore[attr-defined]
        self.numbering = Numbering(make, self.fields)
        self.found: Exploration[State] = Exploration(machine, self.numbering)
        self.machine = machine
        self.actions = [self._remember(self._effects_of(name)) for name in machine.action_names()]
        names = machine.invariant_names() if invariants is None else invariants
        self.invariants = [(name, self._remember(getattr(machine, name))) for name in names]
        self.refinement = _Refinement(machine, self._remember(machine.seen_from_above)) if refinement else None
        for state in initial:
            self._add(self.numbering.pack(state), -1, -1)
        self.found.initial = self.found.generated = len(initial)

    def _remember(self, evaluate: Callable[[Any], T]) -> Remembered[T]:
        return Remembered(self.numbering, self.fields, evaluate)

    def _effects_of(self, name: str) -> Callable[[Any], tuple[Effect, ...]]:
        act = getattr(self.machine, name)
        steps = self.found.steps
        first = len(steps)
        steps.extend((name, args) for args in self.machine.arguments(name))
        mine = [(number, steps[number][1]) for number in range(first, len(steps))]
        number_of = self.numbering.number
        place_of = {field: place for place, field in enumerate(self.fields)}

        def effects(state: Any) -> tuple[Effect, ...]:
            found: list[Effect] = []
            for number, args in mine:
                after = act(state, *args)
                if after is not None:
                    changes = changes_of(after).items()
                    numbered = ((place_of[name], value) for name, value in changes)
                    found.append((number, tuple((place, number_of(place, value)) for place, value in numbered)))
            return tuple(found)

        return effects

    def run(self, record: bool, limits: Limits, progress: Callable[[Status], None] | None) -> Exploration[State]:
        """Explore level by level."""
        found = self.found
        started = time.monotonic()
        taken = [0] * len(found.steps)
        looked_at = time.monotonic()
        first, end = 0, found.distinct
        found.violation = self._violated_at_first()
        while first < end and found.whole:
            found.depth += 1
            for part in range(first, end, PART_STATES):
                part_end = min(part + PART_STATES, end)
                self._expand(part, part_end, taken, record)
                now = time.monotonic()
                found.seconds = now - started
                found.gave_up_at = limits.reached(found.distinct, found.seconds)
                if progress is not None and now - looked_at >= 1:
                    looked_at = now
                    queue = found.distinct - part_end
                    progress(Status(found.distinct, found.generated, queue, found.depth, found.seconds))
                if not found.whole:
                    break
            first, end = end, found.distinct
        for (name, _), times in zip(found.steps, taken, strict=True):
            found.taken[name] = found.taken.get(name, 0) + times
        found.seconds = time.monotonic() - started
        return found

    def _expand(self, first: int, end: int, taken: list[int], record: bool) -> None:
        """Take every step from the states `first` to `end` - 1, until something does not hold."""
        found, states, number_of = self.found, self.found._states, self.found._number_of
        for source in range(first, end):
            state = states[source]
            for remembered in self.actions:
                effects = remembered.known.get(remembered.getter(state))
                if effects is None:
                    effects = remembered(state)
                for step, changes in effects:
                    after = list(state)
                    for place, number in changes:
                        after[place] = number
                    packed = tuple(after)
                    target = number_of.get(packed)
                    if target is None:
                        target = self._add(packed, source, step)
                        self._check_invariants(target)
                    taken[step] += 1
                    if record:
                        self._record(source, step, target)
                    if self.refinement is not None:
                        self._check_refinement(source, step, target)
                found.generated += len(effects)
                if found.violation is not None:
                    return

    def _add(self, packed: Numbers, parent: int, step: int) -> int:
        number = self.found._number_of[packed] = len(self.found._states)
        self.found._states.append(packed)
        self.found._parents.append(parent)
        self.found._parent_steps.append(step)
        return number

    def _record(self, source: int, step: int, target: int) -> None:
        self.found.edge_sources.append(source)
        self.found.edge_steps.append(step)
        self.found.edge_targets.append(target)

    def _violated_at_first(self) -> Violation | None:
        """What does not hold in an initial state."""
        for number in range(self.found.initial):
            self._check_invariants(number)
            if self.refinement is not None and not self.refinement.allows_initial(self.found._states[number]):
                return Violation(self.refinement.name, self.found.path(number))
        return self.found.violation

    def _check_invariants(self, number: int) -> None:
        if self.found.violation is None:
            packed = self.found._states[number]
            for name, holds in self.invariants:
                if not holds(packed):
                    self.found.violation = Violation(name, self.found.path(number))
                    return

    def _check_refinement(self, source: int, step: int, target: int) -> None:
        assert self.refinement is not None
        states = self.found._states
        if self.found.violation is None and not self.refinement.allows(states[source], states[target]):
            last = Step(*self.found.steps[step], self.found.state(target))
            self.found.violation = Violation(self.refinement.name, (*self.found.path(source), last))


PART_STATES = 1000
"""How many states are expanded between looks at the clock and at the limits."""


class _Refinement:
    """Whether a step is a step of the machine above, or changes nothing there."""

    def __init__(self, machine: Machine[Any], mapped: Callable[[Numbers], Any]) -> None:
        above = machine.above()
        if above is None:
            raise ValueError(f"{type(machine).__name__} refines nothing")
        self._above = above
        self._mapped = mapped
        self._initial = set(above.init())
        self._successors: dict[Any, set[Any]] = {}
        self.name = f"refines {type(above).__name__}"

    def allows_initial(self, state: Numbers) -> bool:
        """Whether an initial state is one above."""
        return self._mapped(state) in self._initial

    def allows(self, source: Numbers, target: Numbers) -> bool:
        """Whether a step leads to the same state above, or to a successor of it."""
        before, after = self._mapped(source), self._mapped(target)
        if before == after:
            return True
        if before not in self._successors:
            self._successors[before] = {step.state for step in enabled(self._above, before)}
        return after in self._successors[before]
