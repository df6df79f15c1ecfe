"""Runs of the shell for a guided search: scripts as the link draws them, changed, and played while somebody watches.

A script keeps its seed, so that whatever is not changed happens again to the byte, up to the first event that is not
the same. A place of a run is a moment, in seconds after the start.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from attrs import Factory, define, evolve, frozen

from conformance.guided.scenario import Watch
from conformance.guided.search import Ran
from conformance.refutation import Refuted
from conformance.shell.campaign import WITHIN_S, Result, result_of
from conformance.shell.colony import Colony
from conformance.shell.drawing import FAULTS, LENGTH_S, draw
from conformance.shell.guided.sights import Sight, What
from conformance.shell.guided.towards import Words
from conformance.shell.mirror import Mirror
from conformance.shell.script import Event, Play, Script
from physalia.host import Charter
from physalia.journal import NodeKey
from physalia.model import Envelope
from physalia.server.server import Server

UNLED = 0.25
"""So often what is drawn is left as it is."""
SHORTEST_S = 1e-3
"""Two deeds are no nearer to each other than that, where a run is led on."""
MOMENT_S = 0.35
"""By how much an event is put off, or begun earlier, at most."""


class WatchedColony(Colony):
    """A colony that tells of every step and of every message that comes to a server."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.look: Callable[[What, str, Mirror | None], None] = lambda *_: None

    def mirror(self, key: NodeKey, charter: Charter) -> Mirror:
        """As the colony's."""
        mirror = super().mirror(key, charter)
        mirror.onlooker = lambda outcome: self.look(outcome, "", mirror)
        return mirror

    def made(self, server: Server) -> Server:
        """As the colony's."""
        made, name, receive = super().made(server), self._current().name, server.nodes.receive

        def receive_watched(server: int, envelope: Envelope) -> None:
            receive(server, envelope)
            self.look(envelope, name, None)

        made.nodes.receive = receive_watched  # type: ignore[method-assign]
        return made


@frozen
class Led(Script):
    """A script that is led on from a moment: beside what stands in it something is done that brings a stage near."""

    since_s: float
    luck: str


PACES_S = (0.1, 0.25, 0.6)
"""So long it takes in the middle until the next deed, where a run is led on."""


@define
class WatchedPlay(Play):
    """A script that tells of what it does. `done` is what it did, of its own accord and because it was led."""

    watches: Sequence[Watch[Sight]] = ()
    done: list[Event] = Factory(list)

    def events(self, start_s: float) -> Iterator[Event]:
        """As the script's, and what brings a stage near beside it."""
        led = self.script if isinstance(self.script, Led) else None
        rng = Random("" if led is None else f"{led.luck}/led")  # noqa: S311  # repeatable, no secret
        pace_s, next_s = rng.choice(PACES_S), LENGTH_S if led is None else led.since_s
        left = deque(self.script.events)
        while left or next_s < LENGTH_S:
            if next_s >= LENGTH_S or (left and left[0].at_s <= next_s):
                self.done.append(left.popleft())
                yield self.done[-1]
                continue
            self.until(start_s + next_s)
            if (words := self._hint(rng)) is not None:
                self.done.append(Event(next_s, words))
                yield self.done[-1]
            next_s = round(next_s + rng.expovariate(1 / pace_s) + SHORTEST_S, 6)

    def _hint(self, rng: Random) -> Words | None:
        """One of the deeds that may bring a stage near; None if there is none."""
        sight = Sight(self.colony, Event(0.0, ("",)))
        hints = [hint for watch in self.watches for hint in watch.hints(sight, rng)]
        return rng.choice(hints) if hints else None

    def do(self, event: Event) -> None:
        """As the script's."""
        super().do(event)
        assert isinstance(self.colony, WatchedColony)
        self.colony.look(event, "", None)


