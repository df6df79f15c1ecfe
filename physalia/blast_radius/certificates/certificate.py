"""Certificates: one JSON file with what is counted of a fleet's blast radius, for `check` to count again.

There is no tree of pairs or of threes in it: which of them bounds do not decide, the checker finds out by itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from attrs import frozen

from physalia.blast_radius.four import Four
from physalia.blast_radius.pairs import Worst
from physalia.blast_radius.singles import Impact, Volumes

SCHEMA_VERSION: Final = 1
LISTED: Final = 16
"""So many of the devices that harm most volumes are listed for each store."""


@frozen(kw_only=True)
class Counted:
    """What was counted of one store: each device alone, and the servers that take its majority."""

    volumes: Volumes
    alone: Sequence[Impact]
    four: int


def certificate(
    topology: bytes,
    fleet: bytes,
    stores: Mapping[str, Counted],
    group: Four,
    pair: Worst | None,
    triple: Worst | None,
) -> dict[str, Any]:
    """The certificate of counts for the cells and for one database, ``near`` and ``spread``; of these files."""
    cells = stores["cells"]
    made: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "claim": "blast-radius",
        "topology": {"name": cells.volumes.site.topology.name, "sha256": hashlib.sha256(topology).hexdigest()},
        "fleet": {"sha256": hashlib.sha256(fleet).hexdigest(), "volumes": len(cells.volumes.rows)},
        "cells": counts_alone(cells.alone),
    }
    for name in ("near", "spread"):
        one = stores[name]
        names = [one.volumes.site.names[at] for at in one.volumes.fleet.cells[one.volumes.rows[0]].tolist()]
        made[name] = {**counts_alone(one.alone), "cell": names, "unserved_of_four": one.four}
    made["four"] = {"servers": list(group.servers), "unserved": cells.four, "at_most": group.cells}
    if pair is not None and (pair.worst.devices or pair.proven):
        single = max((one.unserved for one in cells.alone), default=0)
        into = max((one.blast for one in cells.alone), default=0)
        made["pair"] = _worst(pair, (max(single, pair.bound), max(into, pair.blast_bound)), cells.volumes, 2)
    if triple is not None and (triple.worst.devices or triple.proven):
        made["triple"] = _worst(triple, (triple.bound, triple.blast_bound), cells.volumes, 3)
    return made


def _worst(found: Worst, bounds: tuple[int, int], volumes: Volumes, many: int) -> dict[str, Any]:
    """The worst sets in both senses, with bounds that none exceeds; where no set does harm, any set is named."""
    any_set = tuple(islice(volumes.network.devices(), many))
    worst, in_blast = (
        {**_impact(one), "devices": list(one.devices or any_set), "at_most": bound}
        for one, bound in zip((found.worst, found.in_blast), bounds, strict=True)
    )
    return {**worst, "in_blast": in_blast}


def _impact(one: Impact) -> dict[str, Any]:
    return {"devices": list(one.devices), "unserved": one.unserved, "blast": one.blast}


def counts_alone(found: Sequence[Impact]) -> dict[str, Any]:
    """What is told of a store: how many devices harm it when they fail alone, how much at worst, and the worst."""
    return {
        "devices_that_harm": len(found),
        "worst_unserved": max((one.unserved for one in found), default=0),
        "worst_blast": max((one.blast for one in found), default=0),
        "worst": [
            {"device": one.devices[0], "unserved": one.unserved, "blast": one.blast}
            for one in sorted(found, reverse=True)[:LISTED]
        ],
    }
