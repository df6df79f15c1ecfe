"""Search by progress: of the runs that came furthest with a scenario a beginning is kept, and the rest is changed.

A search begins with runs that are drawn like all others. Then, again and again, one of those that came furthest is
taken, up to where it came furthest, and goes on anew; or as another one did; or with one decision changed. Pure chance
draws as many runs from the same seeds, so both begin with the same ones, and whoever needs fewer was better. Everything
follows from the seed, and a budget is a number of runs.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Generic, Protocol, TypeVar

from attrs import Factory, define, field, frozen

from conformance.guided.scenario import NONE, Progress, Reached, Scenario, Sight, Watch

Schedule = TypeVar("Schedule")
"""All that is left to choice in a run, as it was played."""
Found = TypeVar("Found")
"""What a run refutes, and how."""

DRAWN_FIRST = 12
"""So many runs a search draws before it changes any."""
DRAWN_LATER = 0.1
"""How often it draws one later, so that it does not only turn round what it has."""
MOST_KEPT = 6
"""So many runs are kept for each stage of a scenario."""
WAYS = ("redraw", "redraw", "redraw", "redraw", "splice", "change", "change", "change")
"""How a run is changed, the more often the more useful."""
PATIENCE = 10
"""When the runs of a stage were changed so often in vain, every second try begins a stage before it."""


@frozen
class Ran(Generic[Schedule, Found]):
    """A run as it was played, and what it refuted, if anything."""

    schedule: Schedule
    found: Found | None


class World(Protocol[Schedule, Sight, Found]):
    """Where runs are drawn, changed and played. Places of a run that are no further apart than `coarse` are alike.

    What comes after the place `latest` is too near to the end: nothing much would follow from there.
    """

    coarse: float
    latest: float

    def draw(self, base: str, seed: str) -> Schedule:
        """The run of a seed, as the link of this world would draw it."""

    def change(self, way: str, one: Schedule, place: float, other: Schedule, seed: str) -> Schedule:
        """A run that begins as `one` up to a place; `other` is another one that came far."""

    def size(self, schedule: Schedule) -> int:
        """How many events a run has that was played."""

    def without(self, schedule: Schedule, start: int, count: int) -> Schedule:
        """The same without so many of its events, from that one on."""

    def play(self, schedule: Schedule, watches: Sequence[Watch[Sight]]) -> Ran[Schedule, Found]:
        """Play and judge it, while these watch."""


@define
class Kept(Generic[Schedule]):
    """A run that met a stage, where it came nearest to the next one, and how often it was changed from there on."""

    schedule: Schedule
    reached: Reached
    changed: int = 0


@define
class Corpus(Generic[Schedule]):
    """For each stage the runs that came nearest to the next one; of equals those that did so earlier in the run.

    Whoever meets a stage late has few events left for the next. So earlier stages have runs of their own here, and are
    taken up again now and then.
    """

    coarse: float
    """Places that are no further apart count as equal."""
    latest: float
    """What was reached after that place is not kept."""
    rungs: list[list[Kept[Schedule]]] = Factory(list)

    def add(self, schedule: Schedule, watch: Watch[Sight]) -> None:
        """Keep the run for each stage that it met, if it came as near to the next as those that are kept."""
        for number, reached in enumerate(watch.reached):
            if reached.place > self.latest:
                return
            if number == len(self.rungs):
                self.rungs.append([])
            rung = self.rungs[number]
            rung.insert(0, Kept(schedule, reached))
            rung.sort(key=lambda one: (-one.reached.nearness, one.reached.place // self.coarse))
            del rung[MOST_KEPT:]

    def choose(self, rng: Random) -> Kept[Schedule]:
        """One of the runs of the last stage that any met; the more of that was in vain, the likelier of one before."""
        number = len(self.rungs) - 1
        while number > 0 and rng.random() < _in_vain(self.rungs[number]):
            number -= 1
        rung = self.rungs[number]
        chosen = rng.choices(rung, [1 / (4 + one.changed) for one in rung])[0]
        chosen.changed += 1
        return chosen


def _in_vain(rung: Sequence[Kept[Schedule]]) -> float:
    """How likely it is better to go back a stage from here: from a quarter up to nine tenths."""
    changed = sum(one.changed for one in rung)
    return min(0.9, max(0.25, changed / (changed + PATIENCE)))


@define
class Outcome(Generic[Schedule, Found]):
    """What a search for one scenario came to: after how many runs it was met, 0 if never, and how far it came at best.

    `met` is the run that met it, and `found` what the first run refuted that did. With that a search ends, unless it is
    to go on: then it is `stubborn`.
    """

    stubborn: bool = False
    best: Progress = NONE
    runs: int = 0
    met_after: int = 0
    met: Schedule | None = None
    found: Found | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is looked for."""
        return self.met_after > 0 or (self.found is not None and not self.stubborn)

    def note(self, ran: Ran[Schedule, Found], watch: Watch[Sight]) -> None:
        """Another run."""
        self.runs += 1
        self.best = max(self.best, watch.best)
        self.found = ran.found if self.found is None else self.found
        if watch.is_complete and ran.found is None:
            self.met_after, self.met = self.runs, ran.schedule