@define
class Runs:
    """The world of the shell."""

    coarse: float = 0.5
    latest: float = LENGTH_S - 0.5

    def draw(self, base: str, seed: str) -> Script:
        """The run of a seed, with what `base` says in it."""
        return draw(seed.replace(" ", "-"), always=base)

    def change(self, way: str, one: Script, place: float, other: Script, seed: str) -> Script:
        """The script up to a moment, and then what another seed draws, or what the other did; or one event changed."""
        rng = Random(f"{seed}/change")  # noqa: S311  # repeatable, no secret
        if way == "change":
            return evolve(one, events=_sorted(_changed(one, place, rng)))
        begin = [event for event in one.events if event.at_s <= place]
        source = other if way == "splice" else draw(seed, always=_always(one))
        rest = [event for event in source.events if event.at_s > place and _is_about(event, one)]
        events = _sorted([*begin, *rest])
        if rng.random() < UNLED:
            return evolve(one, events=events)
        return Led(one.seed, one.settings, events, round(place, 6), seed)

    def size(self, schedule: Script) -> int:
        """How many events it has."""
        return len(schedule.events)

    def without(self, schedule: Script, start: int, count: int) -> Script:
        """The same without some of its events."""
        return evolve(schedule, events=(*schedule.events[:start], *schedule.events[start + count :]))

    def play(self, schedule: Script, watches: Sequence[Watch[Sight]]) -> Ran[Script, Result]:
        """Play and judge it."""
        play = WatchedPlay.open(schedule, WatchedColony)
        play.watches = watches
        colony = play.colony
        assert isinstance(colony, WatchedColony)
        refuted: Refuted | None = None
        defects: list[Exception] = []
        try:
            with colony:
                start_s = colony.simulator.now_s

                def look(what: What, server: str, mirror: Mirror | None) -> None:
                    """A watch that falls over is a defect of the watch, and must not look like one of the server."""
                    place = min(LENGTH_S, colony.simulator.now_s - start_s)
                    try:
                        for watch in watches if not defects else ():
                            watch.see(Sight(colony, what, server, mirror), place)
                    except Exception as error:  # noqa: BLE001  # it is raised below
                        defects.append(error)

                colony.look = look
                play.play(WITHIN_S)
        except Refuted as found:
            refuted = found
        if defects:
            raise defects[0]
        ran = Script(schedule.seed, schedule.settings, tuple(play.done) if refuted is None else _whole(play, schedule))
        play.script = ran  # so that what is told of it is what was done
        return Ran(ran, None if refuted is None else result_of(play, refuted))


def _whole(play: WatchedPlay, script: Script) -> tuple[Event, ...]:
    """What was done, and what was still to come when it was refuted."""
    return (*play.done, *(event for event in script.events if event not in play.done))


def _always(script: Script) -> str:
    """What a script has that only some have, so that what takes the place of its end may have it too."""
    verbs = {word for event in script.events for word in event.words[:2]}
    return "moves" if "move" in verbs else "leases" if "lease" in verbs else ""


def _servers(script: Script) -> set[str]:
    return {chr(ord("a") + place) for place in range(int(script.settings["servers"]))}


def _is_about(event: Event, script: Script) -> bool:
    """Whether all servers that it names are there, and the cell that it moves."""
    verb, *more = event.words
    named = {word for word in more if len(word) == 1 and word.isalpha()}
    is_here = verb != "move" or int(more[0]) <= int(script.settings["cells"])
    return verb.startswith("client") or (is_here and named <= _servers(script))


def _changed(script: Script, place: float, rng: Random) -> list[Event]:
    """One of the events up to a moment is left out, put off, or begun earlier; or a fault is put in near it."""
    events = list(script.events)
    way = rng.choice(("leave out", "put off", "a fault", "a fault"))
    known = [number for number, event in enumerate(events) if event.at_s <= place + MOMENT_S]
    if way == "a fault" or not known:
        names = sorted(_servers(script))
        begin_s = max(0.0, place + _a_moment(rng))
        return events + FAULTS[rng.choice(tuple(FAULTS))](rng, names, begin_s)
    number = rng.choice(known)
    event = events.pop(number)
    if way == "put off":
        at_s = max(0.0, event.at_s + _a_moment(rng))
        events.append(Event(at_s, event.words))
    return events


def _a_moment(rng: Random) -> float:
    """Mostly a short one, after or before."""
    part: float = 10.0 ** -rng.uniform(0.0, 2.0)
    return rng.choice((1.0, 1.0, -1.0)) * MOMENT_S * part


def _sorted(events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda event: event.at_s))
