"""A rare scenario as stages, one after the other, and who watches how far a run comes with it.

A stage is met by a step of a run, and fixes what the later ones speak of: which node, which ballot, which message. One
step meets at most one stage of one attempt, so a scenario is never over before as many steps as it has stages; and an
attempt is dropped as soon as what a stage needs does not stand any more, such as a message that is still in flight. A
run may have many attempts at once; the furthest counts.

A stage may also say what would bring the next one near, and what would spoil it, in events of its world: whoever goes
on from there may let the one happen and put the other off. Neither changes what counts as met.
"""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import Factory, define, field, frozen

Sight = TypeVar("Sight")
"""What a step of a run shows: another kind in each world."""

Fixed: TypeAlias = Mapping[str, Any]
"""What the stages met so far speak of, by names."""

MOST_ATTEMPTS = 48
"""So many attempts that met the same stage are followed; beyond, the oldest is dropped."""


def _always(_sight: Any, _fixed: Fixed) -> bool:
    return True


def _near(_sight: Any, _fixed: Fixed) -> int:
    return 0


def _nothing(_sight: Any, _fixed: Fixed) -> Iterable[Any]:
    return ()


def _never(_sight: Any, _fixed: Fixed, _event: Any) -> bool:
    return False


@frozen
class Stage(Generic[Sight]):
    """A stage, in words. `meets` says for a step what it fixes, for each way in which it meets the stage.

    From then on `stands` must hold after each step, until the next stage is met. `distance` says how far away that is,
    in units of its own, where there is a natural one; `brings`, which events may make it less; and `spoils`, whether an
    event would end the attempt or lead it astray.
    """

    words: str
    meets: Callable[[Sight, Fixed], Iterable[Fixed]]
    stands: Callable[[Sight, Fixed], bool] = _always
    distance: Callable[[Sight, Fixed], int] = _near
    brings: Callable[[Sight, Fixed], Iterable[Any]] = _nothing
    spoils: Callable[[Sight, Fixed, Any], bool] = _never


@frozen
class Scenario(Generic[Sight]):
    """A rare scenario: `like` is the historical fault that it is about, and `base` names the runs it needs."""

    name: str
    like: str
    base: str
    stages: tuple[Stage[Sight], ...]


@frozen(order=True)
class Progress:
    """How far a run came: the number of stages that it met, and how near it was to the next one, 0 being nearest."""

    stages: int = 0
    nearness: int = 0


NONE = Progress()
"""No stage was met."""


@frozen
class Reached:
    """A stage that was met, how near the run came to the next one, and where it was then."""

    nearness: int
    place: float


@define
class Watch(Generic[Sight]):
    """Follows one run. `reached` is what it met so far, stage by stage."""

    scenario: Scenario[Sight]
    reached: list[Reached] = Factory(list)
    _attempts: list[list[Fixed]] = field(init=False)
    _focus: Fixed = field(init=False, factory=lambda: {"": None})
    """The attempt that is led on; none to begin with."""

    def __attrs_post_init__(self) -> None:
        self._attempts = [[{}], *([] for _ in self.scenario.stages)]

    @property
    def best(self) -> Progress:
        """How far the run came."""
        return Progress(len(self.reached), self.reached[-1].nearness) if self.reached else NONE

    @property
    def is_complete(self) -> bool:
        """Whether the run met every stage."""
        return len(self.reached) == len(self.scenario.stages)

    def hints(self, sight: Sight, rng: Random) -> list[Any]:
        """What may bring an attempt that came furthest to its next stage: the same one as before, while it stands."""
        number, fixed = self._led(rng)
        return [*self.scenario.stages[number - 1].brings(sight, fixed)] if number else []

    def is_spoiled_by(self, sight: Sight, event: Any, rng: Random) -> bool:
        """Whether an event would spoil that attempt."""
        number, fixed = self._led(rng)
        return number > 0 and self.scenario.stages[number - 1].spoils(sight, fixed, event)

    def _led(self, rng: Random) -> tuple[int, Fixed]:
        """How many stages the attempt that is led on has met, and what it fixed; 0 if there is none."""
        for is_same in (True, False):
            for number in reversed(range(1, len(self._attempts) - 1)):
                some = [one for one in self._attempts[number] if not is_same or _goes_on(self._focus, one)]
                if some:
                    self._focus = rng.choice(some)
                    return number, self._focus
        return 0, {}

    def see(self, sight: Sight, place: float) -> None:
        """The next step of the run, at that place of it."""
        if self.is_complete:
            return
        stages = self.scenario.stages
        for number in reversed(range(len(stages))):  # backwards: a step that meets one stage does not meet the next
            for fixed in tuple(self._attempts[number]):
                for more in stages[number].meets(sight, fixed):
                    self._met(number + 1, {**fixed, **more}, place)
        for number, stage in enumerate(stages, start=1):
            self._attempts[number] = [fixed for fixed in self._attempts[number] if stage.stands(sight, fixed)]
            if self._attempts[number]:
                self._measure(number, sight, place)

    def _met(self, number: int, fixed: Fixed, place: float) -> None:
        attempts = self._attempts[number]
        if fixed not in attempts:
            attempts.append(fixed)
            del attempts[:-MOST_ATTEMPTS]
        if number > len(self.reached):
            self.reached.append(Reached(-_FAR, place))

    def _measure(self, number: int, sight: Sight, place: float) -> None:
        """How near to the next stage those are that met this one."""
        distance = self.scenario.stages[number - 1].distance
        nearness = -min(distance(sight, fixed) for fixed in self._attempts[number])
        if nearness > self.reached[number - 1].nearness:
            self.reached[number - 1] = Reached(nearness, place)


def _goes_on(before: Fixed, after: Fixed) -> bool:
    """Whether an attempt is the same one as before, perhaps with more stages."""
    return before.items() <= after.items()


_FAR = 1 << 30
