"""Servers are to be emptied: which cells suffer, and where their nodes go with the fewest moves.

A cell that has k nodes on such servers needs k moves at least. It keeps its other nodes if there is a legal cell around
them that k moves lead to, and every placement on the way keeps the rules, but that it may still be on what is emptied.
The placer's choice is tried first, then every cell around the other nodes, then around all but one of them. So it is
known where there is none, unless there are more to look at than are looked at.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal

import numpy as np
from attrs import define, evolve, field, frozen

from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from physalia.fleet.moves import Plan, State, Step, plan, straight
from physalia.fleet.placer import Placer
from physalia.fleet.rules import CLIENTS, NOBODY, Rules, Volume
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort

Outcome = Literal["moved", "stuck", "unknown"]

MOST_LOOKS = 50_000
"""So often a server is looked at as a cell's next one before it is said that no place was found for the cell."""

LOOKS_OF_A_CELL = 100
"""A whole cell, to which a way is searched, costs as much as so many looks."""

MOST_ROUNDABOUT = 3
"""To so many cells that no straight way leads to a longer one is searched."""


@frozen(kw_only=True)
class Moved:
    """What becomes of one cell: its way, or why it stays. ``lost`` are its nodes on servers that are emptied.

    ``exhausted`` says that every cell was looked at that keeps all of its other nodes, or all but one.
    """

    cell: int
    lost: tuple[int, ...]
    to: tuple[int, ...]
    plan: Plan | None
    exhausted: bool = False

    @property
    def outcome(self) -> Outcome:
        """Whether a way was found; if not, whether it is known that there is none."""
        if self.plan is not None and self.plan.steps is not None:
            return "moved"
        return "stuck" if self.exhausted else "unknown"


def emptied(site: Site, device: str) -> frozenset[int]:
    """The servers that go with a device: itself, those of a rack, of the racks that it alone keeps lit, of a switch.

    BadFleet if there is no such device, or if no server depends on it alone.
    """
    topology, number = site.topology, site.number
    if device in number:
        return frozenset({number[device]})
    if device in topology.racks:
        names = [one.name for one in topology.servers.values() if one.rack == device]
    elif device in topology.powers:
        names = [one.name for one in topology.servers.values() if device in topology.single_points(one.rack)]
    elif device in topology.switches:
        names = [one.name for one in topology.servers.values() if set(one.switches) == {device}]
    else:
        raise BadFleet(f"{topology.where}: there is no server, rack, switch or element of power called {device}.")
    if not names:
        raise BadFleet(f"{topology.where}: no server depends on {device} alone, so draining it moves nothing.")
    return frozenset(number[name] for name in names)


def without(site: Site, servers: Iterable[int]) -> Site:
    """The same site with these servers closed."""
    closed = site.closed.copy()
    closed[list(servers)] = True
    return evolve(site, closed=closed)


def repair(site: Site, rules: Rules, fleet: Fleet, effort: Effort) -> Iterator[Moved]:
    """Move every cell off the servers that are closed, cell by cell in order; the fleet is changed where it works.

    Nodes that are missing are put somewhere too. OutOfTime between cells.
    """
    placer = filled(site, rules, fleet)
    closed = frozenset(np.flatnonzero(site.closed).tolist())
    affected = ((fleet.cells == NOBODY) | np.isin(fleet.cells, list(closed))).any(axis=1)
    for cell in np.flatnonzero(affected).tolist():
        effort.spend("cells")
        yield _moved(placer, fleet, cell, closed, effort)


def _moved(placer: Placer, fleet: Fleet, cell: int, closed: frozenset[int], effort: Effort) -> Moved:
    old = [server for server in fleet.cells[cell].tolist() if server != NOBODY]
    kept = [server for server in old if server not in closed]
    lost = tuple(server for server in old if server in closed)
    volume = fleet.volume(cell)
    new: Sequence[int] | None = placer.completed(volume, kept, (cell,))
    others = _Others(placer, volume, cell, frozenset(old), effort)
    if len(old) < fleet.cells.shape[1]:  # it has no whole placement to move from: its nodes are put, not moved
        new = new or next(others.around(kept), None)
        way = None if new is None else _put(old, new)
    else:
        new, way = _way_off(placer, fleet, cell, kept, new, others)
    if new is None or way is None or way.steps is None:
        return Moved(cell=cell, lost=lost, to=(), plan=way, exhausted=way is None and not others.cut)
    placer.remove(cell, old)
    placer.add(cell, new)
    fleet.cells[cell] = new
    return Moved(cell=cell, lost=lost, to=tuple(new), plan=way)


