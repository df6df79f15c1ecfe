"""Small topologies as plain data, for tests that put one thing wrong."""

import json
from typing import Any

from physalia.placement.site.format import loads
from physalia.placement.site.topology import Topology


def small_site() -> dict[str, Any]:
    """Two rows of two racks, two servers each; the racks of row 1 are fed from one side, those of row 2 from both."""
    return {
        "schema_version": 1,
        "name": "small",
        "rows": ["row-1", "row-2"],
        "power": [
            {"name": "feed-a", "kind": "feed"},
            {"name": "feed-b", "kind": "feed"},
            {"name": "ups-a", "kind": "ups", "supplies": ["feed-a"]},
            {"name": "ups-b", "kind": "ups", "supplies": ["feed-b"]},
            {"name": "pdu-a1", "kind": "pdu", "supplies": ["ups-a"]},
            {"name": "pdu-a2", "kind": "pdu", "supplies": ["ups-a"]},
            {"name": "pdu-b2", "kind": "pdu", "supplies": ["ups-b"]},
        ],
        "racks": [
            {"name": "rack-1", "row": "row-1", "supplies": ["pdu-a1"]},
            {"name": "rack-2", "row": "row-1", "supplies": ["pdu-a1", "pdu-a2"]},
            {"name": "rack-3", "row": "row-2", "supplies": ["pdu-a2", "pdu-b2"]},
            {"name": "rack-4", "row": "row-2", "supplies": ["pdu-a2", "pdu-b2"]},
        ],
        "switches": [
            *({"name": f"tor-{at}", "tier": "rack", "rack": f"rack-{at}"} for at in (1, 2, 3, 4)),
            {"name": "agg-1", "tier": "aggregation", "supplies": ["pdu-a1"]},
            {"name": "agg-2", "tier": "aggregation", "supplies": ["pdu-a2", "pdu-b2"]},
            {"name": "core-1", "tier": "core"},
        ],
        "links": [
            {"ends": ["tor-1", "agg-1"]},
            {"ends": ["tor-2", "agg-1"]},
            {"ends": ["tor-3", "agg-2"]},
            {"ends": ["tor-4", "agg-2"]},
            {"ends": ["agg-1", "core-1"]},
            {"ends": ["agg-2", "core-1"]},
            {"ends": ["agg-2", "core-1"], "name": "second trunk"},
        ],
        "servers": [
            {"name": f"server-{rack}{at}", "rack": f"rack-{rack}", "switches": [f"tor-{rack}"], "color": "blue",
             "capacity": 4, "nodes": 1}
            for rack in (1, 2, 3, 4)
            for at in "ab"
        ],
        "cells": [{"name": "cell-1", "servers": ["server-1a", "server-2a", "server-3a"]}],
        "failure_probability": {"kinds": {"switch": 0.25}, "devices": {"tor-1": 0.5, "server-1a--tor-1": 0.125}},
    }  # fmt: skip


def topology_of(site: dict[str, Any], where: str = "site.json") -> Topology:
    """The topology that plain data state."""
    return loads(json.dumps(site).encode(), where)
