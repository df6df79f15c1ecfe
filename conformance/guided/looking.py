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
    any more makes the link inconclusive, and the others do not. A run has a `text`, and can be `read` for a scenario,
    with its source for those who complain.
    """

    name: str
    scenarios: tuple[Scenario[Sight], ...]
    expected: frozenset[str]
    world: World[Schedule, Sight, Found]
    failure: Callable[[Found], Failure]
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
    """Look for those of these scenarios that are of this world. The first refutation ends it."""
    lines: list[Line] = []
    runs_met: list[tuple[Scenario[Any], Any]] = []
    all_runs = 0
    names = {scenario.name for scenario in scenarios}
    for scenario in (one for one in ground.scenarios if one.name in names):
        search = Search(ground.world, seed, runs, _told(display, scenario))
        outcome = search.guided(scenario)
        chance = search.by_chance(scenario) if with_chance and outcome.found is None else None
        runs_met += [] if outcome.met is None else [(scenario, outcome.met)]
        lines.append(_line(ground.name, scenario, runs, outcome, chance))
        all_runs += outcome.runs + (0 if chance is None else chance.runs)
        met = f"met after {outcome.met_after} runs" if outcome.met_after else f"not met in {outcome.runs} runs"
        display.finish(scenario.name, met)
        for one in (outcome, chance):
            if one is not None and one.found is not None:
                return Looked(tuple(lines), all_runs, ground.failure(one.found), tuple(runs_met))
    return Looked(tuple(lines), all_runs, met=tuple(runs_met))


def _told(display: Display, scenario: Scenario[Sight]) -> Callable[[int, Progress], None]:
    def told(number: int, best: Progress) -> None:
        display.update(scenario.name, number, f"runs, {best.stages} of {len(scenario.stages)} stages")

    return told


def _line(
    world: str,
    scenario: Scenario[Sight],
    runs: int,
    outcome: Outcome[Schedule, Found],
    chance: Outcome[Schedule, Found] | None,
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
