"""What devices of any kinds do that fail together: how many volumes they harm, and which; and who can add to that."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from physalia.blast_radius.fates import under
from physalia.blast_radius.network import Fabric
from physalia.blast_radius.singles import Impact, Volumes
from physalia.fleet.rules import NOBODY


@frozen
class Harmed:
    """A volume that is unserved, by the name of its cell; and whether it is in blast, too."""

    cell: str
    blast: bool


def volumes_under(volumes: Volumes, failed: Sequence[str]) -> Impact:
    """How many volumes any devices harm together."""
    unserved, blast = _rows_under(volumes, failed)
    return Impact(len(unserved), len(blast), tuple(failed))


def harmed_by(volumes: Volumes, failed: Sequence[str], most: int) -> tuple[Harmed, ...]:
    """Up to so many of the volumes that any devices harm together: those in blast first, then in the fleet's order."""
    unserved, blast = (rows.tolist() for rows in _rows_under(volumes, failed))
    in_blast = set(blast)
    others = (row for row in unserved if row not in in_blast)
    return tuple(Harmed(volumes.fleet.name(row), row in in_blast) for row in [*blast, *others][:most])


def _rows_under(volumes: Volumes, failed: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the volumes that are unserved, and of those in blast; all others are as they were, served."""
    site = volumes.site
    left = volumes.network.without(failed)
    own = {name.partition("--")[0] for name in failed} & site.number.keys()
    stands = np.array(sorted({int(site.stand_of[site.number[name]]) for name in own}), dtype=np.int64)
    rows = volumes.at(np.union1d(volumes.changed(left), stands))
    found = under(site, left, volumes.fleet, failed, rows)
    return rows[found.unserved], rows[found.blast]


def servers_at_risk(volumes: Volumes, left: Fabric, missing: int) -> dict[str, int]:
    """Servers and their links by how many volumes have them which so few of them can harm beside a fabric; most first.

    Whoever has no volume at risk changes nothing: some of these stand for all.
    """
    site, fleet = volumes.site, volumes.fleet
    rows = volumes.at_risk(left, volumes.rows, missing)
    risky = np.concatenate([fleet.clients[rows], fleet.cells[rows]], axis=1)
    counts = np.bincount(risky[risky != NOBODY], minlength=len(site.names))
    found: dict[str, int] = {}
    for at in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts) + missing].tolist():
        name = site.names[at]
        found |= dict.fromkeys((name, *(link for link, _ in site.topology.links_of(name))), int(counts[at]))
    return found
