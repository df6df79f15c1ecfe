"""The volumes of a fleet, counted again under failures: one device, some, and pairs bounded from above.

A device of the fabric *touches* a volume if a server of it is at a stand with a part that the device makes a suspect;
a server, or a link of one, touches the volumes that have it. What nothing touches stays as it is, which is served.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physalia.blast_radius.certificates.ground import APART, Ground, Rooted, State, Steps
from physalia.placement.certificates.check import JOINT, demand

MOST_LOOKS, MOST_ACTIVE, MOST_NODES = 1_024, 4_096, 9
"""So many looks for each volume; devices of which pairs are compared; nodes of a cell of which groups are counted."""
CHUNK, CHEAP = 65_536, 32
"""Volumes that are looked at together; and how many that are only compared by number are one look."""
NOBODY = -1

Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]
Count = tuple[int, int]
"""Volumes unserved, and those of them in blast."""


class Volumes:
    """Volumes by number: a row of three clients and the nodes of the cell; `NOBODY` where there is no replica."""

    def __init__(self, ground: Ground, servers: NDArray[np.int32]) -> None:
        self.ground, self.servers = ground, servers
        self.looks = Steps(MOST_LOOKS * (1 + len(servers)), "looks at volumes")
        self.names = list(ground.site.servers)
        self.number = {name: at for at, name in enumerate(self.names)}
        self.ways = [one["switches"] for one in ground.site.servers.values()]
        stand = np.array([ground.site.group[name] for name in self.names], dtype=np.int64)
        self._stand = np.append(stand, len(ground.stands))[servers]  # nobody, -1, is at none
        self._by_stand = self._sorted(self._stand, len(ground.stands))
        whole = self.count(frozenset(), np.arange(len(servers)), ground.base)
        demand(whole == (0, 0), f"{whole[0]} volumes are unserved though nothing has failed")

    def _sorted(self, keys: NDArray[np.signedinteger[Any]], most: int) -> tuple[Rows, Rows]:
        flat = keys.ravel()
        order = np.argsort(flat, kind="stable")
        return order // keys.shape[1], np.searchsorted(flat[order], np.arange(most + 1))

    @cached_property
    def _by_server(self) -> tuple[Rows, Rows]:
        return self._sorted(self.servers + 1, len(self.names) + 1)

    def at(self, stands: Iterable[int]) -> Rows:
        """The volumes with a server at one of these stands, each once."""
        rows, starts = self._by_stand
        parts = [rows[starts[at] : starts[at + 1]] for at in stands]
        return _each(*parts) if parts else rows[:0]

    def on(self, server: str) -> Rows:
        """The volumes that have a server."""
        (rows, starts), at = self._by_server, self.number[server] + 1
        return _each(rows[starts[at] : starts[at + 1]])

    def own(self, device: str) -> tuple[str, int | None] | None:
        """The server that a device is, or is a link of, with the place of the link; none for a device of the fabric."""
        server, _, switch = device.partition(JOINT)
        if device in self.number:
            return device, None
        if server in self.number and switch in self.ways[self.number[server]]:
            return server, self.ways[self.number[server]].index(switch)
        return None

    def count(self, own: Iterable[str], rows: Rows, state: State) -> Count:
        """How many of some volumes are unserved, and in blast, under a state and when servers and their links fail."""
        self.looks.take(len(rows))
        unserved = blast = 0
        for start in range(0, len(rows), CHUNK):
            seen = Sight(self, rows[start : start + CHUNK], state)
            for device in own:
                server, place = self.own(device) or ("", None)
                seen.lose(seen.servers == self.number[server], place)
            lost, whole = seen.fates()
            unserved, blast = unserved + int(lost.sum()), blast + int((lost & ~whole).sum())
        return unserved, blast

    def under(self, failed: Iterable[str], rows: Rows | None = None) -> Count:
        """The same under any devices; of some volumes, if all others are known to be served, or else of all."""
        own = [one for one in failed if self.own(one) is not None]
        state, changed = self.ground.state(frozenset(failed) - {*own})
        if rows is None:
            places = [self.on((self.own(one) or ("",))[0]) for one in own]
            rows = _each(self.at(changed), *places)
        return self.count(own, rows, state)

    def alone(self) -> dict[str, Count]:
        """Every device that leaves a volume unserved when it fails alone."""
        found = {}
        for device in self.ground.fabric:
            state, changed = self.ground.state(frozenset({device}))
            if changed and (counted := self.count((), self.at(changed), state))[0]:
                found[device] = counted
        return found | self._alone()

    def _alone(self) -> dict[str, Count]:
        """Servers and their links, the one at each place of all volumes at once."""
        kinds = (None, *range(self.ground.most))
        size, places = len(self.names), self.servers.shape[1]
        counts = np.zeros((len(kinds), 2, size), dtype=np.int64)
        self.looks.take(len(self.servers) * places * len(kinds))
        for start in range(0, len(self.servers), CHUNK):
            rows = np.arange(start, min(len(self.servers), start + CHUNK))
            for place in range(places):
                for at, kind in enumerate(kinds):
                    seen = Sight(self, rows, self.ground.base)
                    server = seen.servers[:, place]
                    new = (server != NOBODY) & ~(seen.servers[:, :place] == server[:, None]).any(axis=1)
                    seen.lose(seen.servers == server[:, None], kind)
                    lost, whole = seen.fates()
                    for what, those in enumerate((lost, lost & ~whole)):
                        counts[at, what] += np.bincount(server[those & new], minlength=size)
        return {
            self.names[one] if kind is None else self.names[one] + JOINT + self.ways[one][kind]:
                (int(counts[at, 0, one]), int(counts[at, 1, one]))
            for at, kind in enumerate(kinds) for one in np.flatnonzero(counts[at, 0]).tolist()
        }  # fmt: skip

    def shared(self) -> int:
        """At least as many cells as have any group of servers in common without which they have no majority.

        Groups that are mixed into one number are counted together: so it may be too many, and never too few.
        """
        cells = np.sort(self.servers[:, 3:], axis=1).astype(np.uint64)
        size, most = cells.shape[1], 0
        demand(size <= MOST_NODES, f"groups of servers are counted for cells of up to {MOST_NODES} nodes")
        for part in range(parts := 1 + len(cells) // CHUNK):
            keys = []
            for group in combinations(range(size), size - size // 2):
                mixed = np.zeros(len(cells), dtype=np.uint64)
                for column in group:
                    mixed = (mixed + cells[:, column] + np.uint64(1)) * np.uint64(0xD1342543DE82EF95)
                    mixed ^= mixed >> np.uint64(31)
                keys.append(mixed[mixed % np.uint64(parts) == part])
            same = np.sort(np.concatenate(keys))
            starts = np.flatnonzero(np.append(True, same[1:] != same[:-1]))
            most = max(most, int(np.diff(np.append(starts, len(same))).max(initial=0)))
        return most


class Sight:
    """Some volumes under a state: their servers, the pieces that these have links to, and which of them live."""

    def __init__(self, volumes: Volumes, rows: Rows, state: State) -> None:
        self.servers = volumes.servers[rows]
        stands = volumes._stand[rows]
        nobody = np.full((1, state.pieces.shape[1]), APART, dtype=np.int32)
        self.pieces = np.concatenate([state.pieces, nobody])[stands]
        self.alive = np.append(state.lit, False)[stands]

    def lose(self, those: Bools, place: int | None) -> None:
        """Servers fail, or the link of each at one place."""
        if place is None:
            self.alive &= ~those
            self.pieces[those] = APART
        else:
            self.pieces[:, :, place][those] = APART

    def fates(self) -> tuple[Bools, Bools]:
        """Who is unserved; and who is whole."""
        from_instance, from_primary, from_replica = (self._reached(client) for client in range(3))
        cell = self.servers.shape[1] - 3
        served = np.zeros(len(self.servers), dtype=np.bool_)
        for copy, seen in ((1, from_primary), (2, from_replica)):
            served |= from_instance[:, copy] & (2 * seen[:, 3:].sum(axis=1) > cell)
        up = (self.pieces[:, 0] != APART).any(axis=1) & self.alive[:, 0]
        copies = from_instance[:, 1] | from_instance[:, 2]
        whole = from_instance[:, 1] & (from_primary[:, 2] | (self.servers[:, 2] == NOBODY))
        unserved: Bools = up & copies & ~served
        return unserved, whole

    def _reached(self, who: int) -> Bools:
        """For each volume whom one of its servers reaches."""
        found = (self.servers == self.servers[:, who, None]) & self.alive
        for place in range(self.pieces.shape[2]):
            mine = self.pieces[:, who, place, None, None]
            found |= ((self.pieces == mine) & (mine != APART)).any(axis=2)
        reached: Bools = found
        return reached


class Pairs:
    """Which pairs of devices may harm more than so many volumes, as far as bounds tell.

    To harm is to leave unserved, or to put into blast; ``alone`` says how many each device harms in that sense.
    """

    def __init__(self, volumes: Volumes, alone: Mapping[str, int], most: int) -> None:
        self.volumes, self.alone, self.most = volumes, alone, most
        demand(most >= max(alone.values(), default=0), "one device harms more volumes than a pair may")

    def open(self) -> Iterator[tuple[tuple[str, str], Rows | None]]:
        """The pairs that no bound decides, each once, with those volumes that can be unserved, if not all can."""
        yield from self._of_fabric()
        for pair in self._with_servers():
            yield pair, None

    def harm(self, device: str) -> int:
        """How many volumes it harms alone."""
        return self.alone.get(device, 0)

    def _of_fabric(self) -> Iterator[tuple[tuple[str, str], Rows | None]]:
        judges = [_Judge(self.volumes, root, self) for root in self.volumes.ground.roots]
        first = judges[0]
        pairs = set(first.open())
        for one in first.heavy:
            self.volumes.ground.steps.take(len(self.volumes.ground.fabric))
            pairs.update(_ordered(one, other) for other in self.volumes.ground.fabric if other != one)
        for pair in sorted(pairs):
            if all(judge.leaves_open(pair) for judge in judges):
                yield pair, next((rows for judge in judges if (rows := judge.both(pair)) is not None), None)

    def _with_servers(self) -> Iterator[tuple[str, str]]:
        """A server changes no volume but its own: beside another device it adds at most those that both touch."""
        volumes, ground, root = self.volumes, self.volumes.ground, self.volumes.ground.roots[0]
        own = dict[str, Rows]()
        for server, on in zip(volumes.names, volumes.ways, strict=True):
            own.update(dict.fromkeys((server, *(server + JOINT + switch for switch in on)), volumes.on(server)))
        worst = max(map(self.harm, self.alone), default=0)
        few = {device: rows for device, rows in own.items() if len(rows) + self.harm(device) + worst > self.most}
        if not few:
            return
        touched = {one: volumes.at({at for part in parts for at in ground.stands_at.get(part, ())})
                   for one, parts in root.suspected.items()}  # fmt: skip
        fabric = {one: touched.get(one, volumes.at(())) for one in ground.fabric if one in touched or one in self.alone}
        ground.steps.take(len(few))
        for pair in shared(volumes, {**fabric, **few}, self.harm, self.most):
            if any(one in few for one in pair):
                yield pair


class _Judge:
    """What the ways to one root tell of pairs of the fabric."""

    def __init__(self, volumes: Volumes, root: Rooted, pairs: Pairs) -> None:
        ground, self.most = volumes.ground, pairs.most
        self.weight, self.touched = dict[str, int](), dict[str, Rows]()
        for device in ground.fabric:
            suspects = [part for part in root.suspected.get(device, ()) if part in ground.stands_at]
            dead = ground.site.kills
            soft = [part for part in suspects if device not in dead[part]]
            rows = [volumes.at({at for part in some for at in ground.stands_at[part]}) for some in (suspects, soft)]
            self.touched[device], weight = rows[0], pairs.harm(device) + len(rows[1])
            if weight:
                self.weight[device] = weight
        self.heavy = {device for device, weight in self.weight.items() if weight > self.most}
        self.joint = {
            pair: volumes.at({at for part in parts for at in ground.stands_at[part]})
            for pair, parts in root.joint().items()
        }  # fmt: skip
        self._volumes = volumes

    def open(self) -> set[tuple[str, str]]:
        """The pairs without a heavy device that this leaves open."""
        light = {device: rows for device, rows in self.touched.items() if device not in self.heavy}
        found = {
            _ordered(*pair) for pair in shared(self._volumes, light, lambda one: self.weight.get(one, 0), self.most)
        }
        return found | {pair for pair in self.joint if self.leaves_open(pair) and not self.heavy.intersection(pair)}

    def leaves_open(self, pair: tuple[str, str]) -> bool:
        """Whether both may leave more unserved, as far as this tells."""
        if self.heavy.intersection(pair):
            return True
        one, other = pair
        if not {one, other} <= self.touched.keys():
            return False
        rows = [self.touched[device] for device in pair]
        known = self.weight.get(one, 0) + self.weight.get(other, 0) + len(self.joint.get(_ordered(one, other), ()))
        if known + min(map(len, rows)) <= self.most:
            return False
        self._volumes.looks.take(sum(map(len, rows)) // CHEAP)
        return known + len(_common(*rows)) > self.most

    def both(self, pair: tuple[str, str]) -> Rows | None:
        """The volumes that both touch, or both together, if no others can be unserved."""
        if any(one in self.weight for one in pair):
            return None
        common = _common(self.touched[pair[0]], self.touched[pair[1]])
        return _each(common, self.joint.get(_ordered(*pair), common))


def shared(
    volumes: Volumes, touched: Mapping[str, Rows], weight: Callable[[str], int], most: int
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """The pairs whose weights, and the volumes that both touch, are more than so many."""
    heaviest = max(map(weight, touched), default=0)
    active = [device for device, rows in touched.items() if weight(device) + len(rows) + heaviest > most]
    demand(len(active) <= MOST_ACTIVE, f"more than {MOST_ACTIVE} devices may be in a pair that is worse")
    volumes.ground.steps.take(len(active))
    volumes.looks.take(len(active) * len(volumes.servers) // CHEAP)
    weights = np.array([weight(device) for device in active], dtype=np.int64)
    common = np.zeros((len(active), len(active)), dtype=np.int64)
    for start in range(0, len(volumes.servers), CHUNK):
        width = min(CHUNK, len(volumes.servers) - start)
        table = np.zeros((len(active), width), dtype=np.float32)  # sums of ones, exact below 2**24
        for at, device in enumerate(active):
            rows = touched[device]
            table[at, rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + width)] - start] = 1
        common += np.rint(table @ table.T).astype(np.int64)
    open_ones = np.triu(common + weights[:, None] + weights[None, :] > most, 1)
    for one, other in np.argwhere(open_ones).tolist():
        yield active[one], active[other]


def _common(some: Rows, others: Rows) -> Rows:
    """The volumes that are among both; each list has none twice, and is in order."""
    found: Rows = np.intersect1d(some, others, assume_unique=True)
    return found


def _each(*some: Rows) -> Rows:
    """All these volumes, each once and in order: by sorting, which is quicker here than numpy's way."""
    together = np.sort(np.concatenate(some))
    found: Rows = together[np.append(np.ones(min(1, len(together)), dtype=np.bool_), together[1:] != together[:-1])]
    return found


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
