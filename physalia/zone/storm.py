"""The re-mirroring storm of April 2011, by seconds: many volumes lose a copy at once, and all look for room.

Every volume that lost its copy asks the configuration store for room until it has some; customers ask the same store
for other things. The store answers so many requests a second, and of more it answers a share, drawn evenly: what is not
answered is lost. A transfer takes the bandwidth of its two servers, shared with their other transfers. The old copy
holds its room until the new one is done, or it is back and takes its place again.

Three regimes: as in 2011 (everybody asks again and again, nothing is limited, nobody waits for the old copies); with
limits (who is refused backs off, doubling, at random; a server copies to few at a time; old copies that are back are
taken again); and the same with a cell for each volume, so that requests do not meet, nor those of customers.
"""

from enum import StrEnum
from math import ceil
from random import Random
from typing import Any

import numpy as np
from attrs import define, field

from physalia.zone.scenario import Storm

STEP_HOURS = 1 / 60
"""Transfers and backing off are counted by the minute; requests by the second within it."""

_SECONDS = 60


class Regime(StrEnum):
    """How volumes look for room."""

    UNLIMITED = "one database, no limits"
    LIMITED = "one database, limits"
    CELLS = "cells, limits"


@define(eq=False)
class _Run:
    storm: Storm
    regime: Regime
    source: np.ndarray
    """For each volume that lost its copy the server of the one that is left."""
    target: np.ndarray
    left_gib: np.ndarray
    """What is still to be copied; nothing was begun where there is no target."""
    due: np.ndarray
    """The minute from which it asks again."""
    wait: np.ndarray
    done: np.ndarray
    free: np.ndarray
    """The room of each server."""
    old: np.ndarray
    generator: np.random.Generator
    rows: list[dict[str, float]] = field(factory=list)

    @property
    def limited(self) -> bool:
        return self.regime is not Regime.UNLIMITED

    def minute(self, at: int) -> None:
        """One minute: who is healed, who asks, who is answered, and what is copied."""
        storm = self.storm
        if self.limited and at * STEP_HOURS >= storm.heal_hours:
            self._heal()
        asking = np.flatnonzero(~self.done & (self.target < 0) & (self.due <= at))
        each = 1.0 if self.limited else storm.tries_per_second * _SECONDS
        demand, api = len(asking) * each / _SECONDS, storm.api_per_second
        capacity = storm.requests_per_second
        if self.regime is Regime.CELLS:
            answered = api_answered = 1.0  # a cell has one volume to answer, and customers ask elsewhere
        else:
            answered = api_answered = min(1.0, capacity / (demand + api)) if demand + api else 1.0
        heard = asking[self.generator.random(len(asking)) < 1 - (1 - answered) ** each]
        self._place(heard)
        refused = asking[(self.target[asking] < 0) & ~self.done[asking]]
        if self.limited:
            self._back_off(refused, at)
        self._copy()
        self.rows.append(
            {
                "hour": at * STEP_HOURS,
                "not_mirrored": float((~self.done).sum()) / storm.volumes,
                "requests_per_second": demand + (0.0 if self.regime is Regime.CELLS else api),
                "api_answered": api_answered,
                "without_room": float((~self.done & (self.target < 0)).sum()) / storm.volumes,
                "free": float(self.free.sum()),
            }
        )

    def _heal(self) -> None:
        """The old copies are back: what has not been copied by then takes its own again, and gives back other room."""
        open_ones = np.flatnonzero(~self.done)
        placed = open_ones[self.target[open_ones] >= 0]
        np.add.at(self.free, self.target[placed], 1)
        self.done[open_ones] = True

    def _place(self, heard: np.ndarray) -> None:
        """Whoever is answered gets room on a server drawn evenly from those that have some, in a random order."""
        storm, most = self.storm, self.storm.at_once_per_server
        busy = self._transfers()
        for volume in self.generator.permutation(heard).tolist():
            if self.limited and most and busy[self.source[volume]] >= most:
                continue
            room = self.free > 0
            if self.limited and most:
                room &= busy < most
            room[self.source[volume]] = False
            servers = np.flatnonzero(room)
            if not len(servers):
                if not self.free.any():
                    return
                continue
            target = int(servers[int(self.generator.random() * len(servers))])
            self.target[volume] = target
            self.left_gib[volume] = storm.size_gib
            self.free[target] -= 1
            busy[target] += 1
            busy[self.source[volume]] += 1

    def _back_off(self, refused: np.ndarray, at: int) -> None:
        self.wait[refused] = np.minimum(self.wait[refused] * 2, self.storm.backoff_most_seconds)
        jitter = 0.5 + self.generator.random(len(refused)) / 2
        self.due[refused] = at + np.maximum(1, np.ceil(self.wait[refused] * jitter / _SECONDS)).astype(np.int64)

    def _copy(self) -> None:
        running = np.flatnonzero(~self.done & (self.target >= 0))
        if not len(running):
            return
        shared = np.maximum(self._transfers(), 1)
        most = np.maximum(shared[self.source[running]], shared[self.target[running]])
        self.left_gib[running] -= self.storm.gib_per_hour * STEP_HOURS / most
        ended = running[self.left_gib[running] <= 1e-9]  # noqa: PLR2004  # rounding
        self.done[ended] = True
        np.add.at(self.free, self.old[ended], 1)

    def _transfers(self) -> np.ndarray:
        running = ~self.done & (self.target >= 0)
        servers = len(self.free)
        return np.bincount(self.source[running], minlength=servers) + np.bincount(
            self.target[running], minlength=servers
        )


def room(storm: Storm) -> tuple[int, int]:
    """The room for copies in the zone, and how much of it is free when it begins."""
    total = ceil(2 * storm.volumes / storm.fill)
    return total, total - 2 * storm.volumes


def storm(rules: Storm, regime: Regime, random: Random) -> dict[str, Any]:
    """What becomes of the zone, minute by minute, and in sum."""
    generator = np.random.Generator(np.random.PCG64(random.getrandbits(64)))
    total, _ = room(rules)
    slots = generator.permutation(np.arange(total) % rules.servers)
    used = slots[: 2 * rules.volumes].reshape(-1, 2)
    struck = used[: round(rules.share * rules.volumes)]
    count = len(struck)
    free = np.bincount(slots, minlength=rules.servers) - np.bincount(used.ravel(), minlength=rules.servers)
    run = _Run(
        storm=rules, regime=regime, source=struck[:, 0], target=np.full(count, -1), left_gib=np.zeros(count),
        due=np.zeros(count, dtype=np.int64), wait=np.ones(count), done=np.zeros(count, dtype=np.bool_), free=free,
        old=struck[:, 1], generator=generator,
    )  # fmt: skip
    for at in range(max(1, round(rules.hours / STEP_HOURS))):
        run.minute(at)
    mirrored = [row["hour"] for row in run.rows if row["not_mirrored"] == 0]
    return {
        "struck": count,
        "most_requests_per_second": max(row["requests_per_second"] for row in run.rows),
        "least_api_answered": min(row["api_answered"] for row in run.rows),
        "hours_with_api_below_99": sum(row["api_answered"] < 0.99 for row in run.rows) * STEP_HOURS,  # noqa: PLR2004
        "most_without_room": max(row["without_room"] for row in run.rows),
        "least_free": min(row["free"] for row in run.rows),
        "mirrored_after_hours": mirrored[0] if mirrored else None,
        "series": run.rows[:: max(1, len(run.rows) // 240)],
    }
