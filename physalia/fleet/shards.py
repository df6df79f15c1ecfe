"""A whole fleet placed: the rows of a site for themselves, on as many cores as there are, and then what is left over.

Or on as many machines as a scheduler of Dask has workers on.

A cell near its instance stays in its row as a rule, and rows do not compete. So each row places its own volumes in
their order, whoever does it, and the outcome is the same on any number of cores. What found no room in its row is
placed on the whole site, in order too.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from typing import Any

import numpy as np
from attrs import frozen

from physalia.fleet.fleet import Fleet, Servers
from physalia.fleet.placer import Placer
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.sites import Ints, Site
from physalia.placement.effort import Effort

_LOOK_S = 0.5
"""How often a wait for a worker elsewhere looks whether time is over."""


@frozen(eq=False)
class _Job:
    """What a process needs for the rows that it places."""

    site: Site
    rules: Rules
    fleet: Fleet
    row_of_server: Ints
    waiting: dict[int, Ints]
    """For each row the volumes whose instance is there and whose cell has no node."""
    held: dict[int, list[int]]
    """For each row the cells that have nodes there."""

    def row(self, row: int) -> tuple[Ints, Servers]:
        """The volumes of a row without a place, by number, and the places that they find in it."""
        site, fleet = self.site, self.fleet
        placer = Placer(site, self.rules, frozenset(np.flatnonzero(site.row_of == row).tolist()))
        for at in self.held.get(row, ()):
            nodes = [one for one in fleet.cells[at].tolist() if one != NOBODY and self.row_of_server[one] == row]
            placer.add(at, nodes)
        volumes = self.waiting[row]
        found = np.full((len(volumes), fleet.cells.shape[1]), NOBODY, dtype=np.int32)
        for at, volume in enumerate(volumes.tolist()):
            servers = placer.place(fleet.volume(volume))
            if servers is not None:
                placer.add(volume, servers)
                found[at] = servers
        return volumes, found


def place(
    site: Site, rules: Rules, fleet: Fleet, effort: Effort, cores: int = 1, machines: Any = None
) -> Fleet:  # fmt: skip
    """The fleet with a place for every volume that had none and for which one was found; the others stay as they are.

    ``machines`` is a client of Dask, if the rows are to be placed by its workers instead of by so many processes here.
    OutOfTime between two rows, and between two cells of those that are left over.
    """
    rows = site.row_of[site.stand_of]
    waiting = np.flatnonzero((fleet.cells == NOBODY).all(axis=1))
    by_row = rows[fleet.clients[waiting, 0]]
    held: dict[int, list[int]] = {}
    for at in np.flatnonzero((fleet.cells != NOBODY).any(axis=1)).tolist():
        for row in {int(rows[one]) for one in fleet.cells[at].tolist() if one != NOBODY}:
            held.setdefault(row, []).append(at)
    job = _Job(site, rules, fleet, rows, {row: waiting[by_row == row] for row in np.unique(by_row).tolist()}, held)
    cells = fleet.cells.copy()
    for volumes, found in _rows(job, effort, cores) if machines is None else _far_rows(job, effort, machines):
        cells[volumes] = found
    return _left_over(site, rules, fleet.with_cells(cells), effort)


def _rows(job: _Job, effort: Effort, cores: int) -> Iterator[tuple[Ints, Servers]]:
    rows = sorted(job.waiting)
    if cores <= 1 or len(rows) <= 1 or "fork" not in get_all_start_methods():
        for row in rows:
            effort.spend("rows")
            yield job.row(row)
        return
    with ProcessPoolExecutor(min(cores, len(rows)), get_context("fork"), initializer=_begin, initargs=(job,)) as pool:
        for found in pool.map(_row, rows):
            effort.spend("rows")
            yield found


def _far_rows(job: _Job, effort: Effort, machines: Any) -> Iterator[tuple[Ints, Servers]]:
    """The rows as workers elsewhere place them; the job travels to each of them once.

    Under a key of its own: Dask names what it shares by its content, and an equal job sent while the last one is being
    forgotten would then be forgotten too, and waited for without end.
    """
    shared = machines.scatter(job, broadcast=True, hash=False)
    placing = [machines.submit(_Job.row, shared, row, pure=False) for row in sorted(job.waiting)]
    try:
        for one in placing:
            effort.spend("rows")
            yield _placed(one, effort)
    finally:
        machines.cancel(placing)


def _placed(row: Any, effort: Effort) -> tuple[Ints, Servers]:
    """What a worker says of a row; OutOfTime also where no worker is left that could say it."""
    while True:
        if effort.is_over:
            effort.stop()
        try:
            found: tuple[Ints, Servers] = row.result(timeout=_LOOK_S)
        except TimeoutError:
            if row.status == "error":  # it is the worker's own, and comes again and again
                raise
            continue
        return found


def _left_over(site: Site, rules: Rules, fleet: Fleet, effort: Effort) -> Fleet:
    waiting = np.flatnonzero((fleet.cells == NOBODY).all(axis=1)).tolist()
    if not waiting:
        return fleet
    placer = filled(site, rules, fleet)
    for at in waiting:
        effort.spend("cells left over")
        servers = placer.place(fleet.volume(at))
        if servers is not None:
            placer.add(at, servers)
            fleet.cells[at] = servers
    return fleet


def filled(site: Site, rules: Rules, fleet: Fleet) -> Placer:
    """A placer that knows every node of a fleet, those of cells that lack some too."""
    placer = Placer(site, rules)
    for at, servers in enumerate(fleet.cells.tolist()):
        placer.add(at, [server for server in servers if server != NOBODY])
    return placer


_JOBS: list[_Job] = []
"""What this process places; set once, when it begins."""


def _begin(job: _Job) -> None:
    _JOBS[:] = [job]


def _row(row: int) -> tuple[Ints, Servers]:
    return _JOBS[0].row(row)
