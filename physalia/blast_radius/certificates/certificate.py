"""Certificates: one JSON file with what is counted of a fleet's blast radius, for `check` to count again.

There is no tree of pairs or of threes in it: which of them bounds do not decide, the checker finds out by itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from physalia.blast_radius.four import Four
from physalia.blast_radius.pairs import Worst
from physalia.blast_radius.singles import Impact, Volumes
from physalia.blast_radius.triples import WorstThree

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
    triple: WorstThree | None,
) -> dict[str, Any]:
    """The certificate of counts for the cells and for one database, ``near`` and ``spread``; of these files."""
    cells = stores["cells"]
    made: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "claim": "blast-radius",
        "topology": {"name": cells.volumes.site.topology.name, "sha256": hashlib.sha256(topology).hexdigest()},
        "fleet": {"sha256": hashlib.sha256(fleet).hexdigest(), "volumes": len(cells.volumes.rows)},
        "cells": _alone(cells.alone),
    }
    for name in ("near", "spread"):
        one = stores[name]
        names = [one.volumes.site.names[at] for at in one.volumes.fleet.cells[one.volumes.rows[0]].tolist()]
        made[name] = {**_alone(one.alone), "cell": names, "unserved_of_four": one.four}
    made["four"] = {"servers": list(group.servers), "unserved": cells.four, "at_most": group.cells}
    if pair is not None and pair.worst.devices:
        single = max((one.unserved for one in cells.alone), default=0)
        made["pair"] = {**_impact(pair.worst), "at_most": max(single, pair.bound)}
    if triple is not None and triple.worst.devices:
        in_blast = {**_impact(triple.in_blast), "at_most": triple.blast_bound}
        made["triple"] = {**_impact(triple.worst), "at_most": triple.bound, "in_blast": in_blast}
    return made


def _impact(one: Impact) -> dict[str, Any]:
    return {"devices": list(one.devices), "unserved": one.unserved, "blast": one.blast}


def _alone(found: Sequence[Impact]) -> dict[str, Any]:
    return {
        "devices_that_harm": len(found),
        "worst_unserved": max((one.unserved for one in found), default=0),
        "worst_blast": max((one.blast for one in found), default=0),
        "worst": [
            {"device": one.devices[0], "unserved": one.unserved, "blast": one.blast}
            for one in sorted(found, reverse=True)[:LISTED]
        ],
    }
