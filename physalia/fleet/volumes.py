"""Volumes made up: the servers of an instance, its primary and its replica, the same ones for the same seed."""

from collections import defaultdict
from random import Random

import numpy as np

from physalia.fleet.fleet import Servers
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site

MOST_VOLUMES = 10_000_000
"""More are not made up: ten times those of a large zone."""


def made_up(site: Site, count: int, seed: int) -> Servers:
    """So many volumes: an instance anywhere, its copies on other servers of the same row, in racks of their own.

    Where a row has fewer racks the copies share one, and where it has no other server there is `NOBODY`.
    """
    random = Random(seed)  # noqa: S311  # repeatable, no secret
    rows: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    row_of, rack_of = site.row_of.tolist(), [rack for rack, _ in site.stands]
    stand_of = site.stand_of.tolist()
    for server, stand in enumerate(stand_of):
        rows[row_of[stand]][rack_of[stand]].append(server)
    racks = {row: list(found.values()) for row, found in rows.items()}
    volumes = np.full((count, 3), NOBODY, dtype=np.int32)
    for at in range(count):
        instance = int(random.random() * len(stand_of))
        taken = {instance}
        volumes[at, 0] = instance
        own = racks[row_of[stand_of[instance]]]
        used = {rack_of[stand_of[instance]]}
        for copy in (1, 2):
            for _ in range(_TRIES):
                rack = own[int(random.random() * len(own))]
                server = rack[int(random.random() * len(rack))]
                if server not in taken and (len(own) <= copy or rack_of[stand_of[server]] not in used):
                    volumes[at, copy] = server
                    taken.add(server)
                    used.add(rack_of[stand_of[server]])
                    break
            else:
                break  # whoever has no primary has no replica
    return volumes


_TRIES = 64
