"""Copies that are lost and made again: fail-over at once, a wait for the old copy, then another one, within limits."""

from collections import Counter, deque
from collections.abc import Callable
from random import Random

import numpy as np
from attrs import define, field

from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Ints
from physalia.zone.scenario import Mirroring
from physalia.zone.state import PRIMARY, REPLICA, State
from physalia.zone.timetable import Timetable

_TRIES = 64


def _unheard(_row: int) -> None:
    """Nobody listens."""


@define(eq=False)
class Mirrors:
    """The copies of volumes: who serves alone, who waits for room, and what is being copied."""

    state: State
    times: Timetable
    rules: Mirroring
    random: Random
    arrived: Callable[[int], None] = _unheard
    """Hears of volumes whose copies have come to their instance's row."""
    waiting: deque[int] = field(factory=deque)
    """Volumes that want another copy, in the order in which they asked."""
    copying: Counter[int] = field(factory=Counter)
    """The transfers from each server."""
    held: Ints = field(init=False)
    """The copies on each server, with the room that is reserved."""
    done: int = 0
    resynced: int = 0
    without_room: int = 0
    most_waiting: int = 0
    _row: dict[int, list[int]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        copies = self.state.clients[:, PRIMARY:]
        self.held = np.bincount(copies[copies != NOBODY], minlength=len(self.state.site.names))

    def react(self, rows: Ints) -> None:
        """Whoever lost a copy goes on alone, if the store can be asked; whose old copy is back takes it again."""
        state, at = self.state, self.state.at
        solo, needy = state.solo[rows], at.up[rows] & ~(at.primary[rows] & at.joined[rows])
        stays = needy & ~solo & at.primary[rows] & at.primary_asks[rows]
        over = needy & ~solo & ~stays & at.replica[rows] & at.replica_asks[rows]
        for row in rows[stays].tolist():
            self._alone(row, lost=REPLICA)
        for row in rows[over].tolist():
            self._alone(row, lost=PRIMARY)
        changed = rows[stays | over]
        state.wrote(changed)
        state.look(changed)
        for row in changed.tolist():
            self.times.after(self.rules.after_hours, self._wants, row, int(state.epoch[row]))
        for row in rows[self._may_resync(rows)].tolist():
            self.times.after(self.rules.resync_hours, self._resync, row, int(state.epoch[row]))

    def drain(self) -> None:
        """Begin the transfers that the limits allow, in the order in which they were asked for."""
        left = len(self.waiting)
        self.most_waiting = max(self.most_waiting, left)
        most, each = self.rules.at_once, self.rules.at_once_per_server
        while left and (not most or self.copying.total() < most):
            left -= 1
            row = self.waiting.popleft()
            source = int(self.state.clients[row, PRIMARY])
            if not self._wanted(row):
                continue
            if each and self.copying[source] >= each:
                self.waiting.append(row)
                continue
            target = self._target(row)
            if target is None:
                self.without_room += 1
                self.waiting.append(row)
                continue
            self.held[target] += 1
            self.copying[source] += 1
            self.times.after(self.rules.copy_hours, self._copied, row, int(self.state.epoch[row]), source, target)

    def follow(self, row: int) -> None:
        """An instance moved: its copies follow it into its row, one at a time."""
        if self._astray(row) and not self.state.solo[row]:
            self.waiting.append(row)

    def _alone(self, row: int, lost: int) -> None:
        state = self.state
        if lost == PRIMARY:
            state.clients[row, [PRIMARY, REPLICA]] = state.clients[row, [REPLICA, PRIMARY]]
        state.old[row], state.clients[row, REPLICA] = state.clients[row, REPLICA], NOBODY
        state.solo[row] = True

    def _may_resync(self, rows: Ints) -> np.ndarray:
        """The serving copy reaches the old one, and a majority: the old one may join again, whoever looks on."""
        at, state = self.state.at, self.state
        return state.solo[rows] & at.joined[rows] & at.primary_asks[rows]

    def _resync(self, row: int, epoch: int) -> None:
        state, one = self.state, np.array([row])
        if state.epoch[row] == epoch and self._may_resync(one)[0]:
            state.clients[row, REPLICA], state.old[row], state.solo[row] = state.old[row], NOBODY, False
            self.resynced += 1
            self._written(row)

    def _wants(self, row: int, epoch: int) -> None:
        if self.state.epoch[row] == epoch and self.state.solo[row]:
            self.waiting.append(row)

    def _wanted(self, row: int) -> bool:
        return bool(self.state.solo[row]) or self._astray(row)

    def _astray(self, row: int) -> bool:
        """Whether a copy is in another row than the instance."""
        home, *copies = self.state.clients[row].tolist()
        return any(one != NOBODY and self._row_of(one) != self._row_of(home) for one in copies)

    def _target(self, row: int) -> int | None:
        """A server in the row of the instance that lives, has room, and stands in another rack than the primary."""
        state, rows = self.state, self._servers(row)
        instance, primary, replica = state.clients[row].tolist()
        taken = {instance, primary, replica, int(state.old[row]), *state.cells[row].tolist()}
        racks = state.site.stands
        home = racks[state.site.stand_of[primary]][0]
        for _ in range(_TRIES):
            one = rows[int(self.random.random() * len(rows))]
            if one in taken or racks[state.site.stand_of[one]][0] == home:
                continue
            if self.held[one] < self.rules.copies_per_server and state.reaches(primary, one):
                return one
        return None

    def _copied(self, row: int, epoch: int, source: int, target: int) -> None:
        """A transfer is done: the new copy joins by a conditional write, if it still can; else all was in vain."""
        state, at = self.state, self.state.at
        self.copying[source] -= 1
        current = state.epoch[row] == epoch and self._wanted(row)
        if not (current and state.reaches(source, target) and at.primary_asks[row]):
            self.held[target] -= 1
            if self._wanted(row) and state.epoch[row] == epoch:
                self.waiting.append(row)
            return
        followed = self._astray(row)
        left = state.old[row] if state.solo[row] else state.clients[row, REPLICA]
        if left != NOBODY:
            self.held[left] -= 1
        state.clients[row, REPLICA], state.old[row], state.solo[row] = target, NOBODY, False
        self.done += 1
        self._written(row)
        if self._row_of(int(state.clients[row, PRIMARY])) != self._row_of(int(state.clients[row, 0])):
            state.clients[row, [PRIMARY, REPLICA]] = state.clients[row, [REPLICA, PRIMARY]]
            self._written(row)
        if self._astray(row):
            self.waiting.append(row)
        elif followed:
            self.arrived(row)

    def _written(self, row: int) -> None:
        one = np.array([row])
        self.state.wrote(one)
        self.state.look(one)
        self.react(one)

    def _row_of(self, server: int) -> int:
        return int(self.state.site.row_of[self.state.site.stand_of[server]])

    def _servers(self, row: int) -> list[int]:
        """The servers in the row of a volume's instance."""
        home = self._row_of(int(self.state.clients[row, 0]))
        if home not in self._row:
            rows = self.state.site.row_of[self.state.site.stand_of]
            self._row[home] = np.flatnonzero(rows == home).tolist()
        return self._row[home]
