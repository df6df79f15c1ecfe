"""Any four servers, proven from above: as many volumes as there are cells that share those four.

While only servers fail the network is whole, so a copy that lives reaches every node that lives. A volume is unserved
only if fewer than a majority of its nodes live: with four failed servers and seven nodes, if all four hold one. So the
worst four servers leave as many volumes unserved as cells have a group of four in common, which is one where no two
cells share more than three servers. A monolith loses its majority by four of its own servers, and with it everybody.
"""

from itertools import combinations

import numpy as np
from attrs import frozen

from physalia.blast_radius.fates import Seen, copies_reach_all, fates
from physalia.blast_radius.singles import CHUNK, Volumes
from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site


@frozen(kw_only=True)
class Four:
    """The servers of a group that most cells have in common, and how many do; a majority of a cell hangs on a group."""

    servers: tuple[str, ...]
    cells: int


def worst_group(volumes: Volumes) -> Four:
    """The group of as many servers as take a majority away that most cells share, and how many cells that is.

    No other group of so many servers leaves more volumes unserved. BadFleet if a copy does not reach some node while
    nothing has failed, since then fewer may be enough.
    """
    cells = np.sort(volumes.fleet.cells[volumes.rows].astype(np.uint64), axis=1)
    size = cells.shape[1]
    _must_be_whole(volumes)
    if not len(cells):
        return Four(servers=(), cells=0)
    groups = list(combinations(range(size), size - size // 2))
    keys = np.concatenate([_mixed(cells[:, group]) for group in groups])
    keys.sort()
    again, more = np.unique(keys[1:][keys[1:] == keys[:-1]], return_counts=True)  # none, if no two cells share a group
    best = Four(servers=tuple(volumes.site.names[int(one)] for one in cells[0, : len(groups[0])]), cells=1)
    for at in np.argsort(-more, kind="stable").tolist():
        if 1 + more[at] <= best.cells:  # mixing may join groups, and never parts one: no other is shared more often
            break
        best = max(best, _counted(volumes.site, cells, groups, again[at]), key=lambda one: one.cells)
    return best


def _counted(site: Site, cells: np.ndarray, groups: list[tuple[int, ...]], key: np.uint64) -> Four:
    """Of the groups that were mixed into one number the one that is there most often."""
    found: dict[tuple[int, ...], int] = {}
    for group in groups:
        some = cells[:, group]
        for at in np.flatnonzero(_mixed(some) == key).tolist():
            servers = tuple(some[at].astype(np.int64).tolist())
            found[servers] = found.get(servers, 0) + 1
    servers, count = max(found.items(), key=lambda item: item[1])
    return Four(servers=tuple(site.names[one] for one in servers), cells=count)


def _mixed(groups: np.ndarray) -> np.ndarray:
    keys = np.zeros(len(groups), dtype=np.uint64)
    for column in range(groups.shape[1]):
        keys = (keys ^ groups[:, column]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
        keys ^= keys >> np.uint64(29)
    return keys


def _must_be_whole(volumes: Volumes) -> None:
    """While nothing has failed every copy must reach every node; then it does while only servers fail, if both live."""
    base = volumes.network.base
    for start in range(0, len(volumes.rows), CHUNK):
        rows = volumes.rows[start : start + CHUNK]
        seen = Seen.of(volumes.site, base, volumes.fleet, rows)
        apart = rows[~copies_reach_all(seen)]
        if len(apart):
            name = volumes.fleet.name(int(apart[0]))
            raise BadFleet(
                f"{volumes.site.topology.where}: {name} has a copy that does not reach all nodes, though nothing has "
                "failed."
            )


def by_servers(volumes: Volumes, servers: tuple[str, ...]) -> int:
    """How many volumes are unserved when these servers fail, counted volume by volume."""
    found, numbers = 0, [volumes.site.number[name] for name in servers]
    for start in range(0, len(volumes.rows), CHUNK):
        rows = volumes.rows[start : start + CHUNK]
        seen = Seen.of(volumes.site, volumes.network.base, volumes.fleet, rows)
        found += int(fates(seen.without_servers(np.isin(seen.servers, numbers))).unserved.sum())
    return found


def monolith(site: Site, size: int, clients: Fleet, *, near: bool) -> Fleet:
    """The same volumes with one database for all: a cell in one row, or spread over the racks of the site.

    Whoever has no place in the fleet has none here either. BadFleet if the row, or the site, has too few servers.
    """
    racks: dict[str, int] = {}
    first_row = int(site.row_of[0]) if len(site.row_of) else 0
    for server, stand in enumerate(site.stand_of.tolist()):
        if not near or site.row_of[stand] == first_row:
            racks.setdefault(site.stands[stand][0], server)
    firsts = list(racks.values())
    if len(firsts) < size:
        others = [at for at, stand in enumerate(site.stand_of.tolist())
                  if (not near or site.row_of[stand] == first_row) and at not in firsts]  # fmt: skip
        firsts += others
    if len(firsts) < size:
        raise BadFleet(f"{site.topology.where}: there are too few servers for one database of {size} nodes.")
    chosen = [firsts[at * len(firsts) // size] for at in range(size)]
    cells = np.where(clients.placed[:, None], np.array(chosen, dtype=np.int32), np.int32(NOBODY))
    return Fleet(clients.clients, cells, clients.names)


def own_servers(one: Volumes, many: int) -> tuple[str, ...]:
    """The first so many servers of the cell that all volumes of a monolith have."""
    return tuple(one.site.names[at] for at in one.fleet.cells[one.rows[0], :many].tolist())
