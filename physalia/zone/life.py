"""One zone from its first hour to its last, under one configuration store: the same failures for every store."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import groupby
from random import Random
from typing import Any

import numpy as np
from attrs import define, field

from physalia.blast_radius.four import monolith
from physalia.blast_radius.network import Network
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.zone.devices import Change, changes
from physalia.zone.draws import random
from physalia.zone.keeper import Keeper
from physalia.zone.mirrors import Mirrors
from physalia.zone.scenario import HOURS_A_YEAR, Scenario
from physalia.zone.state import Condition, State
from physalia.zone.timetable import Timetable

BINS = 120
"""The time of a run is cut into so many parts, of each of which the worst moment is told."""

_TRIES = 64


class Store(StrEnum):
    """Where the records of all volumes are."""

    CELLS = "cells"
    """A cell for each volume, near its instance; it is repaired, and follows."""
    ROW = "one database in a row"
    SITE = "one database over the site"


@define(eq=False)
class Life:
    """What happens in a zone."""

    state: State
    times: Timetable
    mirrors: Mirrors
    keeper: Keeper | None
    scenario: Scenario
    hours: float
    random: Random
    alive: np.ndarray = field(init=False)
    worst: np.ndarray = field(init=False)
    """For each part of the time the most volumes that were solo, in blast, and cut at one moment."""

    def __attrs_post_init__(self) -> None:
        self.alive = self._living()
        self.worst = np.zeros((BINS, len(Condition)), dtype=np.int64)

    def run(self, told: Callable[[], None]) -> None:
        """Everything until the last hour; ``told`` hears of every moment."""
        while (moment := self.times.next()) is not None and moment < self.hours:
            self.state.pass_to(moment)
            while self.times.next() == moment:
                self.times.keep()
                self.mirrors.drain()
                if self.keeper is not None:
                    self.keeper.drain()
            counts = np.bincount(self.state.condition, minlength=len(Condition))
            at = int(moment / self.hours * BINS)
            self.worst[at] = np.maximum(self.worst[at], counts)
            told()
        self.state.pass_to(self.hours)

    def happen(self, together: list[Change]) -> None:
        """Devices fail and return at one moment."""
        fail = [one.device for one in together if one.fails]
        back = [one.device for one in together if not one.fails]
        rows = self.state.change(fail, back)
        self.state.look(rows)
        if self.keeper is not None:
            alive = self._living()
            for server in np.flatnonzero(self.alive & ~alive).tolist():
                self.keeper.lost(server)
            for server in np.flatnonzero(~self.alive & alive).tolist():
                self.keeper.back(server)
            self.alive = alive
        self.mirrors.react(rows)

    def move_client(self) -> None:
        """Some instance is attached on another server, anywhere on the site; copies and cell follow."""
        state = self.state
        row = int(self.random.random() * len(state.clients))
        taken = {*state.clients[row].tolist(), *state.cells[row].tolist()}
        for _ in range(_TRIES):
            server = int(self.random.random() * len(state.site.names))
            if server not in taken and state.lives(server):
                state.clients[row, 0] = server
                one = np.array([row])
                state.look(one)
                self.mirrors.react(one)
                self.mirrors.follow(row)
                if self.keeper is not None:
                    self.keeper.follow(row)
                break
        self._next_move()

    def _next_move(self) -> None:
        rate = self.scenario.clients.moves_per_year * len(self.state.clients) / HOURS_A_YEAR
        if rate:
            self.times.after(self.random.expovariate(rate), self.move_client)

    def _living(self) -> np.ndarray:
        found: np.ndarray = ~self.state.dead & self.state.fabric.lit[self.state.site.stand_of]
        return found


def begun(site: Site, rules: Rules, fleet: Fleet, scenario: Scenario, store: Store, hours: float, seed: int) -> Life:
    """A zone at its first hour, with everything that will fail in its timetable."""
    ours = fleet if store is Store.CELLS else monolith(site, rules.policy.cell_size, fleet, near=store is Store.ROW)
    times, state = Timetable(), State.of(site, Network(site), ours)
    mirrors = Mirrors(state, times, scenario.mirroring, random(seed, "mirrors"))
    keeper = None
    if store is Store.CELLS:
        keeper = Keeper(state, times, scenario.keeper, filled(site, rules, fleet), mirrors.react)
        mirrors.arrived = keeper.follow
    life = Life(state, times, mirrors, keeper, scenario, hours, random(seed, "clients"))
    for hour, together in groupby(changes(site, scenario, hours, seed), key=lambda one: one.at_hours):
        times.at(hour, life.happen, list(together))
    life._next_move()  # its own
    return life


def lived(life: Life) -> Mapping[str, Any]:
    """What a zone came to, as plain numbers: hours are those of volumes, summed."""
    state, mirrors, keeper = life.state, life.mirrors, life.keeper
    busiest = max(state.writes_in_minute.values(), default=0)
    return {
        "hours": {one.name.lower(): float(state.hours[one]) for one in Condition},
        "unserved_hours": state.unserved_hours,
        "blast_entered": state.entered_blast,
        "blast_at_once": int(life.worst[:, Condition.BLAST].max()),
        "writes": state.writes,
        "writes_in_busiest_minute": busiest,
        "mirrored": mirrors.done,
        "resynced": mirrors.resynced,
        "without_room": mirrors.without_room,
        "repaired": 0 if keeper is None else keeper.repaired,
        "moved": 0 if keeper is None else keeper.moved,
        "without_place": 0 if keeper is None else keeper.without_place,
        "without_majority": 0 if keeper is None else keeper.without_majority,
        "worst": {one.name.lower(): life.worst[:, one].tolist() for one in Condition},
    }
