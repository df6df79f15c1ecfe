"""Shrinking: a scenario that still refutes the code; no two of its events can be left out, and nothing made simpler.

Events are left out in ever smaller runs of them, as long as something is still refuted (delta debugging). What follows
is *adapted*: where a message is no longer in flight as it was, the one that took its place arrives, after the flushes
that it waits for, and where another proposal is due, it is made. So a whole history can be left out, though everything
after it depends on it. Then what is left is made simpler (`simpler`), which may make more of it unnecessary. In the end
any two events are left out together, since one alone would often leave the other without its cause.

The budget is processor time, so that a busy machine makes no finding longer. What it did not suffice for is said: a
finding is only called minimal if everything was tried.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from time import thread_time
from typing import TypeAlias

from attrs import frozen

from conformance.lockstep.play import Play
from conformance.lockstep.simpler import complexity, simpler
from conformance.refutation import Refuted
from conformance.world.cells import MakeNode
from conformance.world.scenario import (
    Arrival,
    Deliver,
    Duplicate,
    EndFlush,
    Forge,
    Give,
    Happening,
    Haunt,
    Lose,
    Scenario,
    Stray,
)
from conformance.world.setup import Setup
from conformance.world.world import NotPossible, World
from physalia.model import Decide, Internal, Learn, Message, Propose
from physalia.model.value import evolve

Adapt: TypeAlias = Callable[[World, Happening], Iterator[Happening]]
"""What is played in the place of an event. Each is played before the next is asked for."""


@frozen
class Finding:
    """A scenario, and what it refutes. `effort` says what was done to make it short."""

    scenario: Scenario
    refuted: Refuted
    effort: str = ""


class Budget:
    """So many seconds of this thread's processor time, from now on."""

    def __init__(self, seconds: float) -> None:
        self._end_s = thread_time() + seconds

    def part(self, share: float) -> "Budget":
        """A share of what is left."""
        return Budget(share * (self._end_s - thread_time()))

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return thread_time() > self._end_s


Told: TypeAlias = Callable[[int], None]
"""Hears at each try how many events the best finding has."""


def shrink(finding: Finding, make_node: MakeNode, budget: Budget, told: Told = lambda _: None) -> Finding:
    """The simplest finding that this one leads to within the budget; at worst the one given."""
    search = _Search(finding, make_node, budget, told)
    while search.leave_out() | search.simplify() or search.leave_out_two():
        pass
    return search.best


class _Search:
    """The best finding so far, and the tries that make it better."""

    def __init__(self, finding: Finding, make_node: MakeNode, budget: Budget, told: Told) -> None:
        self.best = finding
        self._make_node = make_node
        self._budget = budget
        self._told = told

    @property
    def is_late(self) -> bool:
        """Whether the budget is spent."""
        return self._budget.is_spent

    def leave_out(self) -> bool:
        """Do without events, in runs of half of them, of a quarter, and so on down to one; return whether any went."""
        before = self.best
        chunk = max(1, len(before.scenario.happenings) // 2)
        while not self.is_late:
            progressed = self._without(chunk)
            if chunk == 1 and not progressed:
                break
            chunk = max(1, chunk // 2)
        return self.best is not before

    def leave_out_two(self) -> bool:
        """Do without any two events at once; return as soon as it did, since then one may go as well."""
        setup, happenings = self.best.scenario.setup, self.best.scenario.happenings
        for pair in combinations(range(len(happenings)), 2):
            if self.is_late:
                return False
            if self._try(setup, tuple(one for place, one in enumerate(happenings) if place not in pair)):
                return True
        return False

    def _without(self, chunk: int) -> bool:
        """Try to do without each run of `chunk` events, from the first to the last."""
        start, progressed = 0, False
        while start < len(self.best.scenario.happenings) and not self.is_late:
            happenings = self.best.scenario.happenings
            if self._try(self.best.scenario.setup, (*happenings[:start], *happenings[start + chunk :])):
                progressed = True
            else:
                start += chunk
        return progressed

    def simplify(self) -> bool:
        """Try every simpler scenario, again from the start after each that will do; return whether any did."""
        progressed, again = False, True
        while again and not self.is_late:
            again = any(self._try(*scenario) for scenario in self._until_late(simpler(self.best.scenario)))
            progressed |= again
        return progressed

    def _until_late(
        self, scenarios: Iterator[tuple[Setup, tuple[Happening, ...]]]
    ) -> Iterator[tuple[Setup, tuple[Happening, ...]]]:
        for scenario in scenarios:
            if self.is_late:
                return
            yield scenario

    def _try(self, setup: Setup, happenings: tuple[Happening, ...]) -> bool:
        """Whether these events refute the code and are simpler; adapted or, if that does not do, as they are."""
        for adapt in (flushed, adapted, as_it_is):
            self._told(len(self.best.scenario.happenings))
            found = _play(setup, happenings, self._make_node, adapt)
            if found is not None and complexity(found.scenario) < complexity(self.best.scenario):
                self.best = found
                return True
        return False


def _play(setup: Setup, happenings: Iterable[Happening], make_node: MakeNode, adapt: Adapt) -> Finding | None:
    """Play until something is refuted; what cannot happen is left out."""
    run: Play | None = None
    try:
        run = Play(setup, make_node)
        for happening in happenings:
            try:
                for one in adapt(run.world, happening):
                    run.play(one)
            except NotPossible:
                continue
        run.finish()
    except Refuted as refuted:
        return Finding(Scenario(setup, ()) if run is None else run.scenario, refuted)
    return None


def as_it_is(_: World, happening: Happening) -> Iterator[Happening]:
    """The event itself."""
    yield happening


def flushed(world: World, happening: Happening) -> Iterator[Happening]:
    """As adapted; before a message that waits at its sender, the flushes that it waits for."""
    if isinstance(happening, Arrival) and happening.sender in world.queues:
        while not _in_flight(world, happening) and world.queues[happening.sender]:
            yield EndFlush(happening.sender)
    yield from adapted(world, happening)


def adapted(world: World, happening: Happening) -> Iterator[Happening]:
    """What takes the place of this event in this world: the event itself, or the nearest of its kind that can happen.

    The nearest message of the same kind between the same two nodes has most fields in common with what was in flight.
    """
    match happening:
        case Give(node, Propose() | Decide() | Learn() as event) if node in world.nodes:
            yield Give(node, _nearest_due(world.due[node], event))
        case Deliver() | Duplicate() | Lose() | Forge() | Stray() | Haunt():
            nearest = max(
                _in_flight(world, happening),
                key=lambda message: _alike(message, happening.message),
                default=happening.message,
            )
            yield evolve(happening, message=nearest)
        case _:
            yield happening


def _in_flight(world: World, wanted: Arrival) -> list[Message]:
    """The messages of this kind that are in flight between these two nodes."""
    ways = [
        packet for packet in world.in_flight if (packet.sender, packet.receiver) == (wanted.sender, wanted.receiver)
    ]
    return [packet.message for packet in ways if type(packet.message) is type(wanted.message)]


def _nearest_due(due: tuple[Internal, ...], event: Internal) -> Internal:
    of_kind = [other for other in due if type(other) is type(event)]
    return max(of_kind, key=lambda other: _alike(other, event), default=event)


def _alike(one: object, other: object) -> int:
    """How many fields two things of one class have in common."""
    names = getattr(type(one), "__match_args__", ())
    return sum(getattr(one, name) == getattr(other, name) for name in names)
