"""Many sets of failed devices of the fabric at once: what each leaves, and how many volumes it harms.

The sets fail side by side, as arrays: a row is a set, and pieces grow by the least number of a switch that a living
link tells of. Most sets leave one of few surroundings, and each of those is counted once.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from physalia.blast_radius.network import NOWHERE, Fabric
from physalia.blast_radius.singles import Volumes
from physalia.fleet.rules import NOBODY
from physalia.placement.site.topology import supplies_first

PATTERNS = 128
"""So many surroundings are counted at once."""

Numbers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Pieces = NDArray[np.int16]


@define(eq=False)
class Side:
    """Volumes on a network whose devices of the fabric, by number in ``fabric``, fail in many ways side by side."""

    volumes: Volumes
    fabric: Sequence[str]
    surroundings: int = field(default=0, init=False)
    """How many different ones were counted."""
    _known: dict[bytes, tuple[int, int]] = field(factory=dict, init=False)

    def counts(self, sets: Numbers) -> Numbers:
        """For each set, a row of numbers of devices, how many volumes are unserved, and how many are in blast."""
        pieces, lit = self.under(sets)
        table = np.concatenate([pieces.reshape(len(sets), -1).view(np.uint8), lit.view(np.uint8)], axis=1)
        packed = np.ascontiguousarray(table).view(np.dtype((np.void, table.shape[1]))).ravel()
        _, first, which = np.unique(packed, return_index=True, return_inverse=True)
        keys = [packed[at].tobytes() for at in first.tolist()]
        self._count(keys, pieces[first], lit[first])
        return np.array([self._known[key] for key in keys], dtype=np.int64)[which.ravel()]

    def _count(self, keys: Sequence[bytes], pieces: Pieces, lit: Bools) -> None:
        """Count the volumes that surroundings harm which are new."""
        plain = []
        for at, key in enumerate(keys):
            if key in self._known:
                continue
            self.surroundings += 1
            there = pieces[at][pieces[at] != NOWHERE]
            if len(there) and (there == there[0]).all():
                plain.append(at)
            else:
                found = self.volumes.impact(Fabric(pieces[at].astype(np.int32), lit[at]), ())
                self._known[key] = found.unserved, found.blast
        for start in range(0, len(plain), PATTERNS):
            some = plain[start : start + PATTERNS]
            for at, unserved, blast in zip(some, *self._in_one_piece(pieces[some]), strict=True):
                self._known[keys[at]] = unserved, blast

    def _in_one_piece(self, pieces: Pieces) -> tuple[list[int], list[int]]:
        """Where all that has a way is in one piece: who has one is reached, and majorities are sums of such."""
        clients, nobody, nodes = self._tables
        dark = np.append((pieces == NOWHERE).all(axis=2), np.ones((len(pieces), 1), dtype=np.bool_), axis=1)
        instance, primary, replica = (dark[:, clients[:, at]] for at in range(3))
        size = self.volumes.fleet.cells.shape[1]
        lost = dark[:, :-1].astype(np.float32) @ nodes
        unserved = (2 * (size - lost) <= size) & ~instance & ~(primary & replica)
        blast = unserved & (primary | (replica & ~nobody))
        return unserved.sum(axis=1).tolist(), blast.sum(axis=1).tolist()

    @cached_property
    def _tables(self) -> tuple[Numbers, Bools, NDArray[np.float32]]:
        """The stands of clients, one that is none for nobody; who has no replica; and the nodes at each stand."""
        site, fleet, rows = self.volumes.site, self.volumes.fleet, self.volumes.rows
        stands = np.append(site.stand_of, len(site.stands))[fleet.clients[rows]]
        nodes = np.zeros((len(site.stands), len(rows)), dtype=np.float32)
        for place in range(fleet.cells.shape[1]):
            np.add.at(nodes, (site.stand_of[fleet.cells[rows, place]], np.arange(len(rows))), 1)
        return stands, fleet.clients[rows, 2] == NOBODY, nodes

    def under(self, sets: Numbers) -> tuple[Pieces, Bools]:
        """For each set the piece of each switch of each stand, and which stands have power."""
        topology, stands = self.volumes.site.topology, self.volumes.site.stands
        fine = {name: np.ones(len(sets), dtype=np.bool_) for name in self.fabric}
        for column in range(sets.shape[1]):
            for at in np.unique(sets[:, column]).tolist():
                fine[self.fabric[at]][sets[:, column] == at] = False
        always = np.ones(len(sets), dtype=np.bool_)
        lives: dict[str, Bools] = {}

        def fed(name: str, supplies: Sequence[str]) -> Bools:
            own = fine.get(name, always)
            return own & np.logical_or.reduce([lives[one] for one in supplies]) if supplies else own

        for power in supplies_first(topology.powers):
            lives[power.name] = fed(power.name, power.supplies)
        for rack in topology.racks.values():
            lives[rack.name] = fed(rack.name, rack.supplies)
        for switch in topology.switches.values():
            lives[switch.name] = fed(switch.name, switch.supplies if switch.rack is None else (switch.rack,))
        piece = self._pieces(lives, {link: fine.get(link, always) for link in topology.links})
        lit = np.stack([lives[rack] for rack, _ in stands], axis=1)
        most = max((len(on) for _, on in stands), default=1)
        pieces = np.full((len(sets), len(stands), most), NOWHERE, dtype=np.int16)
        for at, (_, on) in enumerate(stands):
            for place, name in enumerate(on):
                pieces[:, at, place] = np.where(lit[:, at], piece[name], np.int16(NOWHERE))
        return pieces, lit

    def _pieces(self, lives: Mapping[str, Bools], carries: Mapping[str, Bools]) -> dict[str, Pieces]:
        """Pieces by the least number of a switch in them."""
        dead = np.int16(np.iinfo(np.int16).max)
        piece = {
            name: np.where(lives[name], np.int16(number), dead)
            for name, number in self.volumes.network.switches.items()
        }
        joined = {
            name: carries[name] & lives[link.ends[0]] & lives[link.ends[1]]
            for name, link in self.volumes.site.topology.links.items()
        }  # fmt: skip
        grows = True
        while grows:
            grows = False
            for name, link in self.volumes.site.topology.links.items():
                one, other = (piece[end] for end in link.ends)
                apart = joined[name] & (one != other)
                if apart.any():
                    least = np.minimum(one, other)
                    np.copyto(one, least, where=apart)
                    np.copyto(other, least, where=apart)
                    grows = True
        return {name: np.where(found == dead, np.int16(NOWHERE), found) for name, found in piece.items()}
