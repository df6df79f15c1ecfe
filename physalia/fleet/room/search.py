"""The fewest moves that take a cell off servers that are emptied: of its own nodes, or of those of other cells too.

A state says where every cell is. A move takes one node of one cell to an open server with room, such that the cell
keeps every rule there, but that it may still be on what is emptied. As many moves are needed as nodes are to leave; a
move is *wasted* that takes none of them off. States are looked at by the moves on the way and those that are needed
still; that sum grows by one with each wasted move and never falls. So the first way found is shortest; and where no
state has some sum, none has a greater one: everything was tried.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field, frozen

from physalia.fleet.fleet import Fleet
from physalia.fleet.moves import State
from physalia.fleet.placer import Placer
from physalia.fleet.rules import CLIENTS, NOBODY, Volume
from physalia.placement.effort import Effort

Places = frozenset[tuple[int, State]]
"""Where those cells are that are not where they were."""

Group = tuple[int, int, frozenset[int]]


@frozen
class Move:
    """A node of a cell is replaced: learned at ``to`` first, then given up at ``away``; `NOBODY` if there was none."""

    cell: int
    away: int
    to: int


@frozen(kw_only=True)
class Found:
    """The shortest way, or None: then ``exhausted`` says that there is none.

    All ways of up to ``tried`` moves were tried, and none of them does.
    """

    moves: tuple[Move, ...] | None
    tried: int
    exhausted: bool


class _Spent(Exception):
    """There are no looks left."""


@define(eq=False)
class Search:
    """What takes one cell off ``closed`` servers. With ``together`` the nodes of all whole cells may move.

    Alone, servers of one stand count as one that share the same cells, of those of which too many might be shared.
    """

    placer: Placer
    fleet: Fleet
    cell: int
    closed: frozenset[int]
    effort: Effort
    looks: int
    together: bool = False
    _start: State = field(init=False)
    _volume: Volume = field(init=False)
    _known: dict[int, tuple[Volume, list[bool], frozenset[int]]] = field(factory=dict, init=False)
    _now: Places = field(factory=frozenset, init=False)
    _length: int = field(default=0, init=False)
    _own: list[int] = field(init=False)
    _groups: dict[int, Group] = field(factory=dict, init=False)
    _free: dict[int, list[int]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._start = self._at_first(self.cell)
        self._volume = self.fleet.volume(self.cell)
        self._own = self._nearest_first()
        for at, room in enumerate(self.placer.room) if self.together else ():
            if room > 0 and at not in self.closed:
                self._free.setdefault(self.placer.color_of(at), []).append(at)

    def least(self, most: int | None = None) -> Found:
        """The fewest moves, at most so many. The placer is afterwards what it was before. OutOfTime."""
        tried = len(self._start & self.closed) - 1
        try:
            while most is None or tried < most:
                self._length = tried + 1
                moves, exhausted = self._within()
                if moves is not None or exhausted:
                    return Found(moves=moves, tried=tried, exhausted=exhausted)
                tried += 1
        except _Spent:
            pass
        finally:
            self._go_to(frozenset())
        return Found(moves=None, tried=tried, exhausted=False)

    def _within(self) -> tuple[tuple[Move, ...] | None, bool]:
        """A way of at most ``_length`` moves, if there is one; whether there is no longer one either."""
        first: Places = frozenset()
        self._go_to(first)
        self._group()
        came: dict[Places, tuple[Places, Move] | None] = {}
        ready: list[tuple[Places, tuple[Places, Move] | None]] = [(first, None)]
        for total in range(len(self._start & self.closed), self._length + 1):
            new: list[Places] = []
            while ready:
                state, before = ready.pop()
                if state in came:
                    continue
                came[state] = before
                new.append(state)
                if self.closed.isdisjoint(self._where(self.cell, state)):
                    return tuple(_back(came, state)), False
                ready += [(after, (state, move)) for after, move in self._needed(state) if after not in came]
            if not new:  # of the last wasted moves only some were looked at, if others may move
                return None, total < self._length or not self.together
            if total < self._length:
                ready = [
                    (after, (state, move))
                    for state in new for after, move in self._wasted(state, last=total + 1 == self._length)
                    if after not in came
                ]  # fmt: skip
        return None, False

    def _needed(self, state: Places) -> list[tuple[Places, Move]]:
        """The moves off what is emptied; the best last."""
        own = self._where(self.cell, state)
        return [one for away in sorted(own & self.closed) for one in self._moves(state, self.cell, away)][::-1]

    def _wasted(self, state: Places, *, last: bool) -> Iterator[tuple[Places, Move]]:
        """All other moves; if it is the ``last`` wasted one, only those of other cells after which more is possible."""
        own = self._where(self.cell, state)
        for away in sorted(own - self.closed):
            yield from self._moves(state, self.cell, away)
        if self.together:
            self._go_to(state)
            for cell, away in self._useful(own) if last else self._everybody(state):
                yield from self._moves(state, cell, away)

    def _everybody(self, state: Places) -> Iterator[tuple[int, int]]:
        for cell, servers in enumerate(self.fleet.cells.tolist()):
            if cell != self.cell and NOBODY not in servers:
                yield from ((cell, away) for away in sorted(self._where(cell, state)))

    def _useful(self, own: State) -> list[tuple[int, int]]:
        """The nodes of other cells without which a server takes one more, or some cell shares fewer with this one.

        Any other move changes nothing of what this cell may do with nothing but the moves that it needs: without it the
        way would be shorter.
        """
        placer, most, left = self.placer, self.placer.rules.most_shared, len(own & self.closed)
        found = {(cell, away) for away in self._own if placer.room[away] <= 0 for cell in placer.on[away]}
        if most is not None:
            shared = Counter(cell for server in own for cell in placer.on[server])
            for away in own.union(self._own):
                found.update((cell, away) for cell in placer.on[away] if shared[cell] + left > most)
        whole = self.fleet.placed
        return sorted(one for one in found if one[0] >= 0 and one[0] != self.cell and whole[one[0]])

    def _moves(self, state: Places, cell: int, away: int) -> Iterator[tuple[Places, Move]]:
        """Where a node of a cell may go to, in a state."""
        self._go_to(state)
        now = self._where(cell, state)
        first, rest = self._at_first(cell), [one for one in state if one[0] != cell]
        legal = [
            (to, after) for to in list(self._open(state, cell, now, away))
            if self._may_be(cell, after := now - {away} | {to})
        ]  # fmt: skip
        for to, after in legal:
            yield frozenset(rest if after == first else (*rest, (cell, after))), Move(cell, away, to)

    def _open(self, state: Places, cell: int, now: State, away: int) -> Iterator[int]:
        """The servers that may take a node of a cell, as far as room goes; of those that are alike one."""
        room = self.placer.room
        if cell != self.cell:
            left = {server for one, _ in state for server in self._at_first(one)}
            free = [to for color in self.placer.colors_of(now) for to in self._free.get(color, ())]
            yield from (
                to for to in (*free, *sorted(left.difference(free))) if room[to] > 0 and to not in now | self.closed
            )
            return
        if self.together:
            yield from (to for to in self._own if room[to] > 0 and to not in now)
            return
        alike = self._groups.get(away)
        if any(one > away and self._groups[one] == alike for one in now if alike and one in self._groups):
            return  # the last of those that are alike goes first
        seen = set[Group]()
        for to in self._own:
            if to not in now and room[to] > 0 and self._groups[to] not in seen:
                seen.add(self._groups[to])
                yield to

    def _may_be(self, cell: int, servers: State) -> bool:
        """Whether a cell keeps the rules on some servers, those that are emptied too."""
        if self.looks <= 0:
            raise _Spent
        self.looks -= 1
        self.effort.spend("servers")
        placer = self.placer
        volume, near, barred = self._may_use(cell)
        return (
            barred.isdisjoint(servers)
            and all(near[placer.stand_of(one)] for one in servers)
            and len({placer.color_of(one) for one in servers}) == 1
            and placer.keeps(volume, sorted(servers), (cell,))
        )

    def _may_use(self, cell: int) -> tuple[Volume, list[bool], frozenset[int]]:
        """A cell's volume, the stands that are near enough to it, and the servers that are barred."""
        if cell not in self._known:
            volume, rules = self.fleet.volume(cell), self.placer.rules
            self._known[cell] = (volume, rules.near(volume).tolist(), rules.barred(volume))
        return self._known[cell]

    def _group(self) -> None:
        """Which servers are alike for the cell, as long as it makes no more than so many moves."""
        on, most = self.placer.on, self.placer.rules.most_shared
        tight = frozenset[int]()
        if most is not None:
            there = Counter(cell for server in self._start for cell in on[server])
            new = Counter(cell for server in self._own if server not in self._start for cell in on[server])
            tight = frozenset(
                one for one in new if one != self.cell and there[one] + min(self._length, new[one]) > most
            )
        for server in self._own:
            alone = server if server in self._start else NOBODY
            self._groups[server] = (self.placer.stand_of(server), alone, tight.intersection(on[server]))

    def _nearest_first(self) -> list[int]:
        """The open servers from which every client is near enough; those of one stand by number."""
        placer, site = self.placer, self.placer.site
        near, barred = placer.rules.near(self._volume), placer.rules.barred(self._volume) | self.closed
        colors = placer.colors_of(self._start)
        hops = [
            site.hops(int(site.stand_of[client]))
            for client, _ in zip(self._volume, CLIENTS, strict=True) if client != NOBODY
        ]  # fmt: skip
        stands = sorted(
            {stand for color in colors for stand in placer.stock[color] if near[stand]},
            key=lambda stand: (max(way[stand] for way in hops), sum(way[stand] for way in hops), stand),
        )
        return [
            server for stand in stands
            for color in sorted(colors) for server in sorted(placer.stock[color].get(stand, ()))
            if server not in barred
        ]  # fmt: skip

    def _at_first(self, cell: int) -> State:
        return frozenset(self.fleet.cells[cell].tolist())

    def _where(self, cell: int, state: Places) -> State:
        return next((servers for one, servers in state if one == cell), None) or self._at_first(cell)

    def _go_to(self, state: Places) -> None:
        """The placer as it is in a state."""
        changed = {cell for cell, _ in self._now ^ state}
        for cell in changed:
            self.placer.remove(cell, self._where(cell, self._now))
        for cell in changed:
            self.placer.add(cell, self._where(cell, state))
        self._now = state


def _back(came: dict[Places, tuple[Places, Move] | None], state: Places) -> Sequence[Move]:
    moves: list[Move] = []
    while (before := came[state]) is not None:
        state, move = before
        moves.append(move)
    return moves[::-1]


def most_nodes(placer: Placer, volume: Volume, servers: Iterable[int]) -> int:
    """At least so many nodes as a cell of a volume can have on some servers at once, whoever else is there.

    Counted over domains that lie within each other: each has at most what its limit says, and what is in it.
    """
    inside = Counter(placer.stand_of(server) for server in servers)
    limits = [*placer.rules.limits, *placer.rules.cuts(volume)]
    parts: list[tuple[frozenset[int], int]] = [(frozenset({stand}), count) for stand, count in inside.items()]
    for limit in sorted(limits, key=lambda one: (len(one.stands), one.most)):
        stands = limit.stands.intersection(inside)
        within = [one for one in parts if one[0] <= stands]
        if stands and sum(len(one[0]) for one in within) == len(stands):  # else it crosses another one
            rest = [one for one in parts if not one[0] <= stands]
            parts = [*rest, (stands, min(limit.most, sum(count for _, count in within)))]
    return sum(count for _, count in parts)
