"""Servers are to be emptied: which cells suffer, and where their nodes go with the fewest moves.

A cell that has k nodes on such servers needs k moves at least. It keeps its other nodes if there is a legal cell around
them, and every placement on the way keeps the rules, but that it may still be on what is emptied.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
from attrs import evolve, frozen

from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from physalia.fleet.moves import Plan, Step, plan
from physalia.fleet.placer import Placer
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort

Outcome = Literal["moved", "stuck"]


@frozen(kw_only=True)
class Moved:
    """What becomes of one cell: its way, or why it stays. ``lost`` are its nodes on servers that are emptied."""

    cell: int
    lost: tuple[int, ...]
    to: tuple[int, ...]
    plan: Plan | None

    @property
    def outcome(self) -> Outcome:
        """Whether a way was found."""
        return "moved" if self.plan is not None and self.plan.steps is not None else "stuck"


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
    new = placer.completed(fleet.volume(cell), kept, (cell,))
    if new is None:
        return Moved(cell=cell, lost=lost, to=(), plan=None)
    if len(old) < fleet.cells.shape[1]:  # it has no whole placement to move from: its nodes are put, not moved
        way = Plan(
            steps=tuple(Step(NOBODY, to) for to in new if to not in old), differ=len(set(new) - set(old)), least=True,
            because="counted",
        )  # fmt: skip
    else:
        way = way_to(placer, fleet, cell, new, effort)
    if way.steps is not None:
        placer.remove(cell, old)
        placer.add(cell, new)
        fleet.cells[cell] = new
    return Moved(cell=cell, lost=lost, to=tuple(new), plan=way)


def way_to(placer: Placer, fleet: Fleet, cell: int, new: Sequence[int], effort: Effort) -> Plan:
    """The fewest moves of a cell to a placement, as the fleet stands."""
    volume, old = fleet.volume(cell), frozenset(fleet.cells[cell].tolist())
    near, barred = placer.rules.near(volume), placer.rules.barred(volume)
    color_of = placer.color_of

    def legal(state: frozenset[int]) -> bool:
        new_ones = state - old
        return (
            len({color_of(one) for one in state}) == 1
            and all(placer.room[one] > 0 and one not in barred for one in new_ones)
            and all(near[placer.stand_of(one)] for one in state)
            and placer.keeps(volume, sorted(state), (cell,))
        )

    color = color_of(next(iter(old)))
    others = sorted(
        (server for servers in placer.stock[color].values() for server in servers if placer.room[server] > 0),
        key=lambda server: -placer.room[server],
    )
    return plan(old, new, legal, others, effort)
