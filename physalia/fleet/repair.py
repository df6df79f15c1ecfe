"""Servers are to be emptied: which cells suffer, and where their nodes go with the fewest moves.

A cell that has k nodes on such servers needs k moves at least. Every placement on the way keeps the rules, but that it
may still be on what is emptied. The placer's choice is tried first, then every way of the cell's own nodes, over any
servers, then every way on which nodes of other cells make room, the fewest moves first. A cell is stuck if there is
none of any length: all were tried, or there is no room for it though nobody else were there. Where there is more to
look at than is looked at, neither is said.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from attrs import define, evolve, field, frozen

from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from physalia.fleet.moves import Plan, State, plan, straight
from physalia.fleet.placer import Placer
from physalia.fleet.room.around import Others
from physalia.fleet.room.search import Found, Move, Search, most_nodes
from physalia.fleet.rules import NOBODY, Rules, Volume
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort

Outcome = Literal["moved", "stuck", "unknown"]


@frozen(kw_only=True)
class Looks:
    """How many placements are judged for a cell: by its ``own`` moves, by all ``together``; ``in_all`` for all cells.

    Once these are used up, each cell that is left has a hundredth of its own.
    """

    own: int = 50_000
    together: int = 100_000
    in_all: int = 400_000


ENOUGH = Looks()


@frozen(kw_only=True)
class Moved:
    """What becomes of one cell: the moves that take it off, or None. ``lost`` are its nodes on what is emptied.

    Nodes of other cells may be among the moves. ``least`` says that no way has fewer, whatever cells move. All ways of
    up to ``tried`` moves were tried without success, and ``exhausted`` says that there is none of any length.
    """

    cell: int
    lost: tuple[int, ...]
    moves: tuple[Move, ...] | None
    least: bool = False
    tried: int = 0
    exhausted: bool = False

    @property
    def outcome(self) -> Outcome:
        """Whether a way was found; if not, whether it is known that there is none."""
        if self.moves is not None:
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


def repair(
    site: Site, rules: Rules, fleet: Fleet, effort: Effort, most: Looks = ENOUGH
) -> Iterator[Moved]:  # fmt: skip
    """Move every cell off the servers that are closed, cell by cell in order; the fleet is changed where it works.

    Nodes that are missing are put somewhere too. OutOfTime between cells.
    """
    placer, alone, looks = filled(site, rules, fleet), Placer(site, rules), most.in_all
    closed = frozenset(np.flatnonzero(site.closed).tolist())
    before = fleet.cells.copy()
    affected = ((before == NOBODY) | np.isin(before, list(closed))).any(axis=1)
    for cell in np.flatnonzero(affected).tolist():
        effort.spend("cells")
        one = _Repair(placer, alone, fleet, cell, closed, effort, most, looks)
        lost = tuple(server for server in before[cell].tolist() if server in closed)
        found = evolve(one.put() if NOBODY in before[cell] else one.move(), lost=lost)
        looks = one.left
        for move in found.moves or ():
            nodes = fleet.cells[move.cell]
            nodes[np.flatnonzero(nodes == move.away)[0]] = move.to
            placer.remove(move.cell, () if move.away == NOBODY else (move.away,))
            placer.add(move.cell, (move.to,))
        yield found


@define(eq=False)
class _Repair:
    """The repair of one cell, as the fleet stands. ``alone`` is a placer that knows no cell of the fleet."""

    placer: Placer
    alone: Placer
    fleet: Fleet
    cell: int
    closed: frozenset[int]
    effort: Effort
    looks: Looks
    left: int
    """So many placements may be judged yet for all cells."""
    old: list[int] = field(init=False)
    kept: list[int] = field(init=False)
    volume: Volume = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.old = [server for server in self.fleet.cells[self.cell].tolist() if server != NOBODY]
        self.kept = [server for server in self.old if server not in self.closed]
        self.volume = self.fleet.volume(self.cell)

    def move(self) -> Moved:
        """The fewest moves to any placement, of this cell if that does, else of others too."""
        chosen = self.placer.completed(self.volume, self.kept, (self.cell,))
        legal = _legal(self.placer, self.fleet, self.cell)
        steps = None if chosen is None else straight(self.old, chosen, legal, self.effort)
        if steps is not None:
            return self._found([Move(self.cell, one.away, one.to) for one in steps], least=True)
        if self._is_too_narrow():
            return self._stays(0, exhausted=True)
        needed, own = len(self.old) - len(self.kept), self._search(self.placer)
        if own.moves is not None and len(own.moves) <= needed + 1:  # fewer are its own in any case
            return self._found(own.moves, least=True)
        if own.moves is None and self._is_stuck_alone():
            return self._stays(own.tried, exhausted=True)
        most = None if own.moves is None else len(own.moves) - 1
        all_of_them = self._search(self.placer, together=True, most=most)
        if all_of_them.moves is not None:
            return self._found(all_of_them.moves, least=True)
        if own.moves is not None:
            return self._found(own.moves, least=all_of_them.exhausted or all_of_them.tried == most)
        return self._stays(all_of_them.tried, exhausted=all_of_them.exhausted)

    def put(self) -> Moved:
        """The fewest nodes put where the cell has no whole placement to move from: only its end is judged."""
        new: Sequence[int] | None = self.placer.completed(self.volume, self.kept, (self.cell,))
        least, missing = True, len(self.fleet.cells[self.cell]) - len(self.kept)
        given_up = 0
        if new is None:
            others = Others(self.placer, self.volume, self.cell, frozenset(self.old), self.effort, self._own_looks)
            new, given_up = self._around(others)
            least = not others.cut
        if new is None:
            blind = Others(self.alone, self.volume, self.cell, frozenset(self.old), self.effort, self._own_looks)
            exhausted = self._is_too_narrow() or (self._around(blind)[0] is None and not blind.cut)
            return self._stays(missing if least else 0, exhausted=exhausted)
        away = [*(one for one in self.old if one not in new)]
        away += [NOBODY] * (missing + given_up - len(away))
        to = [one for one in new if one not in self.old]
        by_counting = given_up <= 1  # with one move more others might make room
        return self._found([Move(self.cell, *one) for one in zip(away, to, strict=True)], least=least and by_counting)

    def _around(self, others: Others) -> tuple[Sequence[int] | None, int]:
        for given_up in range(len(self.kept) + 1):
            for stays in combinations(self.kept, len(self.kept) - given_up):
                new = next(others.around(stays), None)
                if new is not None:
                    return new, given_up
        return None, 0

    @property
    def _own_looks(self) -> int:
        return min(self.looks.own, max(self.left, self.looks.own // 100))

    def _search(self, placer: Placer, *, together: bool = False, most: int | None = None) -> Found:
        """The fewest moves, at most so many; and the looks that it takes are gone."""
        looks = min(self.looks.together, self.left) if together else self._own_looks
        search = Search(placer, self.fleet, self.cell, self.closed, self.effort, looks, together)
        found = search.least(most)
        self.left -= looks - search.looks
        return found

    def _is_too_narrow(self) -> bool:
        """Whether no cell of the volume has room for its nodes, though nobody else were there."""
        rules, placer = self.placer.rules, self.alone
        near, barred = rules.near(self.volume), rules.barred(self.volume) | self.closed
        whole = len(self.old) == rules.policy.cell_size
        for color in placer.colors_of(self.old) if whole else range(len(placer.stock)):
            servers = [
                server
                for stand, there in placer.stock[color].items() if near[stand]
                for server in there if server not in barred and (placer.room[server] > 0 or server in self.old)
            ]  # fmt: skip
            if most_nodes(placer, self.volume, servers) >= rules.policy.cell_size:
                return False
        return True

    def _is_stuck_alone(self) -> bool:
        """Whether the cell would have no way off though nobody else were there."""
        self.alone.add(self.cell, self.old)
        try:
            return self._search(self.alone).exhausted
        finally:
            self.alone.remove(self.cell, self.old)

    def _found(self, moves: Iterable[Move], *, least: bool) -> Moved:
        return Moved(cell=self.cell, lost=(), moves=tuple(moves), least=least)

    def _stays(self, tried: int, *, exhausted: bool) -> Moved:
        return Moved(cell=self.cell, lost=(), moves=None, tried=tried, exhausted=exhausted)


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
            for color in placer.colors_of(old) for servers in placer.stock[color].values()
            for server in servers if placer.room[server] > 0
        ),
        key=lambda server: -placer.room[server],
    )  # fmt: skip
    return plan(old, new, _legal(placer, fleet, cell), others, effort)
