"""A small world for a search: a run is a row of letters, and a scenario a word whose letters come in their order."""

from collections.abc import Iterator, Sequence
from random import Random

from attrs import define

from conformance.guided.looking import Ground
from conformance.guided.scenario import Fixed, Scenario, Stage, Watch
from conformance.guided.search import Ran
from conformance.links import Failure

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 12
WRONG = "!"


def word(name: str, letters: str = "", together: str = "") -> Scenario[str]:
    """The scenario that these letters come one after the other; those `together` must not be broken off by a `z`."""

    def stage(letter: str) -> Stage[str]:
        def meets(sight: str, _: Fixed) -> Iterator[Fixed]:
            if sight == letter:
                yield {}

        def stands(sight: str, _: Fixed) -> bool:
            return letter not in together or sight != "z"

        return Stage(f"an {letter} comes", meets, stands)

    return Scenario(name, "a fault of old", "letters", tuple(map(stage, letters or name)))


@define
class Letters:
    """Runs of letters. A run in which `wrong` stands somewhere is refuted."""

    wrong: str = WRONG
    coarse: float = 2.0
    latest: float = LENGTH - 1
    played: int = 0

    def draw(self, base: str, seed: str) -> str:
        """Any letters."""
        rng = Random(f"{base}/{seed}")
        return "".join(rng.choice(LETTERS) for _ in range(LENGTH))

    def change(self, way: str, one: str, place: float, other: str, seed: str) -> str:
        """Its beginning, and then other letters."""
        begin = one[: int(place)]
        if way == "splice":
            return (begin + other[int(place) :])[:LENGTH]
        return (begin + self.draw(way, seed))[:LENGTH]

    def size(self, schedule: str) -> int:
        """How many letters it has."""
        return len(schedule)

    def without(self, schedule: str, start: int, count: int) -> str:
        """The same without some of its letters."""
        return schedule[:start] + schedule[start + count :]

    def play(self, schedule: str, watches: Sequence[Watch[str]]) -> Ran[str, str]:
        """Letter by letter."""
        self.played += 1
        for place, letter in enumerate(schedule, start=1):
            for watch in watches:
                watch.see(letter, float(place))
        return Ran(schedule, schedule if self.wrong in schedule else None)


def ground(*scenarios: Scenario[str], world: Letters | None = None) -> Ground[str, str, str]:
    """The toy world, with these scenarios."""
    expected = frozenset(one.name for one in scenarios)
    return Ground(
        "toy",
        scenarios,
        expected,
        world or Letters(),
        lambda found: Failure(title=f"wrong: {found}"),
        40,
        lambda run: f"{run}\n",
        lambda _, text, __: text.splitlines()[-1],
    )
