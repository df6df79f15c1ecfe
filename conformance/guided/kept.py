"""Runs that met a scenario, as text: to be read, and to be played again."""

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from conformance.guided.looking import Ground
from conformance.guided.scenario import Scenario, Sight, Watch
from conformance.guided.search import Found, Schedule
from conformance.links import BadInput, Failure

HEAD = "# scenario: "


@frozen
class Played:
    """A run that was kept, played again: how far it came, where it met each stage, and the failure if it is refuted."""

    scenario: Scenario[Any]
    watch: Watch[Any]
    failure: Failure | None


def text(ground: Ground[Schedule, Sight, Found], scenario: Scenario[Sight], schedule: Schedule) -> str:
    """The run, below the name of the scenario and its stages."""
    stages = "".join(f"# {number}. {stage.words}\n" for number, stage in enumerate(scenario.stages, start=1))
    return f"{HEAD}{scenario.name}\n{stages}{ground.text(schedule)}"


def name_of(scenario: Scenario[Any]) -> str:
    """A name for its file."""
    letters = (letter if letter.isalnum() else "-" for letter in scenario.name.lower())
    return "-".join(filter(None, "".join(letters).split("-"))) + ".txt"


def again(grounds: Iterable[Ground[Any, Any, Any]], kept: str, source: str) -> Played:
    """Play it again. Raises `BadInput` if it is no such run."""
    first = kept.partition("\n")[0]
    for ground in grounds:
        for scenario in ground.scenarios:
            if first == f"{HEAD}{scenario.name}":
                watch = Watch(scenario)
                ran = ground.world.play(ground.read(scenario, kept, source), (watch,))
                return Played(scenario, watch, None if ran.found is None else ground.failure(ran.found))
    raise BadInput(f"{source} does not begin with a line such as '{HEAD}NAME', with the name of a scenario.")
