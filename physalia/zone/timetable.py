"""What happens when: a queue of appointments, which are kept in the order of their hours, and then of their making."""

import heapq
from collections.abc import Callable
from typing import Any

from attrs import define, field


@define(eq=False)
class Timetable:
    """Appointments; ``now`` is the hour of the one that is kept."""

    now: float = 0.0
    _waiting: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(factory=list)
    _made: int = 0

    def at(self, hour: float, what: Callable[..., None], *of: Any) -> None:
        """Let something happen at an hour that has not passed."""
        assert hour >= self.now
        heapq.heappush(self._waiting, (hour, self._made, what, of))
        self._made += 1

    def after(self, hours: float, what: Callable[..., None], *of: Any) -> None:
        """Let something happen so many hours from now."""
        self.at(self.now + hours, what, *of)

    def next(self) -> float | None:
        """The hour of the next appointment; None if there is none."""
        return self._waiting[0][0] if self._waiting else None

    def keep(self) -> None:
        """Keep the next appointment."""
        self.now, _, what, of = heapq.heappop(self._waiting)
        what(*of)