def _put(old: Sequence[int], new: Sequence[int]) -> Plan:
    steps = tuple(Step(NOBODY, to) for to in new if to not in old)
    return Plan(steps=steps, differ=len(set(new) - set(old)), least=True, because="counted")


def _way_off(
    placer: Placer, fleet: Fleet, cell: int, kept: Sequence[int], chosen: Sequence[int] | None, others: "_Others"
) -> tuple[Sequence[int] | None, Plan | None]:
    """The fewest moves to any cell that keeps the other nodes, or all but one; none if there is no such cell.

    The straight ways to all of them before any that is longer. A way of one move more is shortest if all were tried.
    """
    old, legal = others.old, _legal(placer, fleet, cell)
    found: list[Sequence[int]] = []
    for new in chain(() if chosen is None else (chosen,), others.around(kept)):
        steps = straight(old, new, legal, others.effort)
        if steps is not None:
            return new, Plan(steps=steps, differ=len(steps), least=True, because="counted")
        found.append(new)
    tried_all = not others.cut
    for given_up in kept:
        for new in others.around([one for one in kept if one != given_up]):
            steps = straight(old, new, legal, others.effort)
            if steps is not None:
                because: Literal["exhausted", "unknown"] = "exhausted" if tried_all else "unknown"
                return new, Plan(steps=steps, differ=len(steps), least=tried_all, because=because)
            found.append(new)
    plans = [(new, way_to(placer, fleet, cell, new, others.effort)) for new in found[:MOST_ROUNDABOUT]]
    there = [(new, way) for new, way in plans if way.steps is not None]
    if not there:
        return None, plans[0][1] if plans else None
    new, way = min(there, key=lambda one: len(one[1].steps or ()))
    return new, evolve(way, least=False, because="unknown")


@define(eq=False)
class _Others:
    """Every cell of a volume around some of its nodes, for as long as there are looks left; ``cut`` if there are none.

    Servers of one stand are one here that share the same cells, of those of which too many servers might be shared.
    """

    placer: Placer
    volume: Volume
    cell: int
    old: frozenset[int]
    effort: Effort
    looks: int = field(init=False)
    cut: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.looks = MOST_LOOKS

    def around(self, kept: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """The cells that keep these nodes and every rule, the nearest first; one of those that differ in nothing."""
        placer = self.placer
        if len({placer.color_of(one) for one in kept}) > 1:
            return
        stays = kept or (self.old if len(self.old) == placer.rules.policy.cell_size else ())  # moving keeps the colour
        for color in {placer.color_of(one) for one in stays} or range(len(placer.stock)):
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
                if placer.keeps(self.volume, [*kept, *chosen], (self.cell,)):
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


def _legal(placer: Placer, fleet: Fleet, cell: int) -> Callable[[State], bool]:
    """Whether a cell may be on some servers while it moves, those aside that it is on."""
    volume, old = fleet.volume(cell), frozenset(fleet.cells[cell].tolist())
    near, barred = placer.rules.near(volume), placer.rules.barred(volume)

    def legal(state: State) -> bool:
        new_ones = state - old
        return (
            len({placer.color_of(one) for one in state}) == 1
            and all(placer.room[one] > 0 and one not in barred for one in new_ones)
            and all(near[placer.stand_of(one)] for one in state)
            and placer.keeps(volume, sorted(state), (cell,))
        )

    return legal


def way_to(placer: Placer, fleet: Fleet, cell: int, new: Sequence[int], effort: Effort) -> Plan:
    """The fewest moves of a cell to a placement, as the fleet stands."""
    old = fleet.cells[cell].tolist()
    others = sorted(
        (
            server
            for servers in placer.stock[placer.color_of(old[0])].values()
            for server in servers if placer.room[server] > 0
        ),
        key=lambda server: -placer.room[server],
    )  # fmt: skip
    return plan(old, new, _legal(placer, fleet, cell), others, effort)
