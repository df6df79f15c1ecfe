"""Shrinking: a scenario that still refutes the code, of which no event can be left out and nothing made simpler.

Events are left out in ever smaller runs of them, as long as something is still refuted (delta debugging). What follows
is *adapted*: where a message is no longer in flight as it was, the one that took its place arrives, and where another
proposal is due, it is made. So a whole history can be left out, though everything after it depends on it. Then what is
left is made simpler (`simpler`), which may make more of it unnecessary.

The budget is time. What it did not suffice for is said: a finding is only called minimal if everything was tried.
"""

from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from attrs import evolve, frozen

from conformance.lockstep.play import Play
from conformance.lockstep.simpler import complexity, simpler
from conformance.refutation import Refuted
from conformance.world.scenario import Deliver, Duplicate, Forge, Give, Happening, Lose, Scenario, Setup, Stray
from conformance.world.world import MakeNode, NotPossible, World
from physalia.model import Decide, Internal, Learn, Propose


@frozen
class Finding:
    """A scenario, and what it refutes. `effort` says what was done to make it short."""

    scenario: Scenario
    refuted: Refuted
    effort: str = ""


def shrink(finding: Finding, make_node: MakeNode, budget_s: float) -> Finding:
    """The simplest finding that this one leads to within `budget_s` seconds; at worst the one given."""
    search = _Search(finding, make_node, monotonic() + budget_s)
    while search.leave_out() | search.simplify():
        pass
    before, after = len(finding.scenario.happenings), len(search.best.scenario.happenings)
    end = (
        f"the budget of {budget_s:g} s is spent, so fewer might do"
        if search.is_late
        else "none can be left out, and nothing made simpler"
    )
    return evolve(search.best, effort=f"{before} events shrunk to {after} in {search.tried} tries: {end}")


class _Search:
    """The best finding so far, and the tries that make it better."""

    def __init__(self, finding: Finding, make_node: MakeNode, deadline: float) -> None:
        self.best = finding
        self.tried = 0
        self._make_node = make_node
        self._deadline = deadline

    @property
    def is_late(self) -> bool:
        """Whether the time is up."""
        return monotonic() > self._deadline

    def leave_out(self) -> bool:
        """Do without events, in runs of half of them, of a quarter, and so on down to one; return whether any went."""
        length = len(self.best.scenario.happenings)
        chunk = max(1, length // 2)
        while not self.is_late:
            progressed = self._without(chunk)
            if chunk == 1 and not progressed:
                break
            chunk = max(1, chunk // 2)
        return len(self.best.scenario.happenings) < length

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
        for adapt in (adapted, as_it_is):
            self.tried += 1
            found = _play(setup, happenings, self._make_node, adapt)
            if found is not None and complexity(found.scenario) < complexity(self.best.scenario):
                self.best = found
                return True
        return False


def _play(
    setup: Setup, happenings: Iterable[Happening], make_node: MakeNode, adapt: Callable[[World, Happening], Happening]
) -> Finding | None:
    """Play until something is refuted; what cannot happen is left out."""
    run: Play | None = None
    try:
        run = Play(setup, make_node)
        for happening in happenings:
            try:
                run.play(adapt(run.world, happening))
            except NotPossible:
                continue
        run.finish()
    except Refuted as refuted:
        return Finding(Scenario(setup, ()) if run is None else run.scenario, refuted)
    return None


def as_it_is(_: World, happening: Happening) -> Happening:
    """The event itself."""
    return happening


def adapted(world: World, happening: Happening) -> Happening:
    """What takes the place of this event in this world: the event itself, or the nearest of its kind that can happen.

    The nearest message of the same kind between the same two nodes has most fields in common with what was in flight.
    """
    match happening:
        case Give(node, Propose() | Decide() | Learn() as event) if node in world.nodes:
            return Give(node, _nearest_due(world.due[node], event))
        case Deliver() | Duplicate() | Lose() | Forge() | Stray():
            kind = type(happening.message)
            messages = [
                packet.message
                for packet in world.in_flight
                if (packet.sender, packet.receiver) == (happening.sender, happening.receiver)
                and type(packet.message) is kind
            ]
            nearest = max(messages, key=lambda message: _alike(message, happening.message), default=happening.message)
            return evolve(happening, message=nearest)
        case _:
            return happening


def _nearest_due(due: tuple[Internal, ...], event: Internal) -> Internal:
    of_kind = [other for other in due if type(other) is type(event)]
    return max(of_kind, key=lambda other: _alike(other, event), default=event)


def _alike(one: object, other: object) -> int:
    """How many fields two things of one class have in common."""
    names = getattr(type(one), "__match_args__", ())
    return sum(getattr(one, name) == getattr(other, name) for name in names)
