"""How many volumes are lost to expect at any moment, and which devices have most part in it.

Devices fail independently, each for its share of time. The probability of each set of failures is taken to second
order: with one device down, and with two. What takes three failures at once is not in it.

The sum over pairs is exact. A pair adds what it harms beyond what each of both does alone: of the fabric, set by set;
with a server or a link of one, volume by volume, since servers do not forward.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, islice
from math import comb

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from physalia.blast_radius.fates import Fates, Seen, fates
from physalia.blast_radius.figures import GRAY, HEAT, MAINTENANCE, Event, down
from physalia.blast_radius.side import Side
from physalia.blast_radius.singles import Volumes
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.placement.effort import Effort

SAMPLE = 2_000
"""Of more volumes than this, so many are looked at, evenly over the fleet, and stand for all."""
BATCH = 65_536

Lost = NDArray[np.float64]
"""Volumes unserved, and volumes in blast."""


@frozen(kw_only=True)
class Struck:
    """How many volumes an event leaves unserved, and in blast: in the mean over what it may strike, and at worst.

    Heat strikes everything; its mean is over the time until all is off, and its worst the worst moment of that.
    """

    event: Event
    mean: tuple[float, float]
    worst: tuple[float, float]


@frozen(kw_only=True)
class Expectation:
    """What to expect of the volumes of a fleet; numbers of volumes, unserved and in blast."""

    at_any_moment: tuple[float, float]
    struck: tuple[Struck, ...]
    first: tuple[tuple[str, float], ...]
    """Devices, and how many fewer volumes would be unserved at any moment if that never failed; the greatest first."""
    looked_at: int
    """How many volumes were looked at; they stand for all."""


def expectation(volumes: Volumes, effort: Effort, sample: int = SAMPLE) -> Expectation:
    """What to expect, by the figures of the topology and those of `figures`. OutOfTime."""
    rows = volumes.rows
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(sample, len(rows))).astype(np.int64))]
    fleet = Fleet(volumes.fleet.clients[chosen], volumes.fleet.cells[chosen])
    sums = _Sums(Volumes(volumes.site, fleet))
    sums.run(effort)
    scale = len(rows) / len(chosen)
    topology = volumes.site.topology
    switches = [name for name, one in topology.switches.items() if one.tier != "rack"]
    struck = [sums.struck(GRAY, list(topology.racks), scale), sums.struck(MAINTENANCE, switches, scale)]
    parts = sorted(((float(part[0]) * scale, device) for device, part in sums.part.items()), reverse=True)
    return Expectation(
        at_any_moment=_pair(sums.total * scale),
        struck=(*(one for one in struck if one is not None), heat(fleet, len(rows))),
        first=tuple((device, part) for part, device in parts if part > 0),
        looked_at=len(chosen),
    )


def _pair(lost: Lost) -> tuple[float, float]:
    return float(lost[0]), float(lost[1])


@define(eq=False)
class _Sums:
    """Sums over single devices and pairs. ``given`` is what to expect when a device of the fabric is down for sure."""

    volumes: Volumes
    total: Lost = field(factory=lambda: np.zeros(2), init=False)
    part: dict[str, Lost] = field(factory=dict, init=False)
    given: dict[str, Lost] = field(factory=dict, init=False)
    _down: dict[str, float] = field(factory=dict, init=False)

    def run(self, effort: Effort) -> None:
        topology = self.volumes.site.topology
        fabric = list(self.volumes.network.devices())
        own = [one for name in topology.servers for one in (name, *(link for link, _ in topology.links_of(name)))]
        self._down = {device: down(topology, device) for device in (*fabric, *own)}
        self._fabric(fabric, effort)
        self._servers(fabric, effort)

    def _fabric(self, fabric: Sequence[str], effort: Effort) -> None:
        """Devices of the fabric, alone and two by two."""
        side, share = Side(self.volumes, fabric), np.array([self._down[one] for one in fabric])
        alone = side.counts(np.arange(len(fabric)).reshape(-1, 1)).astype(np.float64)
        parts, given = share[:, None] * alone, alone.copy()
        every = combinations(range(len(fabric)), 2)
        while few := list(islice(every, BATCH)):  # all at once are more than the memory holds on a large site
            effort.spend("pairs")
            some = np.array(few, dtype=np.int64)
            more = side.counts(some) - alone[some[:, 0]] - alone[some[:, 1]]
            likely = (share[some[:, 0]] * share[some[:, 1]])[:, None] * more
            self.total += likely.sum(axis=0)
            for column in range(2):
                np.add.at(parts, some[:, column], likely)
                np.add.at(given, some[:, column], share[some[:, 1 - column]][:, None] * more)
        self.total += (share[:, None] * alone).sum(axis=0)
        given += (share[:, None] * alone).sum(axis=0) - share[:, None] * alone
        self.part.update(zip(fabric, parts, strict=True))
        self.given.update(zip(fabric, given, strict=True))

    def _servers(self, fabric: Sequence[str], effort: Effort) -> None:
        """Servers and their links: alone, beside each other, and beside a device of the fabric."""
        volumes = self.volumes
        slots = _Slots(Seen.of(volumes.site, volumes.network.base, volumes.fleet, volumes.rows), volumes, self._down)
        alone = slots.harm(slots.seen)
        self._note(slots, alone, 1.0, [*self.given])
        for at, after in enumerate(slots.lost(slots.seen)):
            effort.spend("servers")
            more = slots.harm(after) - alone[at] - alone
            more[: at + 1] = 0  # each two once
            more *= slots.share[at][None, :, None]
            self._note(slots, more, 1.0, ())
            self._add(slots.names[at], (slots.share[:, :, None] * more).sum(axis=0))
        for device in fabric:
            effort.spend("devices")
            left = volumes.network.alone(device)
            rows = volumes.at(volumes.changed(left))
            if len(rows):
                known = alone[:, np.searchsorted(volumes.rows, rows)]
                seen = Seen.of(volumes.site, left, volumes.fleet, rows)
                near = _Slots(seen, volumes, self._down)
                more = near.harm(seen) - _harm(fates(seen)) - known
                found = self._note(near, more, self._down[device], ())
                self.part[device] += found * self._down[device]
                self.given[device] += found

    def _note(self, slots: "_Slots", harm: Lost, share: float, given: Collection[str]) -> Lost:
        """Add what harm each server and link does; how much that is together, without the share."""
        likely = slots.share[:, :, None] * harm
        for names, found in zip(slots.names, likely, strict=True):
            self._add(names, found * share)
        together: Lost = likely.sum(axis=(0, 1))
        self.total += together * share
        for device in given:
            self.given[device] += together
        return together

    def _add(self, names: Sequence[str], lost: Lost) -> None:
        for name, found in zip(names, lost, strict=True):
            if found.any():
                self.part[name] = self.part.get(name, np.zeros(2)) + found

    def struck(self, event: Event, devices: Sequence[str], scale: float) -> Struck | None:
        """What an event does that strikes one of these devices."""
        if not devices:
            return None
        found = np.array([self.given[one] for one in devices]) * scale
        return Struck(event=event, mean=_pair(found.mean(axis=0)), worst=_pair(found.max(axis=0)))


@define(eq=False)
class _Slots:
    """For each place of a volume its server, and each link of it: what they are called, and their shares of time."""

    seen: Seen
    volumes: Volumes
    down: Mapping[str, float]
    names: list[list[str]] = field(factory=list, init=False)
    share: NDArray[np.float64] = field(init=False)

    def __attrs_post_init__(self) -> None:
        site, ways = self.volumes.site, self.seen.pieces.shape[2]
        calls = [["", *([""] * ways)] for _ in range(len(site.names) + 1)]
        for at, name in enumerate(site.names):
            own = [name, *(link for link, _ in site.topology.links_of(name))]
            calls[at][: len(own)] = own
        for place in range(self.seen.servers.shape[1]):
            server = self.seen.servers[:, place]
            first = (server != NOBODY) & ((self.seen.servers == server[:, None]).argmax(axis=1) == place)
            known = np.where(first, server, NOBODY).tolist()
            self.names += [[calls[one][kind] for one in known] for kind in range(1 + ways)]
        self.share = np.array([[self.down.get(name, 0.0) for name in names] for names in self.names])

    def lost(self, seen: Seen) -> Iterator[Seen]:
        """What is left without each of them."""
        for place in range(seen.servers.shape[1]):
            hit = seen.servers == seen.servers[:, place, None]
            yield seen.without_servers(hit)
            for which in range(seen.pieces.shape[2]):
                yield seen.without_links(hit, which)

    def harm(self, seen: Seen) -> Lost:
        """Who is unserved, and who in blast, without each of them: by slot, and by volume."""
        return np.stack([_harm(fates(after)) for after in self.lost(seen)])


def _harm(found: Fates) -> Lost:
    return np.stack([found.unserved, found.blast], axis=1).astype(np.float64)


def heat(fleet: Fleet, volumes: int, moments: int = 1_000) -> Struck:
    """While servers go off one after the other, in any order: as if the servers of a volume were all different ones.

    So a fleet and one database for all have the same expectation: all cells are as likely lost as the one is.
    """
    on = np.linspace(0.0, 1.0, moments + 1)
    size = fleet.cells.shape[1]
    most = size // 2
    minority = sum(comb(size, alive) * on**alive * (1 - on) ** (size - alive) for alive in range(most + 1))
    alone = float((fleet.clients[:, 2] == NOBODY).mean())
    some_copy = alone * on + (1 - alone) * (1 - (1 - on) ** 2)
    whole = alone * on + (1 - alone) * on**2
    lost = volumes * np.stack([on * some_copy * minority, on * (some_copy - whole) * minority])
    return Struck(event=HEAT, mean=_pair(lost.mean(axis=1)), worst=_pair(lost.max(axis=1)))
