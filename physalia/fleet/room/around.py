"""Every cell of a volume around some of its nodes: for cells that lack nodes, which are put and not moved."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from attrs import define, field

from physalia.fleet.placer import Placer
from physalia.fleet.rules import CLIENTS, NOBODY, Volume
from physalia.placement.effort import Effort

LOOKS_OF_A_CELL = 100
"""A whole cell, which is judged, costs as much as so many looks."""


@define(eq=False)
class Others:
    """Every cell of a volume around some of its nodes, for as long as there are looks left; ``cut`` if there are none.

    Servers of one stand are one here that share the same cells, of those of which too many servers might be shared.
    """

    placer: Placer
    volume: Volume
    cell: int
    old: frozenset[int]
    effort: Effort
    looks: int
    cut: bool = field(default=False, init=False)

    def around(self, kept: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """The cells that keep these nodes and every rule, the nearest first; one of those that differ in nothing."""
        placer = self.placer
        if len({placer.color_of(one) for one in kept}) > 1:
            return
        whole = len(self.old) == placer.rules.policy.cell_size
        for color in {placer.color_of(one) for one in kept} or placer.colors_of(self.old if whole else ()):
            yield from self._of_color(color, kept)

    def _of_color(self, color: int, kept: Sequence[int]) -> Iterator[tuple[int, ...]]:
        placer, rules = self.placer, self.placer.rules
        missing = rules.policy.cell_size - len(kept)
        near, barred = rules.near(self.volume), rules.barred(self.volume) | set(kept)
        free = [
            server
            for stand, servers in placer.stock[color].items() if near[stand]
            for server in servers if placer.room[server] > 0 and server not in barred
        ]  # fmt: skip
        groups: dict[tuple[int, frozenset[int]], list[int]] = {}
        tight = self._tight(free, missing)
        for server in free:
            groups.setdefault((placer.stand_of(server), tight.intersection(placer.on[server])), []).append(server)
        hops = [
            placer.site.hops(int(placer.site.stand_of[client]))
            for client, _ in zip(self.volume, CLIENTS, strict=True) if client != NOBODY
        ]  # fmt: skip
        order = sorted(groups, key=lambda one: (max(way[one[0]] for way in hops), sum(way[one[0]] for way in hops)))
        limits_at, most = rules.limits_of(self.volume)
        used = Counter(at for server in kept for at in limits_at[placer.stand_of(server)])
        shared = Counter(one for server in kept for one in tight.intersection(placer.on[server]))
        most_shared = len(self.old) + missing if rules.most_shared is None else rules.most_shared
        chosen = list[int]()

        def more(first: int) -> Iterator[tuple[int, ...]]:
            if len(chosen) == missing:
                if placer.allows(self.volume, [*kept, *chosen], (self.cell,)):
                    self.looks -= LOOKS_OF_A_CELL
                    yield (*kept, *chosen)
                return
            for at in range(first, len(order)):
                if self.looks <= 0:
                    self.cut = True
                    return
                self.looks -= 1
                stand, cells = order[at]
                if any(used[one] >= most[one] for one in limits_at[stand]):
                    continue
                if any(shared[one] >= most_shared for one in cells):
                    continue
                left = [server for server in groups[order[at]] if server not in chosen]
                if not left:
                    continue
                self.effort.spend("servers")
                chosen.append(left[0])
                used.update(limits_at[stand])
                shared.update(cells)
                yield from more(at)
                chosen.pop()
                used.subtract(limits_at[stand])
                shared.subtract(cells)

        yield from more(0)

    def _tight(self, free: Collection[int], missing: int) -> frozenset[int]:
        """The cells that might come to share too many servers, here or on the way here."""
        most, on = self.placer.rules.most_shared, self.placer.on
        if most is None:
            return frozenset()
        there = Counter(cell for server in self.old for cell in on[server])
        new = Counter(cell for server in free for cell in on[server])
        return frozenset(one for one in new if there[one] + min(missing, new[one]) > most and one != self.cell)
