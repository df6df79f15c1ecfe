"""Cells placed one after the other, each under every rule, against those that are there already.

A cell is put near its instance first: where all its nodes are within the hops of the nearest tier that has room, and in
it at the stands where a node adds least spread, then least hops, then where most room is left. Where limits nest, as
they do on most sites, that order finds the best of a tier. Each server that is taken tells which cells share how many
with the new one; of a cell that shares all that it may, every other server is barred. So the rule on overlap holds at
every step, and never has to be repaired.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from random import Random

import numpy as np
from attrs import define, field

from physalia.fleet.rules import CLIENTS, NOBODY, Least, Limit, Rules, Volume
from physalia.fleet.sites import UNREACHED, Site
from physalia.placement.rules.policy import Client

MOST_STANDS = 64
"""In a tier with more stands than this only those with most room are looked at."""

PRICE, DEAR = 40.0, 1000.0
"""What a domain that is full costs more than one that is empty, in pairs of nodes that meet; and at the end, when all
that is left must be used."""

MOST_TRIES = 200
"""So often a random cell is drawn for a volume before it is said that there is none."""


@define(eq=False)
class Placer:
    """What is held where, and the next place for a volume. ``within`` are the stands that it may use; all if None."""

    site: Site
    rules: Rules
    within: frozenset[int] | None = None
    room: list[int] = field(init=False)
    """How many nodes each server may still take."""
    on: list[set[int]] = field(init=False)
    """The cells that each server holds a node of; those of the topology have numbers below 0."""
    stock: list[dict[int, list[int]]] = field(init=False)
    """For each colour, the servers of each stand. One colour if cells may mix them."""
    left: list[dict[int, int]] = field(init=False)
    """For each colour, how many nodes each stand may still take. A server that holds too much counts for none."""
    taken: list[float] = field(init=False)
    """For each limit of the rules, the share of what its stands may take that is taken."""
    _weight: list[float] = field(init=False)
    inside: list[int] = field(init=False)
    """The stands that it may use, in order."""
    _ways: dict[tuple[Client, int], list[int]] = field(factory=dict, init=False)
    _seats: dict[int, tuple[int, int]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        site = self.site
        self.room = site.room.tolist()
        self.on = [set() for _ in site.names]
        colors = len(site.topology.colors) if self.rules.policy.one_color else 1
        self.stock, self.left = [{} for _ in range(colors)], [{} for _ in range(colors)]
        self.inside = list(range(len(site.stands))) if self.within is None else sorted(self.within)
        color_of = site.color_of.tolist()
        for stand in self.inside:
            for server in site.members[stand]:
                own = color_of[server] if colors > 1 else 0
                self._seats[server] = (own, stand)
                self.stock[own].setdefault(stand, []).append(server)
                self.left[own][stand] = self.left[own].get(stand, 0) + self.room[server]
        rooms = [sum(left.get(stand, 0) for left in self.left for stand in limit.stands) for limit in self.rules.limits]
        self.taken, self._weight = [0.0] * len(rooms), [1.0 / room if room else 0.0 for room in rooms]
        for at, cell in enumerate(site.topology.cells.values(), start=1):
            for name in cell.servers:
                self.on[site.number[name]].add(-at)

    def add(self, cell: int, servers: Iterable[int]) -> None:
        """A cell is on these servers now."""
        for server in servers:
            self.room[server] -= 1
            self.on[server].add(cell)
            color, stand = self._seats[server]
            if self.room[server] >= 0:
                self.left[color][stand] -= 1
            for at in self.rules.limits_at[stand]:
                self.taken[at] += self._weight[at]

    def remove(self, cell: int, servers: Iterable[int]) -> None:
        """A cell is on these servers no longer."""
        for server in servers:
            self.room[server] += 1
            self.on[server].discard(cell)
            color, stand = self._seats[server]
            if self.room[server] > 0:
                self.left[color][stand] += 1
            for at in self.rules.limits_at[stand]:
                self.taken[at] -= self._weight[at]

    def color_of(self, server: int) -> int:
        """The colour under which a server is kept: one for all where cells may mix them."""
        return self._seats[server][0]

    def colors_of(self, servers: Collection[int]) -> Collection[int]:
        """The colours of which a cell on these servers can be after moves, each of one node: its own.

        A cell of one node never mixes two, and one that has none is free too.
        """
        if len(servers) < 2:  # noqa: PLR2004
            return range(len(self.stock))
        return {self.color_of(one) for one in servers}

    def stand_of(self, server: int) -> int:
        """The stand of a server."""
        return self._seats[server][1]

    def price(self, stand: int) -> float:
        """How scarce room is around a stand: the shares that are taken of the domains that it is in."""
        return sum(map(self.taken.__getitem__, self.rules.limits_at[stand]))

    def place(self, volume: Volume) -> tuple[int, ...] | None:
        """The servers of a new cell, which keep every rule; None if none were found. Nothing is taken yet."""
        own = int(self.site.stand_of[volume[0]])
        for tier in self._tiers_of(volume):
            reached = [stand for stand, _ in tier]
            colors = sorted(
                range(len(self.stock)),
                key=lambda color: (
                    -self.left[color].get(own, 0),
                    -sum(self.left[color].get(stand, 0) for stand in reached),
                ),
            )
            for color in colors:
                found = _Choice(self, volume, color, tier).run()
                if found is not None:
                    return found
        for tier in self._tiers_of(volume):  # what is left lies unevenly: take it where most of it is
            for color in range(len(self.stock)):
                found = _Choice(self, volume, color, tier, room_first=True).run()
                if found is not None:
                    return found
        return None

    def completed(self, volume: Volume, kept: Sequence[int], besides: Collection[int]) -> tuple[int, ...] | None:
        """A cell of this volume that keeps the nodes it has and gets the missing ones; None if none was found.

        ``besides`` is the cell itself, where it is known already: then its own nodes do not count for the overlap.
        """
        if not kept:
            return self.place(volume)
        color = self.color_of(kept[0])
        for room_first in (False, True):
            for tier in self._tiers_of(volume):
                found = _Choice(self, volume, color, tier, room_first, frozenset(besides)).run(kept)
                if found is not None and self.allows(volume, found, besides):
                    return found
        return None

    def by_chance(self, volume: Volume, random: Random) -> tuple[int, ...] | None:
        """A random cell that keeps every rule, wherever on the site it is; None if none was drawn."""
        size = self.rules.policy.cell_size
        near, barred = self.rules.near(volume), self.rules.barred(volume)
        for _ in range(MOST_TRIES):
            color = random.randrange(len(self.stock))
            stands = [stand for stand in self.stock[color] if self.left[color][stand] > 0 and near[stand]]
            servers = [
                server for stand in random.sample(stands, min(size, len(stands)))
                for server in random.sample(self.stock[color][stand], 1)
                if self.room[server] > 0 and server not in barred
            ]  # fmt: skip
            if len(servers) == size and self.keeps(volume, servers):
                return tuple(servers)
        return None

    def allows(self, volume: Volume, servers: Sequence[int], besides: Collection[int] = ()) -> bool:
        """Whether a cell of this volume may be on these servers by every rule, but that they have room."""
        near = self.rules.near(volume)
        return (
            self.rules.barred(volume).isdisjoint(servers)
            and all(near[self.stand_of(one)] for one in servers)
            and len({self.color_of(one) for one in servers}) == 1
            and self.keeps(volume, servers, besides)
        )

    def keeps(self, volume: Volume, servers: Sequence[int], besides: Collection[int] = ()) -> bool:
        """Whether a cell on these servers keeps the limits, the minimum counts and the rule on overlap.

        ``besides`` are cells that do not count for the overlap: the cell itself, where it has a place already.
        """
        stands = [self._seats[server][1] for server in servers]
        used = Counter(at for stand in stands for at in self.rules.limits_at[stand])
        if any(count > self.rules.limits[at].most for at, count in used.items()):
            return False
        more: list[Limit | Least] = [*self.rules.cuts(volume), *self.rules.leasts(volume)]
        for one in more:
            count = sum(stand in one.stands for stand in stands)
            if count > one.most if isinstance(one, Limit) else count < one.least:
                return False
        most = self.rules.most_shared
        if most is None:
            return True
        shared = Counter[int]()
        for server in servers:
            shared.update(self.on[server])
        return all(count <= most or cell in besides for cell, count in shared.items())

    def _tiers_of(self, volume: Volume) -> Iterator[list[tuple[int, int]]]:
        """The stands with room within each number of hops of the clients, with their sums of hops; nearest first."""
        ways = [
            self._way(client, int(self.site.stand_of[server]))
            for client, server in zip(CLIENTS, volume, strict=True)
            if server != NOBODY
        ]
        by_worst: dict[int, list[tuple[int, int]]] = {}
        for stand, hops in zip(self.inside, zip(*ways, strict=True), strict=True):
            if UNREACHED not in hops:
                by_worst.setdefault(max(hops), []).append((stand, sum(hops)))
        tier: list[tuple[int, int]] = []
        for worst in sorted(by_worst):
            tier = tier + by_worst[worst]
            if len(tier) <= MOST_STANDS:
                yield tier
            else:
                order = sorted(tier, key=lambda one: -max(left.get(one[0], 0) for left in self.left))
                yield order[:MOST_STANDS]

    def _way(self, client: Client, stand: int) -> list[int]:
        """The hops from a client to each stand inside; `UNREACHED` too where it is farther than it may be."""
        known = self._ways.get((client, stand))
        if known is None:
            hops = np.where(self.rules.near_client(client, stand), self.site.hops(stand), UNREACHED)
            known = self._ways[client, stand] = hops[self.inside].tolist()
        return known


@define(eq=False)
class _Choice:
    """The choice of one cell of one colour within one tier."""

    placer: Placer
    volume: Volume
    color: int
    tier: list[tuple[int, int]]
    room_first: bool = False
    besides: frozenset[int] = frozenset()
    shared: Counter[int] = field(factory=Counter, init=False)
    full: set[int] = field(factory=set, init=False)
    """The cells that share as many servers with this one as they may."""

    def run(self, kept: Sequence[int] = ()) -> tuple[int, ...] | None:
        """The servers, those that are kept first; or None."""
        placer, rules = self.placer, self.placer.rules
        left = placer.left[self.color]
        stands = [(stand, hops) for stand, hops in self.tier if left.get(stand, 0) > 0]
        size = rules.policy.cell_size
        if sum(left[stand] for stand, _ in stands) < size - len(kept):
            return None
        own_spread = set(rules.spread_at[int(placer.site.stand_of[self.volume[0]])])
        limits_at, most = rules.limits_of(self.volume)
        weight = DEAR if self.room_first else PRICE
        prices = {stand: weight * placer.price(stand) for stand, _ in stands}
        used, spread = dict[int, int](), dict[int, int]()
        barred, chosen = set(rules.barred(self.volume)), list[int]()
        wanted = list(rules.leasts(self.volume))

        def take(server: int, stand: int) -> None:
            chosen.append(server)
            barred.add(server)
            for at in limits_at[stand]:
                used[at] = used.get(at, 0) + 1
            for at in rules.spread_at[stand]:
                if at not in own_spread:
                    spread[at] = spread.get(at, 0) + 1
            self._share(server)

        for server in kept:
            take(server, placer.stand_of(server))
        while len(chosen) < size:
            forced = self._forced(wanted, chosen)
            best, best_key = -1, _WORST
            for stand, hops in stands:
                if forced is not None and stand not in forced:
                    continue
                if any(used.get(at, 0) >= most[at] for at in limits_at[stand]):
                    continue
                key = (sum(spread.get(at, 0) for at in rules.spread_at[stand]) + prices[stand], hops, -left[stand])
                if key < best_key:
                    best, best_key = stand, key
            if best < 0:
                return None
            found = self._server(best, barred)
            if found is None:
                stands = [one for one in stands if one[0] != best]
            else:
                take(found, best)
        return tuple(chosen) if self._forced(wanted, chosen) is None else None

    def _forced(self, wanted: list[Least], chosen: list[int]) -> frozenset[int] | None:
        """The stands that the next node must be at for a minimum count; None if it is free."""
        for least in wanted:
            if sum(int(self.placer.site.stand_of[server]) in least.stands for server in chosen) < least.least:
                return least.stands
        return None

    def _server(self, stand: int, barred: set[int]) -> int | None:
        """The server of a stand with most room, of those that no rule bars."""
        room, on, full = self.placer.room, self.placer.on, self.full
        best, most = None, 0
        alone = self.placer.rules.most_shared == 0
        for server in self.placer.stock[self.color][stand]:
            if room[server] > most and server not in barred and full.isdisjoint(on[server]):
                if alone and on[server] - self.besides:
                    continue
                best, most = server, room[server]
        return best

    def _share(self, server: int) -> None:
        most = self.placer.rules.most_shared
        if most is None:
            return
        on = self.placer.on[server] - self.besides if self.besides else self.placer.on[server]
        self.shared.update(on)
        self.full.update(cell for cell in on if self.shared[cell] >= most)


_WORST = (float(1 << 62), 1 << 62, 1 << 62)
