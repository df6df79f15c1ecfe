"""Looking for all rare scenarios of a world: how far each was met, after how many runs, and what pure chance does.

That guiding helps is shown and not assumed: chance draws runs from the same seeds, as many of them at most.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic

from attrs import frozen

from conformance.guided.scenario import Progress, Scenario, Sight
from conformance.guided.search import Found, Outcome, Schedule, Search, World
from conformance.links import BadInput, Failure, Verdict
from conformance.links import Progress as Display


@frozen
class Ground(Generic[Schedule, Sight, Found]):
    """A world in which scenarios are looked for. `failure` tells of what a run refuted, as the link of this world does.

    `expected` are the scenarios that a search of the deep profile has been seen to meet: one of these that is not met
    any more makes the link inconclusive, and the others do not. There each has so many `runs` at most. A run has a
    `text`, and can be `read` for a scenario, with its source for those who complain.
    """

    name: str
    scenarios: tuple[Scenario[Sight], ...]
    expected: frozenset[str]
    world: World[Schedule, Sight, Found]
    failure: Callable[[Found], Failure]
    runs: int
    text: Callable[[Schedule], str]
    read: Callable[[Scenario[Sight], str, str], Schedule]


@frozen(kw_only=True)
class Line:
    """What became of one scenario. `after` are runs until it was met, 0 if never; `by_chance` the same, if asked."""

    world: str
    scenario: str
    like: str
    stages: tuple[str, ...]
    reached: int
    runs: int
    after: int
    by_chance: int | None = None
    reached_by_chance: int | None = None

    @property
    def is_met(self) -> bool:
        """Whether a run met all of its stages."""
        return self.after > 0

    @property
    def furthest(self) -> str:
        """The furthest stage that was reached, in words."""
        return self.stages[self.reached - 1] if self.reached else "none"

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        chance = None
        if self.by_chance is not None:
            chance = {"runs": self.by_chance or None, "reached": self.reached_by_chance}
        return {
            "world": self.world,
            "scenario": self.scenario,
            "like": self.like,
            "stages": list(self.stages),
            "reached": self.reached,
            "budget": self.runs,
            "guided": {"runs": self.after or None, "reached": self.reached},
            "chance": chance,
        }


@frozen
class Looked:
    """What a search came to: a line for each scenario, how many runs it were, and the failure that ended it, if any."""

    lines: tuple[Line, ...]
    runs: int
    failure: Failure | None = None
    met: tuple[tuple[Scenario[Any], Any], ...] = ()
    """The run that met each scenario, of those that were met."""

    @property
    def verdict(self) -> Verdict:
        """Refuted; or inconclusive, if a scenario was not met."""
        if self.failure is not None:
            return self.failure.verdict
        return Verdict.HOLDS if self.lines and all(line.is_met for line in self.lines) else Verdict.INCONCLUSIVE


def chosen(grounds: Iterable[Ground[Any, Any, Any]], names: Sequence[str]) -> list[Scenario[Any]]:
    """The scenarios of these names, all if none is given. Raises `BadInput` for a name that there is not."""
    there_are = [scenario for ground in grounds for scenario in ground.scenarios]
    known = [scenario.name for scenario in there_are]
    for name in names:
        if name not in known:
            raise BadInput(f"there is no scenario {name!r}; there are {', '.join(map(repr, known))}.")
    return [scenario for scenario in there_are if scenario.name in (names or known)]


def look(
    ground: Ground[Schedule, Sight, Found],
    scenarios: Iterable[Scenario[Any]],
    runs: int,
    seed: int,
    display: Display,
    *,
    with_chance: bool = False,
) -> Looked:
    """Look for those of these scenarios that are of this world.

    The first refutation ends it, unless it is to count what chance meets as well: that is told for all of them.
    """

    def search(part: str, stages: int) -> Search[Schedule, Sight, Found]:
        return Search(ground.world, seed, runs, _told(display, part, stages), stubborn=with_chance)

    names = {scenario.name for scenario in scenarios}
    here = [scenario for scenario in ground.scenarios if scenario.name in names]
    outcomes: list[Outcome[Schedule, Found]] = []
    for scenario in here:
        outcome = search(scenario.name, len(scenario.stages)).guided(scenario)
        outcomes.append(outcome)
        met = f"met after {outcome.met_after} runs" if outcome.met_after else f"not met in {outcome.runs} runs"
        display.finish(scenario.name, met)
        if outcome.found is not None and not with_chance:
            break
    looked = here[: len(outcomes)]
    chances: list[Outcome[Schedule, Found] | None] = [None for _ in looked]
    if with_chance:
        chances = [*search("by chance", max((len(one.stages) for one in looked), default=0)).by_chance(looked)]
    lines = [_line(ground.name, *three, runs) for three in zip(looked, outcomes, chances, strict=True)]
    by_base: dict[str, int] = {}
    """Runs by chance, which are the same for all scenarios of a base."""
    for one, chance in zip(looked, chances, strict=True):
        by_base[one.base] = max(by_base.get(one.base, 0), 0 if chance is None else chance.runs)
    all_of_them = [one for one in (*outcomes, *chances) if one is not None]
    found = next((one.found for one in all_of_them if one.found is not None), None)
    return Looked(
        tuple(lines),
        sum(one.runs for one in outcomes) + sum(by_base.values()),
        None if found is None else ground.failure(found),
        tuple((one, outcome.met) for one, outcome in zip(looked, outcomes, strict=True) if outcome.met is not None),
    )


def _told(display: Display, part: str, stages: int) -> Callable[[int, Progress], None]:
    def told(number: int, best: Progress) -> None:
        display.update(part, number, f"runs, {best.stages} of {stages} stages")

    return told


def _line(
    world: str,
    scenario: Scenario[Sight],
    outcome: Outcome[Schedule, Found],
    chance: Outcome[Schedule, Found] | None,
    runs: int,
) -> Line:
    return Line(
        world=world,
        scenario=scenario.name,
        like=scenario.like,
        stages=tuple(stage.words for stage in scenario.stages),
        reached=outcome.best.stages,
        runs=runs,
        after=outcome.met_after,
        by_chance=None if chance is None else chance.met_after,
        reached_by_chance=None if chance is None else chance.best.stages,
    )
