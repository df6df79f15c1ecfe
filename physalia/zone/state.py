"""The zone at one moment: what has failed, who serves which volume, and how each of them stands.

A volume is mirrored, or solo: served by one copy alone, since the other was lost. Whatever changes that is one
conditional write of the volume's record, which is made only if a copy that the instance reaches reaches a majority of
the cell.
"""

from collections import Counter
from collections.abc import Iterable
from enum import IntEnum

import numpy as np
from attrs import define, field

from physalia.blast_radius.fates import Bools, Seen
from physalia.blast_radius.network import Fabric, Network
from physalia.fleet.fleet import Fleet, Servers
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Ints, Site
from physalia.zone.standing import Standing, standing

PRIMARY, REPLICA = 1, 2


class Condition(IntEnum):
    """How a volume fares, each by itself."""

    WHOLE = 0
    """Both copies are written."""
    SOLO = 1
    """One copy serves alone."""
    BLAST = 2
    """It waits for the configuration store alone."""
    CUT = 3
    """The instance is up and reaches no copy that it could use: lost whatever the store does."""
    DOWN = 4
    """The instance itself is down."""


@define(eq=False)
class State:
    """Volumes and cells as arrays, a row for each volume; ``old`` is the copy that a solo volume has lost."""

    site: Site
    network: Network
    clients: Servers
    cells: Servers
    now: float = 0.0
    solo: Bools = field(init=False)
    old: Servers = field(init=False)
    epoch: Ints = field(init=False)
    condition: Ints = field(init=False)
    unserved: Bools = field(init=False)
    hours: np.ndarray = field(init=False)
    unserved_hours: float = 0.0
    writes: int = 0
    writes_in_minute: Counter[int] = field(factory=Counter)
    entered_blast: int = 0
    failed: Counter[str] = field(factory=Counter)
    dead: Bools = field(init=False)
    """The servers that failed themselves; those without power are in the fabric."""
    fabric: Fabric = field(init=False)
    at: Standing = field(init=False)

    def __attrs_post_init__(self) -> None:
        count = len(self.clients)
        self.solo = np.zeros(count, dtype=np.bool_)
        self.old = np.full(count, NOBODY, dtype=np.int32)
        self.epoch = np.zeros(count, dtype=np.int64)
        self.condition = np.zeros(count, dtype=np.int64)
        self.unserved = np.zeros(count, dtype=np.bool_)
        self.hours = np.zeros(len(Condition))
        self.dead = np.zeros(len(self.site.names), dtype=np.bool_)
        self.fabric = self.network.base
        self.at = standing(self._seen(np.arange(count)))

    @classmethod
    def of(cls, site: Site, network: Network, fleet: Fleet) -> "State":
        """The zone as it begins: nothing has failed, and every volume of the fleet is mirrored."""
        return cls(site, network, fleet.clients.copy(), fleet.cells.copy())

    def pass_to(self, hour: float) -> None:
        """Let time go by, in which nothing changes."""
        self.hours += np.bincount(self.condition, minlength=len(Condition)) * (hour - self.now)
        self.unserved_hours += int(self.unserved.sum()) * (hour - self.now)
        self.now = hour

    def change(self, fail: Iterable[str], back: Iterable[str]) -> Ints:
        """Devices fail and others return; the rows that this may concern."""
        before = {name for name, times in self.failed.items() if times}
        self.failed.update(fail)
        self.failed.subtract(back)
        after = {name for name, times in self.failed.items() if times}
        differ = before ^ after
        servers = [self.site.number[name] for name in differ if name in self.site.number]
        self.dead[servers] = [self.site.names[one] in after for one in servers]
        if len(servers) < len(differ):
            self.fabric = self.network.without(sorted(name for name in after if name not in self.site.number))
            return np.arange(len(self.clients))
        return self.rows_on(servers)

    def rows_on(self, servers: Iterable[int]) -> Ints:
        """The volumes that have anything on these servers."""
        known = list(servers)
        found = np.isin(self.clients, known).any(axis=1) | np.isin(self.cells, known).any(axis=1)
        return np.flatnonzero(found | np.isin(self.old, known))

    @property
    def fleet(self) -> Fleet:
        """The volumes and cells as they are now, as a fleet; the arrays are shared."""
        return Fleet(self.clients, self.cells)

    def lives(self, server: int) -> bool:
        """Whether a server is up and has power."""
        return not self.dead[server] and bool(self.fabric.lit[self.site.stand_of[server]])

    def reaches(self, one: int, other: int) -> bool:
        """Whether two servers reach each other."""
        if not (self.lives(one) and self.lives(other)):
            return False
        mine, theirs = (self.fabric.pieces[self.site.stand_of[server]] for server in (one, other))
        return one == other or bool(set(mine[mine >= 0].tolist()) & set(theirs[theirs >= 0].tolist()))

    def look(self, rows: Ints) -> None:
        """Find out anew where these volumes stand, and how they fare."""
        if not len(rows):
            return
        found = standing(self._seen(rows))
        for name in ("up", "primary", "replica", "joined", "primary_asks", "replica_asks"):
            getattr(self.at, name)[rows] = getattr(found, name)
        self._judge(rows, found)

    def wrote(self, rows: Ints) -> None:
        """The records of these volumes changed: a new epoch, one write each."""
        self.epoch[rows] += 1
        self.writes += len(rows)
        if len(rows):
            self.writes_in_minute[int(self.now * 60)] += len(rows)

    def _judge(self, rows: Ints, at: Standing) -> None:
        solo = self.solo[rows]
        useful = at.primary | (at.replica & ~solo)
        whole = at.primary & at.joined & ~solo
        asks = (at.primary & at.primary_asks) | (at.replica & at.replica_asks & ~solo)
        fares = np.select(
            [~at.up, whole, ~useful, solo, asks],
            [Condition.DOWN, Condition.WHOLE, Condition.CUT, Condition.SOLO, Condition.SOLO],
            Condition.BLAST,
        )
        self.entered_blast += int(((fares == Condition.BLAST) & (self.condition[rows] != Condition.BLAST)).sum())
        self.condition[rows] = fares
        self.unserved[rows] = at.up & useful & ~asks

    def _seen(self, rows: Ints) -> Seen:
        clients = self.clients[rows].copy()
        solo = self.solo[rows]
        clients[solo, REPLICA] = self.old[rows][solo]
        fleet = Fleet(clients, self.cells[rows])
        seen = Seen.of(self.site, self.fabric, fleet, np.arange(len(rows)))
        dead = (seen.servers != NOBODY) & self.dead[seen.servers]
        return seen.without_servers(dead) if dead.any() else seen
