"""The control plane of the colony: it replaces nodes whose servers stay away, and moves cells after their clients.

One node at a time in each cell, each step a minute, and never faster than its rate, whatever happens: its rules are
those that the authors took from their own incident. A step is a change of the cell's own configuration, so it needs a
majority of the cell that is together.
"""

from collections import Counter, deque
from collections.abc import Callable

import numpy as np
from attrs import define, field

from physalia.fleet.placer import Placer
from physalia.fleet.repair import way_to
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Ints
from physalia.placement.effort import Effort
from physalia.zone.scenario import Keeping
from physalia.zone.state import State
from physalia.zone.timetable import Timetable

_BALLAST = -1_000_000
"""Numbers of cells that stand for nothing: what fills a server that is down, so that nobody is placed there."""


@define(eq=False)
class Keeper:
    """The steps that wait, which cells are at one, and where there is room."""

    state: State
    times: Timetable
    rules: Keeping
    placer: Placer
    stepped: Callable[[Ints], None]
    """Hears of the cells that took a step: their volumes may be served again."""
    waiting: deque[tuple[int, int, int]] = field(factory=deque)
    """A cell, the server that its node leaves, and the one that it goes to; `NOBODY`: wherever there is a place."""
    busy: set[int] = field(factory=set)
    repaired: int = 0
    moved: int = 0
    without_place: int = 0
    without_majority: int = 0
    most_waiting: int = 0
    _next_start: float = 0.0
    _wakes_at: float = 0.0
    _absences: Counter[int] = field(factory=Counter)
    _filled: dict[int, int] = field(factory=dict)

    @property
    def _patience(self) -> float:
        """The hours until what could not be done is tried again; a step at least, so that time goes by."""
        return max(self.rules.after_hours, self.rules.step_hours)

    def lost(self, server: int) -> None:
        """A server went away: nobody is placed there, and if it stays away its nodes are replaced."""
        self._absences[server] += 1
        room = max(0, self.placer.room[server])
        self._filled[server] = room
        self.placer.add(_BALLAST - server, [server] * room)
        self.times.after(self.rules.after_hours, self._still_away, server, self._absences[server])

    def back(self, server: int) -> None:
        """A server is back."""
        self._absences[server] += 1
        self.placer.remove(_BALLAST - server, [server] * self._filled.pop(server, 0))

    def follow(self, row: int) -> None:
        """Clients moved: the cell goes after them, in its own colour, by single steps that each keep the rules."""
        if row in self.busy:
            self.times.after(self.rules.step_hours, self.follow, row)
            return
        self.waiting = deque(one for one in self.waiting if one[0] != row or one[2] == NOBODY)  # older ways are void
        old = [int(one) for one in self.state.cells[row]]
        new = self._near(row)
        if new is None or set(new) == set(old):
            return
        fleet = self.state.fleet
        plan = way_to(self.placer, fleet, row, new, Effort())
        for step in plan.steps or ():
            self.waiting.append((row, step.away, step.to))
        self.without_place += plan.steps is None

    def drain(self) -> None:
        """Begin the next steps, as fast as is allowed: one a cell at a time, those of others in the meantime."""
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        for _ in range(len(self.waiting)):
            if self.times.now < self._next_start:
                if self._wakes_at < self._next_start:
                    self._wakes_at = self._next_start
                    self.times.at(self._next_start, self._woken)
                return
            row, away, to = self.waiting.popleft()
            if row in self.busy:
                self.waiting.append((row, away, to))
                continue
            self._begin(row, away, to)

    def _woken(self) -> None:
        """The next step may begin; whoever keeps appointments drains the queue afterwards."""

    def _begin(self, row: int, away: int, to: int) -> None:
        repairs = to == NOBODY
        cell = self.state.cells[row].tolist()
        if away not in cell or (repairs and self.state.lives(away)):
            return  # it came back, or is gone already
        if not self._together(row):
            self.without_majority += 1
            self.times.after(self._patience, self._again, row, away, to)
            return
        if repairs:
            kept = [one for one in cell if one != away]
            found = self.placer.completed(self._volume(row), kept, (row,))
            if found is None:
                self.without_place += 1
                self.times.after(self._patience, self._again, row, away, to)
                return
            (to,) = set(found) - set(kept)
        elif self.placer.room[to] <= 0 or to in cell or not self._keeps(row, away, to):
            self.without_place += 1
            return
        if self.rules.steps_per_hour:
            self._next_start = self.times.now + 1 / self.rules.steps_per_hour
        self.busy.add(row)
        self.placer.add(row, [to])
        self.times.after(self.rules.step_hours, self._end, row, away, to, repairs)

    def _end(self, row: int, away: int, to: int, repairs: bool) -> None:
        """The step is done if a majority is still together and has taught the new node; else it is given up."""
        self.busy.discard(row)
        if not (self._together(row) and self.state.lives(to)):
            self.placer.remove(row, [to])
            self.times.after(self._patience, self._again, row, away, NOBODY if repairs else to)
            return
        self.placer.remove(row, [away])
        if away in self._filled:
            self._filled[away] += 1
            self.placer.add(_BALLAST - away, [away])
        cell = self.state.cells[row]
        cell[cell == away] = to
        self.repaired += repairs
        self.moved += not repairs
        one = np.array([row])
        self.state.look(one)
        self.stepped(one)

    def _again(self, row: int, away: int, to: int) -> None:
        self.waiting.append((row, away, to))

    def _still_away(self, server: int, absence: int) -> None:
        if self._absences[server] == absence:
            for row in np.flatnonzero((self.state.cells == server).any(axis=1)).tolist():
                self.waiting.append((row, server, NOBODY))

    def _together(self, row: int) -> bool:
        """Whether a majority of a cell is up and reaches each other."""
        alive = [one for one in self.state.cells[row].tolist() if self.state.lives(one)]
        groups = Counter(sum(self.state.reaches(one, other) for other in alive) for one in alive)
        return max(groups, default=0) > int(self.state.cells.shape[1]) // 2

    def _keeps(self, row: int, away: int, to: int) -> bool:
        after = [to if one == away else one for one in self.state.cells[row].tolist()]
        return self.placer.keeps(self._volume(row), after, (row,))

    def _near(self, row: int) -> tuple[int, ...] | None:
        """A place for the cell in its own colour, around a server of that colour near the instance."""
        state, placer = self.state, self.placer
        color = placer.color_of(int(state.cells[row, 0]))
        hops = state.site.hops(int(state.site.stand_of[state.clients[row, 0]]))
        barred = placer.rules.barred(self._volume(row))
        for stand in sorted(placer.stock[color], key=lambda one: (int(hops[one]), one)):
            for seed in placer.stock[color][stand]:
                if placer.room[seed] > 0 and seed not in barred:
                    return placer.completed(self._volume(row), [seed], (row,))
        return None

    def _volume(self, row: int) -> tuple[int, int, int]:
        instance, primary, replica = self.state.clients[row].tolist()
        return instance, primary, replica
