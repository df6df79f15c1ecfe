"""Runs of the lockstep for a guided search: drawn as its campaigns draw them, changed, and played.

A schedule is a sequence of parts: events of a run that was played before, and places at which new ones are drawn from a
seed. What is taken from another run may not fit any more; then the nearest event that does takes its place, as in
shrinking, or none.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import TypeAlias

from attrs import define, evolve, frozen

from conformance.guided.scenario import Watch
from conformance.guided.search import Ran
from conformance.judges.coverage import Coverage
from conformance.lockstep.campaigns import CAMPAIGNS, Campaign
from conformance.lockstep.departing import Departing
from conformance.lockstep.driver import Driver
from conformance.lockstep.guided.sights import Looking, Sight
from conformance.lockstep.guided.towards import Hint
from conformance.lockstep.moves import Moves
from conformance.lockstep.play import Play
from conformance.lockstep.requests import opens_a_session
from conformance.lockstep.shrink import Finding, flushed
from conformance.refutation import Refuted
from conformance.world.cells import MakeNode
from conformance.world.scenario import Calm, Give, Happening, Scenario
from conformance.world.setup import Setup
from conformance.world.world import NotPossible
from physalia.cell import Node
from physalia.model import Peek, Query, RequestId, Submit

LENGTH = 280
"""So many events a run has at most, drawn or changed."""
MORE_EVENTS = 120
"""So many events are drawn at most after a beginning that was kept."""
FEW = 12
"""So many events are drawn at most where one run is put in between by another seed."""


EAGER = (0.0, 0.1, 0.3, 0.6)
"""How often what is drawn comes after an event of those that bring a stage near."""
CAREFUL = (0.0, 0.9, 1.0)
"""How often an event is held back that would spoil a stage."""


@frozen
class Led:
    """How what follows a beginning is led towards the next stage."""

    eager: float
    careful: float


@frozen
class Drawn:
    """At this place so many events are drawn; as a campaign begins, or as the random driver goes on."""

    seed: str
    events: int
    is_beginning: bool = False


@frozen
class Schedule:
    """The parts of a run, and the campaign that it is of."""

    base: str
    setup: Setup
    parts: tuple[Drawn | tuple[Happening, ...], ...]

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """The events of a run that was played, which has no other parts."""
        return tuple(one for part in self.parts if not isinstance(part, Drawn) for one in part)


Found: TypeAlias = Finding


@define
class Runs:
    """The world of the lockstep; nodes are made by `make_node`."""

    make_node: MakeNode = Node
    length: int = LENGTH
    coarse: float = 40.0
    latest: float = 200.0

    def draw(self, base: str, seed: str) -> Schedule:
        """A run of a campaign."""
        campaign = campaign_of(base)
        setup = campaign.setups[int(seed.rpartition("/")[2]) % len(campaign.setups)]
        return Schedule(base, setup, (Drawn(seed, self.length, is_beginning=True),))

    def change(self, way: str, one: Schedule, place: float, other: Schedule, seed: str) -> Schedule:
        """The run up to a place, and then anew; or as the other went on; or with one decision changed before it."""
        rng = Random(f"{seed}/change")  # noqa: S311  # repeatable, no secret
        events, at = one.happenings, int(place)
        rest = Drawn(seed, MORE_EVENTS)
        if way == "splice" and other is not one and other.setup == one.setup:
            return evolve(one, parts=(events[:at], other.happenings[rng.randrange(len(other.happenings) + 1) :], rest))
        if way == "change":
            return evolve(one, parts=(*_changed(events, rng.randrange(max(1, at)), rng, seed), rest))
        return evolve(one, parts=(events[:at], rest))

    def size(self, schedule: Schedule) -> int:
        """How many events it has."""
        return len(schedule.happenings)

    def without(self, schedule: Schedule, start: int, count: int) -> Schedule:
        """The same without some of its events."""
        events = schedule.happenings
        return evolve(schedule, parts=(events[:start], events[start + count :]))

    def play(self, schedule: Schedule, watches: Sequence[Watch[Sight]]) -> Ran[Schedule, Finding]:
        """Play the parts one after the other, up to `length` events, and let all come to rest at the end."""
        run: _Run | None = None
        found: Finding | None = None
        try:
            run = _Run(schedule, self.make_node, watches)
            run.play_all(self.length)
        except Refuted as refuted:
            found = Finding(Scenario(schedule.setup, ()) if run is None else run.play.scenario, refuted)
        happened = () if run is None else run.events
        return Ran(evolve(schedule, parts=(happened,)), found)


def campaign_of(base: str) -> Campaign:
    """The campaign of that name."""
    return next(campaign for campaign in CAMPAIGNS if campaign.name == base)


def _changed(
    events: tuple[Happening, ...], at: int, rng: Random, seed: str
) -> tuple[Drawn | tuple[Happening, ...], ...]:
    """One decision is changed: it is left out, put off, or others come before it."""
    way = rng.choice(("leave out", "put off", "draw a few", "draw a few"))
    if way == "leave out":
        return (events[:at], events[at + 1 :])
    if way == "put off":
        later = rng.randint(at + 1, len(events))
        return (events[:at], events[at + 1 : later], events[at : at + 1], events[later:])
    return (events[:at], Drawn(f"{seed}/few", rng.randint(1, FEW)), events[at:])


class _Run:
    """A schedule being played."""

    def __init__(self, schedule: Schedule, make_node: MakeNode, watches: Sequence[Watch[Sight]]) -> None:
        self.schedule = schedule
        self.play = Play(schedule.setup, make_node, Coverage())
        self._looking = Looking(self.play)
        self._watches = watches
        self._moves = Moves(self.play.world)
        self._asked: dict[RequestId, object] = {}
        self._sight: Sight | None = None

    @property
    def events(self) -> tuple[Happening, ...]:
        """What happened, but for the calm at the end."""
        return tuple(one for one in self.play.happened if not isinstance(one, Calm))

    def play_all(self, length: int) -> None:
        """Everything, up to so many events. Raises `Refuted`."""
        for happening in self._happenings(length):
            self._try(happening)
            if len(self.play.happened) >= length or self.play.out_of_bounds:
                break
        self.play.play(Calm())
        self.play.finish()

    def _happenings(self, length: int) -> Iterator[Happening]:
        for part in self.schedule.parts:
            if isinstance(part, Drawn):
                yield from islice(self._drawn(part), min(part.events, length))
            else:
                yield from part

    def _drawn(self, part: Drawn) -> Iterator[Happening]:
        """New events. What was asked before is known to whoever draws them."""
        rng, campaign = Random(part.seed), campaign_of(self.schedule.base)  # noqa: S311
        if part.is_beginning:
            yield from campaign.steer(self._moves, rng, part.events)
            return
        led = Led(rng.choice(EAGER), rng.choice(CAREFUL))
        for happening in going_on(self._moves, rng, part.events):
            yield from self._led(happening, led, rng)

    def _led(self, happening: Happening, led: Led, rng: Random) -> Iterator[Happening]:
        """An event that was drawn, perhaps after one that brings a stage near, and not if it spoils one."""
        if rng.random() < led.eager and (hints := self._hints(rng)):
            hint = rng.choice(hints)
            event = hint(self._moves) if callable(hint) else hint
            if event is not None:
                yield event
        if rng.random() >= led.careful or not self._is_spoiled_by(happening, rng):
            yield happening
        elif (other := self._moves.deliver(rng.getrandbits(8))) is not None and not self._is_spoiled_by(other, rng):
            yield other  # so that who takes messages in their order does not wait behind one that is held back

    def _hints(self, rng: Random) -> list[Hint]:
        sight = self._sight
        return [] if sight is None else [hint for watch in self._watches for hint in watch.hints(sight, rng)]

    def _is_spoiled_by(self, happening: Happening, rng: Random) -> bool:
        sight = self._sight
        return sight is not None and any(watch.is_spoiled_by(sight, happening, rng) for watch in self._watches)

    def _try(self, happening: Happening) -> None:
        """Let it happen, or what is nearest to it; or nothing, where it makes no sense."""
        if self._is_senseless(happening):
            return
        try:
            self._happen(happening)
        except NotPossible:
            try:
                for one in flushed(self.play.world, happening):
                    self._happen(one)
            except NotPossible:
                return

    def _happen(self, happening: Happening) -> None:
        self.play.play(happening)
        if self.play.out_of_bounds:
            return
        self._note(happening)
        sight, place = self._looking.look(), float(len(self.play.happened))
        self._sight = sight
        for watch in self._watches:
            watch.see(sight, place)

    def _is_senseless(self, happening: Happening) -> bool:
        """Whether nobody is there, or a client would ask two things under one number, or open a session twice."""
        match happening:
            case Give(node) if node not in self.play.world.nodes:
                return True
            case Give(_, Submit(command)):
                before = self._asked.get(command.request)
                return before is not None and (before != command or opens_a_session(command))
            case Give(_, Query(request) | Peek(request) as event):
                return self._asked.get(request, event) != event
        return False

    def _note(self, happening: Happening) -> None:
        """What clients asked for, so that those who draw more of it use other numbers."""
        match happening:
            case Give(_, Submit(command)):
                self._asked[command.request] = command
                if command not in self._moves.commands:
                    self._moves.commands.append(command)
            case Give(_, Query(request) | Peek(request) as event):
                self._asked[request] = event
                self._moves.readers = max(self._moves.readers, request.number)


def going_on(moves: Moves, random: Random, events: int) -> Iterator[Happening]:
    """The random driver in a world that is under way: no opening, few quarrels, and what campaigns have beside it."""
    driver = Driver(moves, random)
    driver.habits = evolve(driver.habits, opening=None, quarrels=random.choice((0, 0, 0, 1)))
    moves.max_commands = len(moves.commands) + MORE_COMMANDS
    moves.seed = random.getrandbits(32)
    beside: list[Callable[[], Iterator[Happening | None]]] = [
        lambda: iter((moves.query(moves.to_leader(random.getrandbits(8))),)),
        lambda: iter((moves.truncate(random.choice(moves.node_ids), 0),)),
        lambda: iter((moves.inquire(random.choice(moves.node_ids), random.choice((1, 2, 3))),)),
    ]
    departing = Departing(moves, random) if moves.world.setup.newcomers else None
    if departing is not None:
        beside += [departing.one, departing.one, departing.one]
    pace = random.choice((0.02, 0.08, 0.2))
    for happening in driver.happenings(events):
        yield happening
        if random.random() < pace:
            yield from (one for one in random.choice(beside)() if one is not None)


MORE_COMMANDS = 24