Told = Callable[[int, Progress], None]
"""Hears after each run the how manieth it was, and how far the best one came."""


@define
class Search(Generic[Schedule, Sight, Found]):
    """Looks for scenarios in one world, with so many `runs` for each; if `stubborn`, whatever they refute."""

    world: World[Schedule, Sight, Found]
    seed: int
    runs: int
    told: Told = field(default=lambda _number, _best: None)
    stubborn: bool = False

    def guided(self, scenario: Scenario[Sight]) -> Outcome[Schedule, Found]:
        """Runs towards a scenario, until one meets all of its stages, or refutes something."""
        rng = Random(f"{self.seed}/{scenario.name}/guided")  # noqa: S311  # repeatable, no secret
        corpus = Corpus[Schedule](self.world.coarse, self.world.latest)
        return self._until_met(scenario, lambda number: self._next(scenario, corpus, number, rng), corpus)

    def by_chance(self, scenarios: Sequence[Scenario[Sight]]) -> list[Outcome[Schedule, Found]]:
        """The same with runs that are drawn, each by itself: those of one base are drawn once for all its scenarios."""
        outcomes = [Outcome[Schedule, Found](self.stubborn) for _ in scenarios]
        for base in dict.fromkeys(one.base for one in scenarios):
            of_base = [pair for pair in zip(scenarios, outcomes, strict=True) if pair[0].base == base]
            for number in range(self.runs):
                looking = [pair for pair in of_base if not pair[1].is_over]
                if not looking:
                    break
                watches = [Watch(scenario) for scenario, _ in looking]
                ran = self.world.play(self._drawn(looking[0][0], number), watches)
                for (_, outcome), watch in zip(looking, watches, strict=True):
                    outcome.note(ran, watch)
                self.told(number + 1, max(outcome.best for _, outcome in of_base))
        return outcomes

    def _until_met(
        self, scenario: Scenario[Sight], schedule: Callable[[int], Schedule], corpus: Corpus[Schedule]
    ) -> Outcome[Schedule, Found]:
        outcome = Outcome[Schedule, Found](self.stubborn)
        for number in self._numbers(outcome):
            watch = Watch(scenario)
            ran = self.world.play(schedule(number), (watch,))
            outcome.note(ran, watch)
            if ran.found is None:
                corpus.add(ran.schedule, watch)
            self.told(outcome.runs, outcome.best)
        return outcome

    def _numbers(self, outcome: Outcome[Schedule, Found]) -> Iterator[int]:
        for number in range(self.runs):
            if outcome.is_over:
                return
            yield number

    def _drawn(self, scenario: Scenario[Sight], number: int) -> Schedule:
        return self.world.draw(scenario.base, f"{self.seed}/{scenario.base}/{number}")

    def _next(self, scenario: Scenario[Sight], corpus: Corpus[Schedule], number: int, rng: Random) -> Schedule:
        is_first = number < min(DRAWN_FIRST, max(1, self.runs // 4))
        if is_first or not corpus.rungs or rng.random() < DRAWN_LATER:
            return self._drawn(scenario, number)
        one, other = corpus.choose(rng), corpus.choose(rng)
        way, seed = rng.choice(WAYS), f"{rng.getrandbits(48)}"
        return self.world.change(way, one.schedule, one.reached.place, other.schedule, seed)
